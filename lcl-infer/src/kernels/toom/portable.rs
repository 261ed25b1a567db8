//! Transforms and products in portable Rust.

use super::row::{Group, Machine, Output, Sums, channel_groups, rows};
use crate::arithmetic::{MIN_UPPER_SHIFT, Requant};
use crate::kernels::RowWindow;
use crate::parameters::CHANNEL_WORDS;
use crate::toom::{CHANNELS, MAX_OUTPUTS, MAX_POINTS, Pair, ToomConv2d, Transform, pair_of};

/// The machine that is always there.
pub(in crate::kernels) enum Portable {}

impl Machine for Portable {
    const WORDS: usize = 1;
    const CHANNELS: usize = 2 * CHANNELS;
    const MAX_TILES: usize = 3;

    // The other machines leave shapes without assembly to it.
    #[inline(never)]
    fn lay_out(group: Group, window: &RowWindow<'_>, start: usize, data: &mut [Pair]) {
        for (first, row) in rows(group, window, start) {
            let data = data.get_mut(first..).unwrap_or_default();
            let point_pairs = group.geometry.pairs() * group.tiles;
            for tile in 0..group.tiles {
                transform_tile(group, row, tile, |value, points| {
                    let (pair, half) = pair_of(value);
                    let mut at = pair * group.tiles + tile;
                    for &point in points {
                        if let Some(place) = data.get_mut(at).and_then(|pair| pair.get_mut(half)) {
                            *place = point;
                        }
                        at += point_pairs;
                    }
                });
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
        let mut groups = channel_groups(conv);
        while let Some(first) = groups.next() {
            // Three tiles leave no registers for a second group.
            let second = if group.tiles < 3 { groups.next() } else { None };
            let weights = (first.0, second.map_or(first.0, |(weights, ..)| weights));
            match group.tiles {
                1 => products(group, data, weights, sums, dot_4::<1>),
                2 => products(group, data, weights, sums, dot_4::<2>),
                _ => products(group, data, weights, sums, dot_2::<3>),
            }
            let halves = sums.chunks_exact((CHANNELS * group.tiles).max(1));
            let groups = core::iter::once(first).chain(second);
            for ((_, words, oc, channels), sums) in groups.zip(halves) {
                let mut output = Output { words, min_shift, channels, out: &mut *out, oc };
                for tile in 0..group.tiles {
                    finish_tile(group, sums, tile, &mut output);
                }
            }
        }
    }
}

/// Transforms what one tile of a group reads of a row, which starts with the
/// first tile's first value, and calls with each value of a step and what it is
/// at the points.
#[inline]
pub(in crate::kernels) fn transform_tile(
    group: Group,
    row: &[u8],
    tile: usize,
    mut put: impl FnMut(usize, &[i16]),
) {
    let geometry = group.geometry;
    let (transform, step) = (geometry.transform(), geometry.step_len());
    let start = tile * transform.outputs() * step;
    let steps: [&[u8]; MAX_POINTS] = core::array::from_fn(|t| {
        let there = t < transform.points();
        row.get(start + t * step..).filter(|_| there).unwrap_or_default()
    });
    for value in 0..2 * geometry.pairs_per_row() {
        // What lies behind a step meets weights of 0.
        let read = steps.map(|step| step.get(value).copied().unwrap_or_default().into());
        let points = if transform.points() == MAX_POINTS {
            eight_points(read)
        } else {
            points(transform, read)
        };
        put(value, points.get(..transform.points()).unwrap_or_default());
    }
}

/// Transforms to the points 0, ±1, ±2, ±½ and infinity.
#[inline]
fn eight_points(d: [i32; MAX_POINTS]) -> [i16; MAX_POINTS] {
    let [d0, d1, d2, d3, d4, d5, d6, d7] = d;
    let (five_d3, five_d4) = (5 * d3, 5 * d4);
    let (e1, o1) = (17 * d4 - 4 * (d2 + d6), 17 * d3 - 4 * (d1 + d5));
    let (e2, o2) = (five_d4 - d2 - 4 * d6, 2 * (five_d3 - d1 - 4 * d5));
    let (e3, o3) = (2 * (five_d4 - 4 * d2 - d6), five_d3 - 4 * d1 - d5);
    let zero = 4 * (d0 - d6) + 21 * (d4 - d2);
    let infinity = 4 * (d7 - d1) + 21 * (d3 - d5);
    [zero, e1 + o1, e1 - o1, e2 + o2, e2 - o2, e3 + o3, e3 - o3, infinity].map(narrow)
}

/// Transforms to the points of any transform.
#[inline(never)]
fn points(transform: &Transform, d: [i32; MAX_POINTS]) -> [i16; MAX_POINTS] {
    let mut points = [0; MAX_POINTS];
    for (point, factors) in points.iter_mut().zip(transform.data()) {
        *point = narrow(factors.iter().zip(d).map(|(&f, value)| i32::from(f) * value).sum());
    }
    points
}

/// Narrows a transformed value, which every transform was proved to keep within
/// 16 bits.
#[inline]
fn narrow(value: i32) -> i16 {
    #[expect(clippy::cast_possible_truncation, reason = "proved not to")]
    let narrowed = value as i16;
    narrowed
}

/// The weights of one group of channels, and of another.
type Weights<'a> = (&'a [Pair], &'a [Pair]);

/// Adds up products of `TILES` tiles with `N` channels.
#[inline]
fn products<const TILES: usize, const N: usize>(
    group: Group,
    data: &[Pair],
    (first, second): Weights<'_>,
    sums: &mut [Sums],
    dot: impl Fn(&[Pair], Weights<'_>) -> [[i32; N]; TILES],
) {
    let pairs = group.geometry.pairs();
    // Neither is 0, which the compiler does not see.
    let (weights_len, data_len) = ((pairs * CHANNELS).max(1), (pairs * TILES).max(1));
    let weights = first.chunks(weights_len).zip(second.chunks(weights_len));
    let data = data.chunks(data_len);
    for (point, (data, weights)) in data.zip(weights).enumerate().take(MAX_POINTS) {
        let sum = dot(data, weights);
        for (channel, sums) in sums.chunks_exact_mut(TILES).enumerate() {
            for (sums, sum) in sums.iter_mut().zip(&sum) {
                if let (Some(place), Some(sum)) = (sums.get_mut(point), sum.get(channel)) {
                    *place = *sum;
                }
            }
        }
    }
}

/// Returns the sums of one point with one group of channels, `[tile][channel]`.
///
/// Both functions are written so that compilers keep all sums in registers and
/// load halves as such.
#[inline(never)]
fn dot_2<const TILES: usize>(data: &[Pair], (weights, _): Weights<'_>) -> [[i32; 2]; TILES] {
    let mut sums = [[0_i32; TILES]; 2];
    for (data, weights) in data.chunks_exact(TILES).zip(weights.chunks_exact(CHANNELS)) {
        for (sums, &[w0, w1]) in sums.iter_mut().zip(weights) {
            for (sum, &[x0, x1]) in sums.iter_mut().zip(data) {
                let products = [i32::from(x0) * i32::from(w0), i32::from(x1) * i32::from(w1)];
                *sum = sum.wrapping_add(products[0]).wrapping_add(products[1]);
            }
        }
    }
    core::array::from_fn(|tile| sums.map(|sums| sums.get(tile).copied().unwrap_or_default()))
}

/// Returns the sums of one point with two groups of channels,
/// `[tile][channel]`.
#[inline(never)]
fn dot_4<const TILES: usize>(data: &[Pair], (first, second): Weights<'_>) -> [[i32; 4]; TILES] {
    let mut sums = [[0_i32; 4]; TILES];
    let weights = first.chunks_exact(CHANNELS).zip(second.chunks_exact(CHANNELS));
    for (data, weights) in data.chunks_exact(TILES).zip(weights) {
        let (Some(data), (&[a, b], &[c, d])) = (data.first_chunk::<TILES>(), weights) else {
            break;
        };
        for (sums, x) in sums.iter_mut().zip(data) {
            multiply_add(sums, [a[0], b[0], c[0], d[0]], x[0]);
        }
        for (sums, x) in sums.iter_mut().zip(data) {
            multiply_add(sums, [a[1], b[1], c[1], d[1]], x[1]);
        }
    }
    sums
}

#[inline]
fn multiply_add(sums: &mut [i32; 4], weights: [i16; 4], value: i16) {
    for (sum, weight) in sums.iter_mut().zip(weights) {
        *sum = sum.wrapping_add(i32::from(weight).wrapping_mul(value.into()));
    }
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

#[inline(never)]
fn finish_with(
    requantise: impl Fn(Requant, i32) -> u8,
    group: Group,
    sums: &[Sums],
    tile: usize,
    output: &mut Output<'_>,
) {
    let transform = group.geometry.transform();
    // Neither is 0, which the compiler does not see.
    let (out_c, tiles) = (group.geometry.conv().out_c().max(1), group.tiles.max(1));
    let sums = sums.iter().skip(tile).step_by(tiles);
    let words = output.words.chunks_exact(CHANNEL_WORDS);
    let first = tile * transform.outputs() * out_c + output.oc;
    for (channel, (words, sums)) in words.zip(sums).enumerate().take(output.channels) {
        let &[bias, multiplier, shift, _] = words else {
            return;
        };
        let requant = Requant::from_checked(multiplier, shift);
        let scaled = if transform.points() == MAX_POINTS {
            eight_outputs(transform, *sums)
        } else {
            outputs(transform, *sums)
        };
        let places = output.out.get_mut(first + channel..).unwrap_or_default();
        let places = places.iter_mut().step_by(out_c);
        for (place, scaled) in places.zip(scaled).take(transform.outputs()) {
            let acc = bias.wrapping_add(scaled >> (transform.shift() & 31));
            *place = requantise(requant, acc);
        }
    }
}

/// Takes sums at the points 0, ±1, ±2, ±½ and infinity to outputs: even ones
/// need the sums of a pair of points, odd ones their difference.
#[inline]
fn eight_outputs(transform: &Transform, sums: Sums) -> [i32; MAX_OUTPUTS] {
    let [s0, p1, m1, p2, m2, p3, m3, s7] = sums;
    let even = [s0, p1.wrapping_add(m1), p2.wrapping_add(m2), p3.wrapping_add(m3)];
    let odd = [s7, p1.wrapping_sub(m1), p2.wrapping_sub(m2), p3.wrapping_sub(m3)];
    let mut outputs = [0; MAX_OUTPUTS];
    let rows = transform.folded().iter().take(transform.outputs());
    for (j, (output, row)) in outputs.iter_mut().zip(rows).enumerate() {
        let &[f0, f1, _, f2, _, f3, _, f7] = row;
        let ([end, a, b, c], factor) = if j % 2 == 0 { (even, f0) } else { (odd, f7) };
        *output = f1
            .wrapping_mul(a)
            .wrapping_add(f2.wrapping_mul(b))
            .wrapping_add(f3.wrapping_mul(c))
            .wrapping_add(factor.wrapping_mul(end));
    }
    outputs
}

/// Takes sums at the points of any transform to outputs.
#[inline(never)]
fn outputs(transform: &Transform, sums: Sums) -> [i32; MAX_OUTPUTS] {
    transform.folded().map(|row| {
        let products = row.iter().zip(sums).map(|(&factor, sum)| factor.wrapping_mul(sum));
        products.fold(0, i32::wrapping_add)
    })
}
