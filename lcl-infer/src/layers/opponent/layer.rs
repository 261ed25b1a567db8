//! The colour-opponent retina on its way through a frame: a ring of five rows of
//! the image and one of three rows of contrasts.

use super::{Contrasts, IN_C, Opponent, OpponentKernels, PADDING};
use crate::layers::ring::{Count, Ring, Window, count, not_zero};
use crate::memory::{aligned, words_mut};
use crate::shape::{Border, ImageSize, reflect};

/// Rows of contrasts that are kept.
const ROWS: usize = 3;

#[derive(Clone, Copy, Debug)]
pub(crate) struct OpponentLayer {
    retina: Opponent,
    ring: Ring,
    width: Count,
    height: Count,
    /// Rows whose contrasts are computed.
    contrasted: Count,
    emitted: Count,
}

const fn window() -> Window {
    Window {
        channels: not_zero(IN_C),
        side: not_zero(2 * PADDING + 1),
        stride: 1,
        padding: PADDING,
        border: Border::Reflect,
    }
}

/// Returns the bytes of a row of contrasts.
const fn contrasts_len(width: usize) -> usize {
    aligned(size_of::<Contrasts>() * width)
}

impl OpponentLayer {
    /// Returns the bytes that it keeps for an input of `width` pixels.
    pub(crate) const fn memory_len(width: usize) -> usize {
        window().memory_len(width) + ROWS * contrasts_len(width)
    }

    pub(crate) fn new(retina: Opponent, size: ImageSize) -> Self {
        let [width, height] = [size.width, size.height].map(count);
        Self { retina, ring: Ring::new(size), width, height, contrasted: 0, emitted: 0 }
    }

    pub(crate) fn reset(&mut self) {
        self.ring.reset();
        (self.contrasted, self.emitted) = (0, 0);
    }

    pub(crate) fn arrived(&self) -> usize {
        self.ring.arrived()
    }

    pub(crate) fn emitted(&self) -> usize {
        self.emitted.into()
    }

    pub(crate) fn next_row<'m>(&self, memory: &'m mut [u8]) -> &'m mut [u8] {
        self.ring.next_row(&window(), memory)
    }

    pub(crate) fn commit(&mut self, memory: &mut [u8]) {
        self.ring.commit(&window(), memory);
    }

    pub(crate) fn last_row<'m>(&self, memory: &'m [u8]) -> &'m [u8] {
        self.ring.last_row(&window(), memory)
    }

    /// Returns whether contrasts of a row, or a row of the output, can be had.
    pub(crate) fn is_ready(&self) -> bool {
        self.has_contrasts() || self.has_row()
    }

    fn has_contrasts(&self) -> bool {
        self.contrasted < self.height && self.ring.has_window(&window(), self.contrasted.into())
    }

    /// Returns whether the contrasts around the next row are there.
    fn has_row(&self) -> bool {
        let last = self.emitted.saturating_add(1).min(self.height.saturating_sub(1));
        self.emitted < self.height && last < self.contrasted
    }

    /// Writes the next row of the output, `[1, W, 6]`, if the rows that have
    /// arrived complete one.
    pub(crate) fn emit(
        &mut self,
        kernels: &OpponentKernels,
        memory: &mut [u8],
        out: &mut [u8],
    ) -> bool {
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        let rows_len = window().memory_len(width);
        let (rows, contrasts) = memory.split_at_mut_checked(rows_len).unwrap_or_default();
        let len = contrasts_len(width);
        // A row is given before the slot of one that it reads is taken again.
        while !self.has_row() && self.has_contrasts() {
            let y = usize::from(self.contrasted);
            let window = self.ring.window(&window(), rows, y);
            let start = y % ROWS * len;
            let slot = contrasts.get_mut(start..start + len).unwrap_or_default();
            let slot = bytemuck::try_cast_slice_mut(words_mut(slot)).unwrap_or_default();
            (kernels.contrasts_row)(&window, slot.get_mut(..width).unwrap_or_default());
            self.contrasted = self.contrasted.saturating_add(1);
        }
        if !self.has_row() {
            return false;
        }
        let contrasts = &*contrasts;
        let row = |padded: usize| {
            let start = reflect(padded, 1, height) % ROWS * len;
            let slot = contrasts.get(start..start + len).unwrap_or_default();
            let slot = bytemuck::try_cast_slice(slot).unwrap_or_default();
            slot.get(..width).unwrap_or_default()
        };
        let y = usize::from(self.emitted);
        (kernels.divide_row)(&self.retina, [row(y), row(y + 1), row(y + 2)], out);
        self.emitted = self.emitted.saturating_add(1);
        true
    }
}
