//! Resampling of a square map: each row of the output is a weighted mean of a
//! run of input rows, and each column one of a run of columns.
//!
//! In front of the first convolution it is a *fovea*: fine in the middle, coarse
//! around it; in place of a pool it is cortical magnification along both axes.
//! One table serves both axes. All of the kind is in this folder.

mod header;
mod kernels;
mod layer;
mod reference;

use core::num::NonZero;

use crate::memory::ALIGNMENT;
use crate::shape::MAX_IMAGE_SIDE;

pub(crate) use header::ResampleHeader;
pub use kernels::ResampleKernels;
pub(crate) use layer::ResampleLayer;
pub use reference::resample_ref;

/// Most runs that one input row belongs to.
pub const MAX_OVERLAP: usize = 8;

/// What the weights of each run sum to.
pub const RUN_WEIGHT: u32 = 255;

/// Words of 16 bits that a run takes in a table.
pub(crate) const RUN_WORDS: usize = 3;

/// A resampling, without its table: a map of `in_side` pixels a side becomes one
/// of `out_side`. Maps of other sizes it does not take.
///
/// # Examples
///
/// ```
/// use lcl_infer::shape::Resample;
/// let fovea = Resample::new(224, 48, 1).unwrap();
/// assert_eq!((fovea.out_side(224), fovea.out_side(96)), (48, 0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Resample {
    in_side: NonZero<u16>,
    out_side: NonZero<u16>,
    overlap: NonZero<u8>,
}

impl Resample {
    /// Creates a resampling, or returns `None` if the engine cannot run it: the
    /// sides are 1 to [`MAX_IMAGE_SIDE`], and `overlap`, the most runs that one
    /// row belongs to, is 1 to [`MAX_OVERLAP`].
    #[must_use]
    pub const fn new(in_side: usize, out_side: usize, overlap: usize) -> Option<Self> {
        if in_side > MAX_IMAGE_SIDE || out_side > MAX_IMAGE_SIDE || overlap > MAX_OVERLAP {
            return None;
        }
        let [low, high, ..] = in_side.to_le_bytes();
        let in_side = NonZero::new(u16::from_le_bytes([low, high]));
        let [low, high, ..] = out_side.to_le_bytes();
        let out_side = NonZero::new(u16::from_le_bytes([low, high]));
        match (in_side, out_side, NonZero::new(crate::shape::low_byte(overlap))) {
            (Some(in_side), Some(out_side), Some(overlap)) => {
                Some(Self { in_side, out_side, overlap })
            }
            _ => None,
        }
    }

    /// Returns the side of the one map that it takes.
    #[must_use]
    pub const fn taken_side(&self) -> usize {
        self.in_side.get() as usize
    }

    /// Returns the side of the map that it gives.
    #[must_use]
    pub const fn given_side(&self) -> usize {
        self.out_side.get() as usize
    }

    /// Returns the most runs that one input row belongs to.
    #[must_use]
    pub const fn overlap(&self) -> usize {
        self.overlap.get() as usize
    }

    /// Returns the side of the output for an input of `side` pixels, or 0 for
    /// one that it does not take.
    #[must_use]
    pub const fn out_side(&self, side: usize) -> usize {
        if side == self.taken_side() { self.given_side() } else { 0 }
    }

    /// Returns the side of the input whose output has at least `out_side`
    /// pixels, or `usize::MAX` if none has.
    #[must_use]
    pub const fn in_side(&self, out_side: usize) -> usize {
        if out_side > self.given_side() { usize::MAX } else { self.taken_side() }
    }
}

/// Where a run starts, its length, and the place of its first weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// First row or column of the input.
    pub start: u16,
    /// Rows or columns.
    pub len: u16,
    /// Weights of the runs before it.
    pub first: u16,
}

impl Run {
    /// Returns the row or column behind the last.
    #[must_use]
    pub const fn end(&self) -> usize {
        self.start as usize + self.len as usize
    }
}

/// A resampling with its table, read in place.
#[derive(Clone, Copy, Debug)]
pub struct ResampleTable<'a> {
    resample: Resample,
    /// Start, length and first weight of each run.
    runs: &'a [u16],
    weights: &'a [u8],
}

impl<'a> ResampleTable<'a> {
    /// Creates a table from its bytes, or returns `None` if they are fewer than
    /// its runs ask for or do not start at a multiple of 16.
    #[must_use]
    pub fn new(resample: Resample, bytes: &'a [u8]) -> Option<Self> {
        let runs_len = 2 * RUN_WORDS * resample.given_side();
        let (runs, weights) = bytes.split_at_checked(runs_len)?;
        if bytes.as_ptr().align_offset(ALIGNMENT) != 0 {
            return None;
        }
        Some(Self { resample, runs: bytemuck::try_cast_slice(runs).ok()?, weights })
    }

    /// Returns the resampling.
    #[must_use]
    pub const fn resample(&self) -> Resample {
        self.resample
    }

    /// Iterates over the runs, each with its weights, which sum to
    /// [`RUN_WEIGHT`].
    #[inline]
    pub fn runs(&self) -> impl Iterator<Item = (Run, &'a [u8])> + 'a {
        let weights = self.weights;
        self.runs.chunks_exact(RUN_WORDS).map(move |words| {
            let run = run_of(words);
            let weights = weights.get(usize::from(run.first)..).unwrap_or_default();
            (run, weights.get(..run.len.into()).unwrap_or_default())
        })
    }

    /// Returns a run, or an empty one behind the last.
    pub(crate) fn run(&self, index: usize) -> Run {
        let start = index.saturating_mul(RUN_WORDS);
        self.runs.get(start..).map_or(Run::default(), run_of)
    }

    /// Returns the weight of a row in a run, or 0 outside of it.
    pub(crate) fn weight(&self, run: Run, row: usize) -> u8 {
        let within = row.checked_sub(run.start.into()).filter(|&at| at < usize::from(run.len));
        let place = within.map(|at| at + usize::from(run.first));
        place.and_then(|place| self.weights.get(place)).copied().unwrap_or_default()
    }
}

fn run_of(words: &[u16]) -> Run {
    match *words {
        [start, len, first, ..] => Run { start, len, first },
        _ => Run::default(),
    }
}

/// Returns `(sum + 32512) / 65025`, rounded down: a byte of a sum of bytes whose
/// weights are `255 · 255` in all, rounded half up.
#[must_use]
#[inline]
pub(crate) const fn round_run(sum: u32) -> u8 {
    const WHOLE: u32 = RUN_WEIGHT * RUN_WEIGHT;
    let rounded = sum.saturating_add(WHOLE / 2) / WHOLE;
    if rounded > 255 { 255 } else { (rounded & 255) as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_rounded_half_up() {
        for (sum, expected) in [
            (0, 0),
            (32_512, 0),
            (32_513, 1),
            (65_025, 1),
            (97_537, 1),
            (97_538, 2),
            (65_025 * 255, 255),
            (u32::MAX, 255),
        ] {
            assert_eq!(round_run(sum), expected, "{sum}");
        }
    }
}
