//! A retina on its way through a frame: one input row, the mean down to it, and
//! room for the mean along it.

use super::{Retina, RetinaKernels, RetinaRows};
use crate::layers::ring::{Count, count};
use crate::memory::{aligned, words_mut};
use crate::shape::ImageSize;

#[derive(Clone, Copy, Debug)]
pub(crate) struct RetinaLayer {
    retina: Retina,
    width: Count,
    channels: Count,
    arrived: Count,
    emitted: Count,
}

impl RetinaLayer {
    /// Returns the bytes that it keeps for an input of `width` pixels.
    pub(crate) const fn memory_len(width: usize, channels: usize) -> usize {
        aligned(width * channels) + 2 * aligned(2 * width * channels)
    }

    pub(crate) fn new(retina: Retina, size: ImageSize, channels: usize) -> Self {
        let [width, channels] = [size.width, channels].map(count);
        Self { retina, width, channels, arrived: 0, emitted: 0 }
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

    fn row_len(&self) -> usize {
        usize::from(self.width) * usize::from(self.channels)
    }

    pub(crate) fn next_row<'m>(&self, memory: &'m mut [u8]) -> &'m mut [u8] {
        memory.get_mut(..self.row_len()).unwrap_or_default()
    }

    pub(crate) fn last_row<'m>(&self, memory: &'m [u8]) -> &'m [u8] {
        memory.get(..self.row_len()).unwrap_or_default()
    }

    /// Counts the row as arrived.
    pub(crate) fn commit(&mut self, _memory: &mut [u8]) {
        self.arrived = self.arrived.saturating_add(1);
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.emitted < self.arrived
    }

    /// Writes the next row of the output, `[1, W, C_out]`, which is to be ready.
    pub(crate) fn emit(
        &mut self,
        kernels: &RetinaKernels,
        memory: &mut [u8],
        out: &mut [u8],
    ) -> bool {
        let len = self.row_len();
        let (row, rest) = memory.split_at_mut_checked(aligned(len)).unwrap_or_default();
        let (down, along) = rest.split_at_mut_checked(aligned(2 * len)).unwrap_or_default();
        let row = row.get(..len).unwrap_or_default();
        let down = words_mut(down).get_mut(..len).unwrap_or_default();
        let along = words_mut(along).get_mut(..len).unwrap_or_default();
        if self.emitted == 0 {
            for (down, &byte) in down.iter_mut().zip(row) {
                *down = u16::from(byte) << 8;
            }
        }
        let rows = RetinaRows { row, down, along };
        (kernels.retina_row)(&self.retina, self.channels.into(), rows, out);
        self.emitted = self.emitted.saturating_add(1);
        true
    }
}
