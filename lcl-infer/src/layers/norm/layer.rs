//! A divisive normalisation on its way through a frame: a ring of its input's
//! rows.

use super::{Norm, NormGeometry, NormKernels};
use crate::layers::ring::Window;
use crate::layers::windowed::{WindowLayer, Windowed};
use crate::shape::ImageSize;

impl Windowed for Norm<'_> {
    fn window(&self) -> Window {
        Window::of(&self.geometry().conv())
    }
}

pub(crate) type NormLayer<'a> = WindowLayer<Norm<'a>>;

impl<'a> NormLayer<'a> {
    /// Returns the bytes that it keeps for an input of `width` pixels.
    pub(crate) const fn memory_len(norm: &NormGeometry, width: usize) -> usize {
        Window::of(&norm.conv()).memory_len(width)
    }

    pub(crate) fn of_norm(norm: Norm<'a>, size: ImageSize) -> Self {
        Self::new(norm, size, size.height)
    }

    /// Writes the next row of the output, `[1, W, C]`, which is to be ready.
    pub(crate) fn emit(
        &mut self,
        kernels: &NormKernels,
        memory: &[u8],
        out: &mut [u8],
        scratch: &mut [u8],
    ) -> bool {
        let window = self.take(memory);
        (kernels.norm_row)(&self.of, &window, out, scratch);
        true
    }
}
