//! A plain pool on its way through a frame: a ring of its input's rows.

use super::{WindowOperation, WindowPool, WindowPoolKernels};
use crate::layers::ring::{Count, Window, count, not_zero};
use crate::layers::windowed::{WindowLayer, Windowed};
use crate::shape::{Border, ImageSize};

/// A plain pool and the channels of its map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PooledChannels {
    pool: WindowPool,
    channels: Count,
}

impl Windowed for PooledChannels {
    fn window(&self) -> Window {
        window(&self.pool, self.channels.into())
    }
}

pub(crate) type WindowPoolLayer = WindowLayer<PooledChannels>;

impl WindowPoolLayer {
    /// Returns the bytes that it keeps for an input of `width` pixels.
    pub(crate) const fn memory_len(pool: &WindowPool, width: usize, channels: usize) -> usize {
        window(pool, channels).memory_len(width)
    }

    pub(crate) fn of_pool(pool: WindowPool, size: ImageSize, channels: usize) -> Self {
        let out_h = pool.out_side(size.height);
        Self::new(PooledChannels { pool, channels: count(channels) }, size, out_h)
    }

    /// Writes the next row of the output, `[1, W_out, C]`, which is to be ready.
    pub(crate) fn emit(
        &mut self,
        kernels: &WindowPoolKernels,
        memory: &[u8],
        out: &mut [u8],
    ) -> bool {
        let window = self.take(memory);
        let PooledChannels { pool, channels } = &self.of;
        let row = match pool.operation() {
            WindowOperation::Max => kernels.max_row,
            WindowOperation::Average => kernels.average_row,
        };
        row(pool, &window, (*channels).into(), out);
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
