//! Transforms and products in portable Rust.

use super::geometry::{Order, Pair};
use super::row::{Group, Machine, Output, Sums, channel_groups, rows};
use super::transform::MAX_POINTS;
use super::weights::ToomConv2d;
use crate::arithmetic::{MIN_UPPER_SHIFT, Requant};
use crate::kernels::RowWindow;
use crate::parameters::CHANNEL_WORDS;

/// Output channels together.
const CHANNELS: usize = Order::Words.channels();

/// The machine that is always there.
pub(in crate::kernels) enum Portable {}

impl Machine for Portable {
    const ORDER: Order = Order::Words;

    fn lay_out(group: Group, window: &RowWindow<'_>, start: usize, data: &mut [Pair]) {
        for (first, row) in rows(group, window, start) {
            let data = data.get_mut(first..).unwrap_or_default();
            for tile in 0..group.tiles {
                transform_tile(group, row, tile, data);
            }
        }
    }

    fn compute(
        group: Group,
        conv: &ToomConv2d<'_>,
        data: &[Pair],
        sums: &mut [Sums],
        out: &mut [u8],
    ) {
        let min_shift = conv.channels().min_shift();
        for (weights, words, oc, channels) in channel_groups(conv) {
            match group.tiles {
                1 => products::<1>(group, data, weights, sums),
                2 => products::<2>(group, data, weights, sums),
                _ => products::<3>(group, data, weights, sums),
            }
            let mut output = Output { words, min_shift, channels, out: &mut *out, oc };
            for tile in 0..group.tiles {
                finish_tile(group, sums, tile, &mut output);
            }
        }
    }
}

/// Transforms what one tile of a group reads of a row: `row` starts with the
/// first tile's first value, `data` at point 0 with the row's first pair.
pub(in crate::kernels) fn transform_tile(group: Group, row: &[u8], tile: usize, data: &mut [Pair]) {
    let Group { geometry, tiles } = group;
    let transform = geometry.transform();
    let step = geometry.step_len();
    let point_pairs = geometry.pairs() * tiles;
    let row = row.get(tile * transform.outputs() * step..).unwrap_or_default();
    for value in 0..2 * geometry.pairs_per_row() {
        let read: [i32; MAX_POINTS] = core::array::from_fn(|t| {
            let there = value < step && t < transform.points();
            let byte = row.get(t * step + value).filter(|_| there);
            byte.copied().unwrap_or_default().into()
        });
        let (pair, half) = geometry.pair_of(value);
        let places = data.iter_mut().skip(pair * tiles + tile).step_by(point_pairs.max(1));
        for (place, factors) in places.zip(transform.data()).take(transform.points()) {
            let sum: i32 = factors.iter().zip(read).map(|(&f, value)| i32::from(f) * value).sum();
            if let Some(place) = place.get_mut(half) {
                // The transform was proved to fit 16 bits.
                *place = i16::try_from(sum).unwrap_or_default();
            }
        }
    }
}

/// Adds up products for `TILES` tiles.
fn products<const TILES: usize>(group: Group, data: &[Pair], weights: &[Pair], sums: &mut [Sums]) {
    let pairs = group.geometry.pairs().max(1);
    let data = data.chunks(pairs * TILES);
    let weights = weights.chunks(pairs * CHANNELS);
    for (point, (data, weights)) in data.zip(weights).enumerate().take(MAX_POINTS) {
        let sum = dot::<TILES>(data, weights);
        for (sums, sum) in sums.iter_mut().zip(sum.as_flattened()) {
            if let Some(place) = sums.get_mut(point) {
                *place = *sum;
            }
        }
    }
}

/// Returns the sums of one point, `[channel][tile]`.
#[inline(never)]
fn dot<const TILES: usize>(data: &[Pair], weights: &[Pair]) -> [[i32; TILES]; CHANNELS] {
    let mut sums = [[0_i32; TILES]; CHANNELS];
    for (data, weights) in data.chunks_exact(TILES).zip(weights.chunks_exact(CHANNELS)) {
        for (sums, &[w0, w1]) in sums.iter_mut().zip(weights) {
            for (sum, &[x0, x1]) in sums.iter_mut().zip(data) {
                let products = [i32::from(x0) * i32::from(w0), i32::from(x1) * i32::from(w1)];
                *sum = sum.wrapping_add(products[0]).wrapping_add(products[1]);
            }
        }
    }
    sums
}

/// Makes bytes of the sums of one tile of a group, `[channel][tile]`, as many
/// pixels as the output has.
pub(in crate::kernels) fn finish_tile(
    group: Group,
    sums: &[Sums],
    tile: usize,
    output: &mut Output<'_>,
) {
    if output.min_shift >= MIN_UPPER_SHIFT {
        finish_with(Requant::requantise_upper, group, sums, tile, output);
    } else {
        finish_with(Requant::requantise, group, sums, tile, output);
    }
}

fn finish_with(
    requantise: impl Fn(Requant, i32) -> u8,
    group: Group,
    sums: &[Sums],
    tile: usize,
    output: &mut Output<'_>,
) {
    let transform = group.geometry.transform();
    let out_c = group.geometry.conv().out_c();
    let sums = sums.iter().skip(tile).step_by(group.tiles.max(1));
    let words = output.words.chunks_exact(CHANNEL_WORDS);
    for (channel, (words, sums)) in words.zip(sums).enumerate().take(output.channels) {
        let &[bias, multiplier, shift, _] = words else {
            return;
        };
        let requant = Requant::from_checked(multiplier, shift);
        for (j, row) in transform.folded().iter().enumerate().take(transform.outputs()) {
            let products = row.iter().zip(sums).map(|(&factor, &sum)| factor.wrapping_mul(sum));
            let scaled = products.fold(0, i32::wrapping_add);
            let acc = bias.wrapping_add(scaled >> (transform.shift() & 31));
            let x = tile * transform.outputs() + j;
            if let Some(place) = output.out.get_mut(x * out_c + output.oc + channel) {
                *place = requantise(requant, acc);
            }
        }
    }
}
