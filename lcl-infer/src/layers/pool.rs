//! The pool of window 3 and stride 2 in one of its three orders, row by row.

use super::ring::{Count, count};
use crate::arithmetic::round_blur;
use crate::kernels::{PoolKernels, PoolStep};
use crate::memory::{aligned, words_mut};
use crate::shape::{ImageSize, PoolOrder, pooled_side};

/// Rows that a pooling window reads.
const ROWS: usize = 3;

/// The last three rows of the input and one row of partial results.
///
/// Each row falls into the pooled row or rows that its window belongs to as
/// soon as its neighbours are there, so only these four rows are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolLayer {
    order: PoolOrder,
    width: Count,
    height: Count,
    channels: Count,
    arrived: Count,
    folded: Count,
    emitted: Count,
}

/// The parts of a pool's memory.
struct Parts<'m> {
    rows: [&'m mut [u8]; ROWS],
    partial: &'m mut [u16],
}

impl PoolLayer {
    /// Returns the bytes that it keeps for an input of `width` pixels.
    pub(crate) const fn memory_len(width: usize, channels: usize) -> usize {
        ROWS * aligned(width * channels) + aligned(2 * pooled_side(width) * channels)
    }

    pub(crate) fn new(order: PoolOrder, size: ImageSize, channels: usize) -> Self {
        let [width, height, channels] = [size.width, size.height, channels].map(count);
        Self { order, width, height, channels, arrived: 0, folded: 0, emitted: 0 }
    }

    fn width(&self) -> usize {
        self.width.into()
    }

    fn channels(&self) -> usize {
        self.channels.into()
    }

    fn out_h(&self) -> usize {
        pooled_side(self.height.into())
    }

    pub(crate) fn reset(&mut self) {
        (self.arrived, self.folded, self.emitted) = (0, 0, 0);
    }

    pub(crate) fn arrived(&self) -> usize {
        self.arrived.into()
    }

    pub(crate) fn emitted(&self) -> usize {
        self.emitted.into()
    }

    fn row_len(&self) -> usize {
        self.width() * self.channels()
    }

    fn parts<'m>(&self, memory: &'m mut [u8]) -> Parts<'m> {
        let slot_len = aligned(self.row_len());
        let mut rest = memory;
        let rows = [(); ROWS].map(|()| {
            let (slot, behind) =
                core::mem::take(&mut rest).split_at_mut_checked(slot_len).unwrap_or_default();
            rest = behind;
            slot.get_mut(..self.row_len()).unwrap_or_default()
        });
        let partial = words_mut(rest);
        let len = pooled_side(self.width()) * self.channels();
        Parts { rows, partial: partial.get_mut(..len).unwrap_or_default() }
    }

    pub(crate) fn next_row<'m>(&self, memory: &'m mut [u8]) -> &'m mut [u8] {
        self.slot(memory, self.arrived())
    }

    pub(crate) fn last_row<'m>(&self, memory: &'m mut [u8]) -> &'m mut [u8] {
        self.slot(memory, self.arrived().saturating_sub(1))
    }

    fn slot<'m>(&self, memory: &'m mut [u8], y: usize) -> &'m mut [u8] {
        let start = y % ROWS * aligned(self.row_len());
        memory.get_mut(start..start + self.row_len()).unwrap_or_default()
    }

    /// Counts the row in the next slot as arrived.
    pub(crate) fn commit(&mut self, memory: &mut [u8]) {
        if self.arrived == 0 {
            self.parts(memory).partial.fill(0);
        }
        self.arrived = self.arrived.saturating_add(1);
    }

    /// Returns whether a row has yet to fall into the pooled ones.
    pub(crate) fn is_ready(&self) -> bool {
        self.folded < self.foldable() || self.is_closing()
    }

    /// Returns whether only the last pooled row of a map of odd height is left.
    fn is_closing(&self) -> bool {
        self.folded == self.height && self.emitted() < self.out_h()
    }

    /// Writes the next pooled row, `[1, W_out, C]`, if the rows that have
    /// arrived complete one.
    ///
    /// It is called until it returns false before the next row arrives, whose
    /// slot is one that it reads.
    pub(crate) fn emit(
        &mut self,
        kernels: &PoolKernels,
        memory: &mut [u8],
        out: &mut [u8],
    ) -> bool {
        let mut parts = self.parts(memory);
        while self.folded < self.foldable() {
            let y = usize::from(self.folded);
            self.folded = self.folded.saturating_add(1);
            if y % 2 == 0 {
                self.fold(kernels, &mut parts, y, PoolStep::Middle);
            } else {
                self.fold(kernels, &mut parts, y, PoolStep::Edge(out));
                self.emitted = self.emitted.saturating_add(1);
                return true;
            }
        }
        let closing = self.is_closing();
        if closing {
            self.close(parts.partial, out);
            self.emitted = self.emitted.saturating_add(1);
        }
        closing
    }

    /// Returns how many rows have all the neighbours that they need.
    fn foldable(&self) -> Count {
        if self.arrived == self.height || self.order == PoolOrder::Max {
            self.arrived
        } else {
            self.arrived.saturating_sub(1)
        }
    }

    fn fold(&self, kernels: &PoolKernels, parts: &mut Parts<'_>, y: usize, step: PoolStep<'_>) {
        let (first, last) = (y == 0, y + 1 == usize::from(self.height));
        let channels = self.channels();
        let [above, row, below] = rows_around(&mut parts.rows, y);
        let partial = &mut *parts.partial;
        // Zero is what the blur sees outside of the map, and no byte is below
        // it, so it does not change a maximum.
        if first {
            above.fill(0);
        }
        if last {
            below.fill(0);
        }
        match self.order {
            PoolOrder::MaxBlur => {
                // The row above is not read again.
                (kernels.max_rows)(above, row);
                (kernels.max_rows)(above, below);
                (kernels.max_blur_row)(above, channels, partial, step);
            }
            PoolOrder::BlurMax => {
                (kernels.blur_max_row)([above, row, below], channels, partial, step);
            }
            PoolOrder::Max => (kernels.max_row)(row, channels, partial, step),
        }
    }

    /// Writes the last pooled row of a map of odd height, whose window has no
    /// row below its middle.
    fn close(&self, partial: &[u16], out: &mut [u8]) {
        for (out, &partial) in out.iter_mut().zip(partial) {
            *out = match self.order {
                PoolOrder::MaxBlur => round_blur(partial),
                PoolOrder::BlurMax | PoolOrder::Max => u8::try_from(partial).unwrap_or(u8::MAX),
            };
        }
    }
}

/// Returns the slots of the rows `y - 1`, `y` and `y + 1`.
fn rows_around<'r>(rows: &'r mut [&mut [u8]; ROWS], y: usize) -> [&'r mut [u8]; ROWS] {
    let [a, b, c] = rows;
    match y % ROWS {
        0 => [c, a, b],
        1 => [a, b, c],
        _ => [b, c, a],
    }
}
