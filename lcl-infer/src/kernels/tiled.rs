//! A convolution row in tiles of pixels and channels, for machines whose
//! accumulators stand in general registers.
//!
//! The taps of four output pixels are laid out as one column, which all output
//! channels then read in pairs: each weight that is loaded meets four values,
//! each value two weights. A deep column goes in parts, with the accumulators
//! in scratch between them, so that scratch stays small.

use bytemuck::Pod;

use super::RowWindow;
use crate::arithmetic::{MIN_UPPER_SHIFT, Requant};
use crate::layers::norm::divide;
use crate::memory::aligned;
use crate::packing::{CHANNEL_GROUP, TAP_BLOCK, TAP_QUAD};
use crate::parameters::{CHANNEL_WORDS, ChannelTable, Conv2d, Norm};
use crate::shape::ConvGeometry;

/// Output pixels of a tile.
pub(super) const PIXELS: usize = 4;

/// Output channels of a tile.
pub(super) const CHANNELS: usize = 2;

/// Accumulators of a tile, `[CHANNELS, PIXELS]`.
pub(super) type Accumulators = [i32; CHANNELS * PIXELS];

/// The inner loops, which know how the machine multiplies best.
pub(super) trait Microkernel {
    /// Four taps of [`PIXELS`] pixels, in the order that [`dot`](Self::dot)
    /// reads.
    type Quad: Pod;

    /// Most taps of a column that goes in parts, a multiple of [`TAP_BLOCK`].
    const PART: usize;

    /// Writes what four taps of one pixel meet into a quad.
    fn place(pixel: usize, values: [u8; TAP_QUAD], quad: &mut Self::Quad);

    /// Adds the products of a column with the weights of all channels, of which
    /// each group has two pairs.
    fn dot(column: &[Self::Quad], weights: Weights<'_>, pairs: &mut [Accumulators]);
}

/// The packed weights that meet one part of a column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights<'a> {
    /// From the first quad of the part on, of the first group of channels.
    pub(super) packed: &'a [i8],
    /// Bytes from one group of channels to the next.
    pub(super) group_len: usize,
}

/// Columns of up to this many taps go in one part.
const WHOLE: usize = 384;

const fn part_taps<K: Microkernel>(conv: &ConvGeometry) -> usize {
    const { assert!(K::PART % TAP_BLOCK == 0) };
    if conv.padded_taps() <= WHOLE { conv.padded_taps() } else { K::PART }
}

const fn pairs_len(conv: &ConvGeometry) -> usize {
    conv.padded_out_c() / CHANNELS * size_of::<Accumulators>()
}

/// Returns the bytes of scratch: accumulators and column.
pub(super) const fn scratch_len<K: Microkernel>(conv: &ConvGeometry) -> usize {
    aligned(pairs_len(conv)) + aligned(part_taps::<K>(conv) / TAP_QUAD * size_of::<K::Quad>())
}

/// Computes one row of a convolution, as [`super::ConvKernels::conv2d_row`].
pub(super) fn conv2d_row<K: Microkernel>(
    conv: &Conv2d<'_>,
    window: &RowWindow<'_>,
    out: &mut [u8],
    scratch: &mut [u8],
) {
    let geometry = &conv.geometry();
    let (weights, channels) = (conv.packed_weights(), conv.channels());
    let sums = Sums { geometry, weights, words: channels.words() };
    tiles::<K>(&sums, window, out, scratch, |_, sums, out| {
        finish(channels, sums, geometry.out_c(), out);
    });
}

/// Computes one row of a divisive normalisation, as
/// [`super::NormKernels::norm_row`].
pub(super) fn norm_row<K: Microkernel>(
    norm: &Norm<'_>,
    window: &RowWindow<'_>,
    out: &mut [u8],
    scratch: &mut [u8],
) {
    let geometry = &norm.geometry().conv();
    let sums = Sums { geometry, weights: norm.packed_weights(), words: norm.words() };
    tiles::<K>(&sums, window, out, scratch, |x, sums, out| divide(norm, window, x, sums, out));
}

/// What the sums of a convolution are made of; the first of four words a channel
/// is what its sum starts from.
struct Sums<'a> {
    geometry: &'a ConvGeometry,
    weights: &'a [i8],
    words: &'a [i32],
}

/// Computes the sums of one row tile by tile. `finish` makes bytes of those of
/// each tile, `[out_c, PIXELS]`, of which it gets the first pixel too.
#[inline]
fn tiles<K: Microkernel>(
    sums: &Sums<'_>,
    window: &RowWindow<'_>,
    out: &mut [u8],
    scratch: &mut [u8],
    finish: impl Fn(usize, &[[i32; PIXELS]], &mut [u8]),
) {
    let geometry = sums.geometry;
    let Some((pairs, column)) = scratch.split_at_mut_checked(pairs_len(geometry)) else {
        return;
    };
    let (Ok(pairs), Ok(column)) =
        (bytemuck::try_cast_slice_mut(pairs), bytemuck::try_cast_slice_mut(column))
    else {
        return;
    };
    let out_c = geometry.out_c();
    // Neither is 0, which the compiler does not see.
    let (tile_len, part_taps) = ((PIXELS * out_c).max(1), part_taps::<K>(geometry).max(1));
    for (tile, out) in out.chunks_mut(tile_len).enumerate() {
        start(sums.words, pairs);
        for first in (0..geometry.padded_taps()).step_by(part_taps) {
            let taps = part_taps.min(geometry.padded_taps() - first);
            let Some(column) = column.get_mut(..taps / TAP_QUAD) else {
                return;
            };
            // What a row that ends within the tile leaves of it is not written.
            for (pixel, _) in out.chunks_exact(out_c).enumerate() {
                let x = PIXELS * tile + pixel;
                lay_out::<K>(window, geometry, x, first, pixel, column);
            }
            let weights = Weights {
                packed: sums.weights.get(first * CHANNEL_GROUP..).unwrap_or_default(),
                group_len: CHANNEL_GROUP * geometry.padded_taps(),
            };
            K::dot(column, weights, pairs);
        }
        finish(PIXELS * tile, bytemuck::cast_slice(pairs), out);
    }
}

/// Writes what the taps from `first` on meet at output pixel `x` into the
/// column.
///
/// What stands behind the last tap meets weights of 0 and is of no account.
#[inline(never)]
fn lay_out<K: Microkernel>(
    window: &RowWindow<'_>,
    geometry: &ConvGeometry,
    x: usize,
    first: usize,
    pixel: usize,
    column: &mut [K::Quad],
) {
    let mut runs = window.runs(geometry, x, first..geometry.taps());
    let mut run: &[u8] = &[];
    for quad in column {
        let values = if let Some((values, rest)) = run.split_first_chunk() {
            run = rest;
            *values
        } else {
            // Four taps that one row ends within.
            core::array::from_fn(|_| {
                if run.is_empty() {
                    run = runs.next().unwrap_or_default();
                }
                let (value, rest) = run.split_first().unwrap_or((&0, &[]));
                run = rest;
                *value
            })
        };
        K::place(pixel, values, quad);
    }
}

/// Starts the accumulators from the channels' biases.
#[inline(never)]
fn start(words: &[i32], pairs: &mut [Accumulators]) {
    let biases = words.chunks_exact(2 * CHANNEL_WORDS);
    for (words, acc) in biases.zip(pairs) {
        let &[first, _, _, _, second, ..] = words else {
            break;
        };
        *acc = [first, first, first, first, second, second, second, second];
    }
}

/// Makes bytes of the accumulators, as many pixels as `out` has.
fn finish(channels: ChannelTable<'_>, sums: &[[i32; PIXELS]], out_c: usize, out: &mut [u8]) {
    if channels.min_shift() >= MIN_UPPER_SHIFT {
        finish_with(Requant::requantise_upper, channels, sums, out_c, out);
    } else {
        finish_with(Requant::requantise, channels, sums, out_c, out);
    }
}

#[inline(never)]
fn finish_with(
    requantise: impl Fn(Requant, i32) -> u8,
    channels: ChannelTable<'_>,
    sums: &[[i32; PIXELS]],
    out_c: usize,
    out: &mut [u8],
) {
    for (oc, (channel, acc)) in channels.iter().zip(sums).enumerate() {
        for (pixel, &acc) in acc.iter().enumerate() {
            if let Some(value) = out.get_mut(pixel * out_c + oc) {
                *value = requantise(channel.requant, acc);
            }
        }
    }
}
