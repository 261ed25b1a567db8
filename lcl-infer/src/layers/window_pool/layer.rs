//! A plain pool on its way through a frame: a ring of its input's rows.

use super::{WindowOperation, WindowPool, WindowPoolKernels};
use crate::layers::ring::{Count, Ring, Window, count, not_zero};
use crate::shape::{Border, ImageSize};

#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowPoolLayer {
    pool: WindowPool,
    ring: Ring,
    channels: Count,
    out_h: Count,
    emitted: Count,
}

impl WindowPoolLayer {
    /// Returns the bytes that it keeps for an input of `width` pixels.
    pub(crate) const fn memory_len(pool: &WindowPool, width: usize, channels: usize) -> usize {
        window(pool, channels).memory_len(width)
    }

    pub(crate) fn new(pool: WindowPool, size: ImageSize, channels: usize) -> Self {
        let out_h = count(pool.out_side(size.height));
        Self { pool, ring: Ring::new(size), channels: count(channels), out_h, emitted: 0 }
    }

    fn window(&self) -> Window {
        window(&self.pool, self.channels.into())
    }

    pub(crate) fn reset(&mut self) {
        self.ring.reset();
        self.emitted = 0;
    }

    pub(crate) fn arrived(&self) -> usize {
        self.ring.arrived()
    }

    pub(crate) fn emitted(&self) -> usize {
        self.emitted.into()
    }

    pub(crate) fn next_row<'m>(&self, memory: &'m mut [u8]) -> &'m mut [u8] {
        self.ring.next_row(&self.window(), memory)
    }

    pub(crate) fn commit(&mut self, memory: &mut [u8]) {
        self.ring.commit(&self.window(), memory);
    }

    pub(crate) fn last_row<'m>(&self, memory: &'m [u8]) -> &'m [u8] {
        self.ring.last_row(&self.window(), memory)
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.emitted < self.out_h && self.ring.has_window(&self.window(), self.emitted())
    }

    /// Writes the next row of the output, `[1, W_out, C]`, which is to be ready.
    pub(crate) fn emit(
        &mut self,
        kernels: &WindowPoolKernels,
        memory: &[u8],
        out: &mut [u8],
    ) -> bool {
        let window = self.ring.window(&self.window(), memory, self.emitted());
        let row = match self.pool.operation() {
            WindowOperation::Max => kernels.max_row,
            WindowOperation::Average => kernels.average_row,
        };
        row(&self.pool, &window, self.channels.into(), out);
        self.emitted = self.emitted.saturating_add(1);
        true
    }
}

const fn window(pool: &WindowPool, channels: usize) -> Window {
    Window {
        channels: not_zero(channels),
        side: not_zero(pool.side()),
        stride: pool.stride(),
        padding: pool.padding(),
        border: Border::Zero,
    }
}
