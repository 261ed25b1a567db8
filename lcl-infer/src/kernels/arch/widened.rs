//! Values widened to 16 bits, for kernels that multiply pairs of such words.
#![expect(clippy::inline_always, reason = "compiled for what each caller is allowed")]

use super::columns::in_place;
use crate::kernels::RowWindow;
use crate::shape::ConvGeometry;

/// How the values of neighbouring pixels are laid out, widened to 16 bits.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    /// Rows of values.
    pub(super) rows: usize,
    /// Values from one row to the next.
    pub(super) row_len: usize,
    /// Values that a pixel reads in each row, a multiple of [`TAP_BLOCK`](crate::packing::TAP_BLOCK).
    pub(super) len: usize,
    /// Values from one pixel to the next.
    pub(super) step: usize,
}

impl Layout {
    /// Returns the layout of `pixels` pixels: the rows as they are where the
    /// taps of a pixel are whole blocks in each, else a column for each pixel.
    pub(super) const fn new(conv: &ConvGeometry, pixels: usize) -> Self {
        let run = conv.taps_per_row();
        if in_place(conv) {
            let step = conv.stride() * conv.in_c();
            Self { rows: conv.kernel(), row_len: (pixels - 1) * step + run, len: run, step }
        } else {
            let len = conv.padded_taps();
            Self { rows: 1, row_len: pixels * len, len, step: len }
        }
    }

    /// Returns the number of values.
    pub(super) const fn values(&self) -> usize {
        self.rows * self.row_len
    }

    /// Returns the pixels of the largest tile, up to `most`, whose values are at most
    /// so many; one pixel may have more.
    pub(super) const fn pixels(conv: &ConvGeometry, most: usize, values: usize) -> usize {
        let mut pixels = most;
        while pixels > 1 && Self::new(conv, pixels).values() > values {
            pixels -= 1;
        }
        pixels
    }

    /// Lays out what the pixels from `x` on read.
    #[inline(always)]
    pub(super) fn widen(
        &self,
        window: &RowWindow<'_>,
        conv: &ConvGeometry,
        x: usize,
        values: &mut [i16],
    ) {
        let step = conv.stride() * conv.in_c();
        let run = conv.taps_per_row();
        let start = x * step;
        if in_place(conv) {
            for (row, values) in window.rows().iter().zip(values.chunks_exact_mut(self.row_len)) {
                widen_run(row.get(start..).unwrap_or_default(), values);
            }
            return;
        }
        for (pixel, column) in values.chunks_exact_mut(self.step).enumerate() {
            let start = start + pixel * step;
            for (row, values) in window.rows().iter().zip(column.chunks_mut(run)) {
                widen_run(row.get(start..start + run).unwrap_or_default(), values);
            }
        }
    }
}

#[inline(always)]
fn widen_run(from: &[u8], to: &mut [i16]) {
    const STEP: usize = 16;
    let len = from.len().min(to.len());
    let (Some(from), Some(to)) = (from.get(..len), to.get_mut(..len)) else {
        return;
    };
    let (Some(&last), true) = (from.last_chunk::<STEP>(), len >= STEP) else {
        for (to, &from) in to.iter_mut().zip(from) {
            *to = from.into();
        }
        return;
    };
    // The last step may overlap the one before it.
    for (from, to) in from.chunks_exact(STEP).zip(to.chunks_exact_mut(STEP)) {
        if let (Some(&from), Some(to)) = (from.first_chunk::<STEP>(), to.first_chunk_mut()) {
            *to = from.map(i16::from);
        }
    }
    if let Some(to) = to.last_chunk_mut() {
        *to = last.map(i16::from);
    }
}
