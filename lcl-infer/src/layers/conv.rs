//! The convolution: a ring of its input's rows.

use super::ring::{Count, Ring, Window, count};
use crate::kernels::{self, ConvKernels};
use crate::parameters::Convolution;
use crate::shape::{ConvGeometry, ImageSize};

/// A convolution on its way through a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConvLayer<'a> {
    conv: Convolution<'a>,
    ring: Ring,
    out_h: Count,
    emitted: Count,
}

impl<'a> ConvLayer<'a> {
    /// Returns the bytes that it keeps for an input of `width` pixels.
    pub(crate) const fn memory_len(conv: &ConvGeometry, width: usize) -> usize {
        Window::of(conv).memory_len(width)
    }

    pub(crate) fn new(conv: Convolution<'a>, size: ImageSize) -> Self {
        let out_h = count(conv.geometry().out_side(size.height));
        Self { conv, ring: Ring::new(size), out_h, emitted: 0 }
    }

    fn window(&self) -> Window {
        Window::of(&self.conv.geometry())
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

    /// Returns whether the rows that have arrived complete a row of the output.
    pub(crate) fn is_ready(&self) -> bool {
        self.emitted < self.out_h && self.ring.has_window(&self.window(), self.emitted())
    }

    /// Writes the next row of the output, `[1, W_out, out_c]`, which is to be
    /// ready.
    pub(crate) fn emit(
        &mut self,
        kernels: &ConvKernels,
        memory: &[u8],
        out: &mut [u8],
        scratch: &mut [u8],
    ) -> bool {
        let window = self.ring.window(&self.window(), memory, self.emitted());
        match &self.conv {
            Convolution::Direct(conv) => {
                let len = kernels::scratch_len(&conv.geometry());
                let scratch = scratch.get_mut(..len).unwrap_or_default();
                (kernels.conv2d_row)(conv, &window, out, scratch);
            }
            Convolution::Transformed(conv) => (kernels.toom_row)(conv, &window, out, scratch),
        }
        self.emitted = self.emitted.saturating_add(1);
        true
    }
}
