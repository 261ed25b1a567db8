//! Pooling of one stage, row by row.

use crate::arithmetic::round_blur;
use crate::kernels::{Kernels, PoolStep};
use crate::shape::{ImageSize, PoolOrder, pooled_side};

/// Rows of the convolution that a pooling window reads.
const ROWS: usize = 3;

/// The last three rows of the convolution and one row of partial results.
///
/// Each row falls into the pooled row or rows that its window belongs to as
/// soon as its neighbours are there, so nothing but these four rows is kept.
#[derive(Debug)]
pub(crate) struct Pool<'a> {
    order: PoolOrder,
    kernels: &'static Kernels,
    size: ImageSize,
    channels: usize,
    rows: [&'a mut [u8]; ROWS],
    partial: &'a mut [u16],
    arrived: usize,
    folded: usize,
    emitted: usize,
}

impl<'a> Pool<'a> {
    /// Returns the bytes of one row of the convolution of `width` pixels.
    pub(crate) const fn row_len(width: usize, channels: usize) -> usize {
        width * channels
    }

    /// Returns the values of the row of partial results.
    pub(crate) const fn partial_len(width: usize, channels: usize) -> usize {
        pooled_side(width) * channels
    }

    /// Creates a pool over three rows of `row_len` and `partial_len` values.
    pub(crate) fn new(
        order: PoolOrder,
        kernels: &'static Kernels,
        size: ImageSize,
        channels: usize,
        rows: [&'a mut [u8]; ROWS],
        partial: &'a mut [u16],
    ) -> Self {
        let mut pool = Self {
            order,
            kernels,
            size,
            channels,
            rows,
            partial,
            arrived: 0,
            folded: 0,
            emitted: 0,
        };
        pool.reset();
        pool
    }

    /// Forgets all rows.
    pub(crate) fn reset(&mut self) {
        (self.arrived, self.folded, self.emitted) = (0, 0, 0);
        self.partial.fill(0);
    }

    /// Returns the number of rows of the convolution that have arrived.
    pub(crate) fn arrived(&self) -> usize {
        self.arrived
    }

    /// Returns where the next row of the convolution goes, `[1, W, C]`;
    /// [`commit`](Self::commit) follows once it is written.
    pub(crate) fn next_row(&mut self) -> &mut [u8] {
        let [_, next, _] = rows_around(&mut self.rows, self.arrived);
        next
    }

    /// Counts the row in the next slot as arrived.
    pub(crate) fn commit(&mut self) {
        self.arrived += 1;
    }

    /// Writes the next pooled row, `[1, W_out, C]`, if the rows that have
    /// arrived complete one.
    pub(crate) fn emit(&mut self, out: &mut [u8]) -> bool {
        while self.folded < self.foldable() {
            let y = self.folded;
            self.folded += 1;
            if y % 2 == 0 {
                self.fold(y, PoolStep::Middle);
            } else {
                self.fold(y, PoolStep::Edge(out));
                self.emitted += 1;
                return true;
            }
        }
        let last = self.folded == self.size.height && self.emitted < pooled_side(self.size.height);
        if last {
            self.close(out);
            self.emitted += 1;
        }
        last
    }

    /// Returns how many rows have all the neighbours that they need.
    fn foldable(&self) -> usize {
        if self.arrived == self.size.height || self.order == PoolOrder::Max {
            self.arrived
        } else {
            self.arrived.saturating_sub(1)
        }
    }

    fn fold(&mut self, y: usize, step: PoolStep<'_>) {
        let (first, last) = (y == 0, y + 1 == self.size.height);
        let (order, kernels, channels) = (self.order, self.kernels, self.channels);
        let [above, row, below] = rows_around(&mut self.rows, y);
        // Zero is what the blur sees outside of the map, and no byte is below
        // it, so it is nothing to the maximum.
        if first {
            above.fill(0);
        }
        if last {
            below.fill(0);
        }
        match order {
            PoolOrder::MaxBlur => {
                // The row above is not read again.
                (kernels.max_rows)(above, row);
                (kernels.max_rows)(above, below);
                (kernels.max_blur_row)(above, channels, self.partial, step);
            }
            PoolOrder::BlurMax => {
                (kernels.blur_max_row)([above, row, below], channels, self.partial, step);
            }
            PoolOrder::Max => (kernels.max_row)(row, channels, self.partial, step),
        }
    }

    /// Writes the last pooled row of a map of odd height, whose window has no
    /// row below its middle.
    fn close(&self, out: &mut [u8]) {
        for (out, &partial) in out.iter_mut().zip(self.partial.iter()) {
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
