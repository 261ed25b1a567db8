//! A dense layer on its way through a frame: one row of its input.

use super::{Dense, DenseGeometry, DenseKernels};
use crate::layers::{Count, count};
use crate::memory::aligned;
use crate::shape::ImageSize;

#[derive(Clone, Copy, Debug)]
pub(crate) struct DenseLayer<'a> {
    dense: Dense<'a>,
    width: Count,
    arrived: Count,
    emitted: Count,
}

impl<'a> DenseLayer<'a> {
    /// Returns the bytes that it keeps for an input of `width` pixels.
    pub(crate) const fn memory_len(geometry: &DenseGeometry, width: usize) -> usize {
        aligned(width.saturating_mul(geometry.inputs()))
    }

    pub(crate) fn new(dense: Dense<'a>, size: ImageSize) -> Self {
        Self { dense, width: count(size.width), arrived: 0, emitted: 0 }
    }

    fn row_len(&self) -> usize {
        usize::from(self.width).saturating_mul(self.dense.geometry().inputs())
    }

    pub(crate) fn reset(&mut self) {
        (self.arrived, self.emitted) = (0, 0);
    }

    pub(crate) fn arrived(&self) -> usize {
        self.arrived.into()
    }

    pub(crate) fn emitted(&self) -> usize {
        self.emitted.into()
    }

    pub(crate) fn next_row<'m>(&self, memory: &'m mut [u8]) -> &'m mut [u8] {
        memory.get_mut(..self.row_len()).unwrap_or_default()
    }

    pub(crate) fn commit(&mut self, _: &mut [u8]) {
        self.arrived = self.arrived.saturating_add(1);
    }

    pub(crate) fn last_row<'m>(&self, memory: &'m [u8]) -> &'m [u8] {
        memory.get(..self.row_len()).unwrap_or_default()
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.emitted < self.arrived
    }

    /// Writes the next row of the output, which is to be ready.
    pub(crate) fn emit(&mut self, kernels: &DenseKernels, memory: &[u8], out: &mut [u8]) -> bool {
        (kernels.row)(&self.dense, self.last_row(memory), out);
        self.emitted = self.emitted.saturating_add(1);
        true
    }
}
