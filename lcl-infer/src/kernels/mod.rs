//! The kernels, behind one seam: tables of plain functions, chosen once.
//!
//! Each operation has a table of its own, so a new operation leaves the tables
//! of others alone. A kernel works on one row. It knows shapes and arithmetic,
//! and neither rings, layers nor blobs. [`portable`] is always there; the kernels
//! for an instruction set are one more table under `arch/`, and [`active`]
//! picks.

use core::ops::Range;

pub use crate::layers::dense::DenseKernels;
pub use crate::layers::norm::NormKernels;
pub use crate::layers::opponent::{Contrasts, OpponentKernels};
pub use crate::layers::readout::ReadoutKernels;
pub use crate::layers::resample::ResampleKernels;
pub use crate::layers::retina::{RetinaKernels, RetinaRows};
pub use crate::layers::window_pool::WindowPoolKernels;
use crate::parameters::Conv2d;
use crate::parts::Part;
use crate::shape::{ConvGeometry, MAX_KERNEL};
use crate::toom::ToomConv2d;
pub use toom::{MAX_TILES, toom_scratch_len};

mod arch;
mod pooling;
pub mod portable;
mod tiled;
mod toom;

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
        let mut collected = heapless::Vec::new();
        for row in rows {
            if collected.push(row).is_err() {
                break;
            }
        }
        Self { rows: collected }
    }

    /// Returns the rows in order of `ky`.
    #[must_use]
    pub fn rows(&self) -> &[&'a [u8]] {
        &self.rows
    }

    /// Iterates over what a range of the taps of output pixel `x` meets: slices
    /// of the rows, in order of taps. They end with the last tap, where the
    /// range goes on, and at once for a pixel that the rows do not reach.
    pub fn runs(
        &self,
        conv: &ConvGeometry,
        x: usize,
        taps: Range<usize>,
    ) -> impl Iterator<Item = &'a [u8]> {
        let run_len = conv.taps_per_row();
        let start = x.saturating_mul(conv.stride() * conv.in_c());
        let mut skipped = taps.start % run_len;
        let mut left = taps.len();
        self.rows.iter().skip(taps.start / run_len).map_while(move |row| {
            let len = left.min(run_len - skipped);
            let run = row.get(start.saturating_add(skipped)..)?.get(..len)?;
            (skipped, left) = (0, left - len);
            (len > 0).then_some(run)
        })
    }

    /// Copies what the taps from `first` on of output pixel `x` meet, as many
    /// as `values` holds, and zeros behind the last tap.
    pub fn copy_taps(&self, conv: &ConvGeometry, x: usize, first: usize, mut values: &mut [u8]) {
        for run in self.runs(conv, x, first..first.saturating_add(values.len())) {
            let rest = core::mem::take(&mut values);
            let Some((head, tail)) = rest.split_at_mut_checked(run.len()) else {
                break;
            };
            head.copy_from_slice(run);
            values = tail;
        }
        values.fill(0);
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

/// One implementation of every operation, a small table for each.
///
/// All implementations give the same bytes. The slices have the lengths that
/// the geometry says; where they have not, a kernel writes fewer values and
/// never reads or writes out of bounds. The kernels of a [`Part`] that is not built
/// in write nothing.
#[derive(Clone, Copy, Debug)]
pub struct Kernels {
    /// Name of the instruction set.
    pub name: &'static str,
    /// The convolution.
    pub conv: ConvKernels,
    /// The pool of window 3 and stride 2.
    pub pool: PoolKernels,
    /// Plain pools.
    pub window_pool: WindowPoolKernels,
    /// Dense layers.
    pub dense: DenseKernels,
    /// Divisive normalisation.
    pub norm: NormKernels,
    /// Resampling.
    pub resample: ResampleKernels,
    /// A retina.
    pub retina: RetinaKernels,
    /// A colour-opponent retina.
    pub opponent: OpponentKernels,
    /// Readouts.
    pub readout: ReadoutKernels,
}

impl Kernels {
    /// Returns the same table without the kernels of parts that are not built in: a
    /// program has all that its table names.
    const fn built_in(mut self) -> Self {
        if !Part::Transforms.is_built_in() {
            self.conv.toom_row = |_, _, _, _| {};
        }
        if !Part::Components.is_built_in() {
            self.norm.norm_row = |_, _, _, _| {};
            self.resample.columns = |_, _, _, _| {};
            self.resample.add_row = |_, _, _| {};
            self.resample.finish_row = |_, _| {};
            self.retina.retina_row = |_, _, _, _| {};
            self.opponent.contrasts_row = |_, _| {};
            self.opponent.divide_row = |_, _, _| {};
        }
        if !Part::Recognition.is_built_in() {
            self.window_pool.max_row = |_, _, _, _| {};
            self.window_pool.average_row = |_, _, _, _| {};
            self.dense.row = |_, _, _| {};
        }
        if !Part::Population.is_built_in() {
            self.readout.sums = |_, _| [0; 4];
        }
        self
    }
}

/// The convolution, a row of output at a call.
#[derive(Clone, Copy, Debug)]
pub struct ConvKernels {
    /// One row of convolution and requantisation, `out` is `[1, W_out, out_c]`;
    /// `scratch` is aligned to 16 bytes and has [`scratch_len`] of them, whose
    /// content is of no account.
    pub conv2d_row:
        fn(conv: &Conv2d<'_>, window: &RowWindow<'_>, out: &mut [u8], scratch: &mut [u8]),
    /// The same row through a transform: `scratch` is aligned to 16 bytes and
    /// has [`toom_scratch_len`] of them for one tile or more.
    pub toom_row:
        fn(conv: &ToomConv2d<'_>, window: &RowWindow<'_>, out: &mut [u8], scratch: &mut [u8]),
}

/// The pool of window 3 and stride 2, a row of input at a call.
///
/// Of more than [`MAX_CHANNELS`](crate::shape::MAX_CHANNELS) channels it pools none.
#[derive(Clone, Copy, Debug)]
pub struct PoolKernels {
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
    arch::active().unwrap_or(&portable::KERNELS)
}

/// Iterates over all kernels that this machine can run.
pub fn available() -> impl Iterator<Item = &'static Kernels> {
    core::iter::once(&portable::KERNELS).chain(arch::available())
}

/// Returns the bytes of scratch that any kernel compiled in asks for to compute
/// the denominators of a divisive normalisation.
#[must_use]
pub const fn norm_scratch_len(conv: &ConvGeometry) -> usize {
    let portable = portable::scratch_len(conv);
    let arch = arch::norm_scratch_len(conv);
    if arch > portable { arch } else { portable }
}

/// Returns the bytes of scratch that any kernel compiled in asks for.
#[must_use]
pub const fn scratch_len(conv: &ConvGeometry) -> usize {
    let portable = portable::scratch_len(conv);
    let arch = arch::scratch_len(conv);
    if arch > portable { arch } else { portable }
}
