//! The kernels, behind one seam: a table of plain functions, chosen once.
//!
//! A kernel works on one row of output. It knows shapes and arithmetic, and
//! nothing of rings, stages or blobs. [`portable`] is always there; a kernel
//! for an instruction set is one more table, which [`active`] picks.

use crate::parameters::Conv2d;
use crate::shape::MAX_KERNEL;

pub mod portable;

/// The rows of the input that one row of a convolution's output reads.
///
/// Each row is NHWC and reflected at both ends already: `(W + 2 · padding) ·
/// in_c` bytes. Row `ky` of the window is the row that meets the weights `ky`.
#[derive(Debug)]
pub struct RowWindow<'a> {
    rows: heapless::Vec<&'a [u8], MAX_KERNEL>,
}

impl<'a> RowWindow<'a> {
    /// Collects the rows, at most [`MAX_KERNEL`] of them, in order of `ky`.
    pub fn new(rows: impl Iterator<Item = &'a [u8]>) -> Self {
        Self { rows: rows.take(MAX_KERNEL).collect() }
    }

    /// Returns the rows in order of `ky`.
    #[must_use]
    pub fn rows(&self) -> &[&'a [u8]] {
        &self.rows
    }
}

/// What one row does to the pooled row that it falls into.
///
/// Windows have three rows and move by two: their middle row has an even
/// index, and an odd row is the last of one window and the first of the next.
#[derive(Debug)]
pub enum PoolStep<'a> {
    /// The row is the middle of the window.
    Middle,
    /// The row completes a window, written here (`[1, W_out, C]`), and opens
    /// the next.
    Edge(&'a mut [u8]),
}

/// One implementation of every operation: a row of output at a call.
///
/// All implementations give the same bytes. The slices have the lengths that
/// the geometry says; where they have not, a kernel writes fewer values and
/// never reads or writes out of bounds.
#[derive(Clone, Copy, Debug)]
pub struct Kernels {
    /// Name of the instruction set.
    pub name: &'static str,
    /// One row of convolution and requantisation, `out` is `[1, W_out, out_c]`.
    pub conv2d_row: fn(conv: &Conv2d<'_>, window: &RowWindow<'_>, out: &mut [u8]),
    /// `row = max(row, other)`, byte by byte.
    pub max_rows: fn(row: &mut [u8], other: &[u8]),
    /// One row `[1, W, C]`, the maximum over rows taken, through the maximum
    /// over columns and into the blur: `sum` is `[1, W_out, C]`.
    pub max_blur_row: fn(row: &[u8], channels: usize, sum: &mut [u16], step: PoolStep<'_>),
    /// Three rows `[1, W, C]` through the blur and into the maximum:
    /// `largest` is `[1, W_out, C]`.
    pub blur_max_row:
        fn(rows: [&[u8]; 3], channels: usize, largest: &mut [u16], step: PoolStep<'_>),
    /// One row `[1, W, C]` into the maximum: `largest` is `[1, W_out, C]`.
    pub max_row: fn(row: &[u8], channels: usize, largest: &mut [u16], step: PoolStep<'_>),
}

/// Returns the kernels for the machine that this runs on.
#[must_use]
pub fn active() -> &'static Kernels {
    &portable::KERNELS
}
