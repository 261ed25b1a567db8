//! Transforms and their products for AVX2.
//!
//! `vpmaddwd` multiplies pairs of 16 bits. The lanes of a vector are output
//! channels: sixteen of them with up to three tiles are six accumulators, which
//! two vectors of weights and one pair of each tile feed. Rows and outputs are
//! plain arrays as long as vectors.
#![allow(unsafe_code)]
#![expect(clippy::inline_always, reason = "compiled for what each caller is allowed")]

use core::arch::x86_64::{
    _mm256_add_epi32, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_set1_epi32,
    _mm256_setzero_si256, _mm256_storeu_si256,
};

use crate::arithmetic::{MAX_SHIFT, MIN_MULTIPLIER, MIN_UPPER_SHIFT, Requant};
use crate::kernels::RowWindow;
use crate::kernels::toom::{
    Group, MAX_POINTS, Machine, Order, Output, Pair, Sums, ToomConv2d, ToomKernels, Transform,
    channel_groups, conv2d_row, rows,
};
use crate::parameters::CHANNEL_WORDS;

/// The kernels for AVX2.
pub(super) static KERNELS: ToomKernels =
    ToomKernels { name: "avx2", order: Order::Lanes, conv2d_row: conv2d_row::<Avx2> };

/// Channels of a vector.
const LANES: usize = 8;

/// Output channels together.
const CHANNELS: usize = Order::Lanes.channels();

/// Values of a row that are transformed at a time.
const VALUES: usize = 16;

enum Avx2 {}

impl Machine for Avx2 {
    const ORDER: Order = Order::Lanes;

    fn lay_out(group: Group, window: &RowWindow<'_>, start: usize, data: &mut [Pair]) {
        // SAFETY: these kernels are handed out on machines with AVX2 only.
        unsafe { lay_out(group, window, start, data) }
    }

    fn compute(
        group: Group,
        conv: &ToomConv2d<'_>,
        data: &[Pair],
        sums: &mut [Sums],
        out: &mut [u8],
    ) {
        let sums = sums.as_flattened_mut();
        // SAFETY: these kernels are handed out on machines with AVX2 only.
        unsafe {
            match group.tiles {
                1 => compute::<1>(group, conv, data, sums, out),
                2 => compute::<2>(group, conv, data, sums, out),
                _ => compute::<3>(group, conv, data, sums, out),
            }
        }
    }
}

/// Transforms rows into `[point][tile][ky][pair]`.
#[target_feature(enable = "avx2")]
unsafe fn lay_out(group: Group, window: &RowWindow<'_>, start: usize, data: &mut [Pair]) {
    let Group { geometry, tiles } = group;
    let (transform, step) = (geometry.transform(), geometry.step_len());
    let (row_pairs, pairs) = (geometry.pairs_per_row(), geometry.pairs());
    let tile_step = transform.outputs() * step;
    for (first, row) in rows(group, window, start) {
        let first = first / tiles.max(1);
        for tile in 0..tiles {
            let row = row.get(tile * tile_step..).unwrap_or_default();
            for pair in (0..row_pairs).step_by(VALUES / 2) {
                let read = read(row, step, 2 * pair);
                let points = if transform.points() == MAX_POINTS {
                    eight_points(&read)
                } else {
                    points(transform, &read)
                };
                let len = (row_pairs - pair).min(VALUES / 2);
                let from = tile * pairs + first + pair;
                for (point, values) in points.iter().enumerate().take(transform.points()) {
                    let from = from + point * tiles * pairs;
                    let place = data.get_mut(from..from + len).unwrap_or_default();
                    store(values, place.as_flattened_mut());
                }
            }
        }
    }
}

#[inline(always)]
fn store(values: &[i16; VALUES], place: &mut [i16]) {
    if let Some(place) = place.first_chunk_mut() {
        *place = *values;
    } else {
        for (place, &value) in place.iter_mut().zip(values) {
            *place = value;
        }
    }
}

/// Reads as many values from `value` on of each step of a tile. What lies behind
/// a step meets weights of 0, and what lies behind the row outputs that do not
/// exist.
#[inline(always)]
fn read(row: &[u8], step: usize, value: usize) -> [[i16; VALUES]; MAX_POINTS] {
    core::array::from_fn(|t| {
        let rest = row.get(t * step + value..).unwrap_or_default();
        if let Some(&bytes) = rest.first_chunk::<VALUES>() {
            return bytes.map(i16::from);
        }
        let mut values = [0; VALUES];
        for (value, &byte) in values.iter_mut().zip(rest) {
            *value = byte.into();
        }
        values
    })
}

/// Transforms to the points 0, ±1, ±2, ±½ and infinity.
#[inline(always)]
fn eight_points(d: &[[i16; VALUES]; MAX_POINTS]) -> [[i16; VALUES]; MAX_POINTS] {
    let mut points = [[0; VALUES]; MAX_POINTS];
    for lane in 0..VALUES {
        let [d0, d1, d2, d3, d4, d5, d6, d7] = d.map(|values| values[lane]);
        let (five_d4, five_d3) = (5 * d4, 5 * d3);
        let (e1, o1) = (17 * d4 - 4 * (d2 + d6), 17 * d3 - 4 * (d1 + d5));
        let (e2, o2) = (five_d4 - d2 - 4 * d6, 2 * (five_d3 - d1 - 4 * d5));
        let (e3, o3) = (2 * (five_d4 - 4 * d2 - d6), five_d3 - 4 * d1 - d5);
        let sums = [
            4 * (d0 - d6) + 21 * (d4 - d2),
            e1 + o1,
            e1 - o1,
            e2 + o2,
            e2 - o2,
            e3 + o3,
            e3 - o3,
            4 * (d7 - d1) + 21 * (d3 - d5),
        ];
        for (point, sum) in points.iter_mut().zip(sums) {
            point[lane] = sum;
        }
    }
    points
}

/// Transforms to the points of any transform.
#[inline(always)]
fn points(transform: &Transform, d: &[[i16; VALUES]; MAX_POINTS]) -> [[i16; VALUES]; MAX_POINTS] {
    let mut points = [[0_i16; VALUES]; MAX_POINTS];
    for (point, factors) in points.iter_mut().zip(transform.data()) {
        for (&factor, values) in factors.iter().zip(d) {
            for (sum, &value) in point.iter_mut().zip(values) {
                *sum = sum.wrapping_add(factor.wrapping_mul(value));
            }
        }
    }
    points
}

#[target_feature(enable = "avx2")]
unsafe fn compute<const TILES: usize>(
    group: Group,
    conv: &ToomConv2d<'_>,
    data: &[Pair],
    sums: &mut [i32],
    out: &mut [u8],
) {
    let min_shift = conv.channels().min_shift();
    for (weights, words, oc, channels) in channel_groups(conv) {
        // SAFETY: the machine has AVX2.
        unsafe { products::<TILES>(group, data, weights, sums) };
        let output = Output { words, min_shift, channels, out: &mut *out, oc };
        finish::<TILES>(group, sums, output);
    }
}

/// Writes the sums `[point][tile][channel]`.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn products<const TILES: usize>(
    group: Group,
    data: &[Pair],
    weights: &[Pair],
    sums: &mut [i32],
) {
    // It is not 0, which the compiler does not see.
    let pairs = group.geometry.pairs().max(1);
    let data = data.chunks_exact(TILES * pairs);
    let weights = weights.chunks_exact(CHANNELS * pairs);
    for ((data, weights), sums) in data.zip(weights).zip(sums.chunks_exact_mut(TILES * CHANNELS)) {
        // SAFETY: the data have `pairs` pairs for each tile, as words that may
        // lie anywhere, the weights two vectors for each pair, and the sums two
        // vectors for each tile.
        unsafe {
            let (data, weights) = (data.as_ptr(), weights.as_ptr());
            let mut acc = [[_mm256_setzero_si256(); 2]; TILES];
            for pair in 0..pairs {
                let weights = weights.add(CHANNELS * pair);
                let weights = [
                    _mm256_loadu_si256(weights.cast()),
                    _mm256_loadu_si256(weights.add(LANES).cast()),
                ];
                for (tile, acc) in acc.iter_mut().enumerate() {
                    let word = data.add(tile * pairs + pair).cast::<i32>().read_unaligned();
                    let values = _mm256_set1_epi32(word);
                    for (acc, weights) in acc.iter_mut().zip(weights) {
                        *acc = _mm256_add_epi32(*acc, _mm256_madd_epi16(values, weights));
                    }
                }
            }
            for (acc, sums) in acc.as_flattened().iter().zip(sums.chunks_exact_mut(LANES)) {
                _mm256_storeu_si256(sums.as_mut_ptr().cast(), *acc);
            }
        }
    }
}

/// Makes bytes of the sums, as many pixels as the output has.
#[inline(always)]
fn finish<const TILES: usize>(group: Group, sums: &[i32], output: Output<'_>) {
    let transform = group.geometry.transform();
    let out_c = group.geometry.conv().out_c();
    for (half, words) in output.words.chunks(LANES * CHANNEL_WORDS).enumerate() {
        let first = output.oc + half * LANES;
        let channels = output.channels.saturating_sub(half * LANES).min(LANES);
        let requant = RequantLanes::new(words);
        for tile in 0..TILES {
            let sums: [[i32; LANES]; MAX_POINTS] = core::array::from_fn(|point| {
                let from = (point * TILES + tile) * CHANNELS + half * LANES;
                let there = point < transform.points();
                let lanes = sums.get(from..).filter(|_| there).and_then(<[i32]>::first_chunk);
                lanes.copied().unwrap_or_default()
            });
            let outputs = if transform.points() == MAX_POINTS {
                eight_outputs(transform, &sums)
            } else {
                outputs(transform, &sums)
            };
            for (j, sums) in outputs.iter().enumerate().take(transform.outputs()) {
                let bytes = if output.min_shift >= MIN_UPPER_SHIFT {
                    requant.upper(*sums, transform.shift())
                } else {
                    requant.any(*sums, transform.shift())
                };
                let at = (tile * transform.outputs() + j) * out_c + first;
                let Some(place) = output.out.get_mut(at..at + channels) else {
                    continue;
                };
                if let Some(place) = place.first_chunk_mut() {
                    *place = bytes;
                } else {
                    for (place, byte) in place.iter_mut().zip(bytes) {
                        *place = byte;
                    }
                }
            }
        }
    }
}

type Outputs = [[i32; LANES]; crate::kernels::toom::MAX_OUTPUTS];

/// Takes sums at the points 0, ±1, ±2, ±½ and infinity to outputs: even ones
/// need the sums of a pair of points, odd ones their difference.
#[inline(always)]
fn eight_outputs(transform: &Transform, sums: &[[i32; LANES]; MAX_POINTS]) -> Outputs {
    let mut outputs = Outputs::default();
    for lane in 0..LANES {
        let [s0, p1, m1, p2, m2, p3, m3, s7] = sums.map(|sums| sums[lane]);
        let even = [p1.wrapping_add(m1), p2.wrapping_add(m2), p3.wrapping_add(m3)];
        let odd = [p1.wrapping_sub(m1), p2.wrapping_sub(m2), p3.wrapping_sub(m3)];
        for (j, (output, row)) in outputs.iter_mut().zip(transform.folded()).enumerate() {
            let &[f0, f1, _, f2, _, f3, _, f7] = row;
            let [a, b, c] = if j % 2 == 0 { even } else { odd };
            let ends = if j % 2 == 0 { f0.wrapping_mul(s0) } else { f7.wrapping_mul(s7) };
            output[lane] = f1
                .wrapping_mul(a)
                .wrapping_add(f2.wrapping_mul(b))
                .wrapping_add(f3.wrapping_mul(c))
                .wrapping_add(ends);
        }
    }
    outputs
}

/// Takes sums at the points of any transform to outputs.
#[inline(always)]
fn outputs(transform: &Transform, sums: &[[i32; LANES]; MAX_POINTS]) -> Outputs {
    let mut outputs = Outputs::default();
    for (output, row) in outputs.iter_mut().zip(transform.folded()) {
        for (&factor, sums) in row.iter().zip(sums) {
            for (output, &sum) in output.iter_mut().zip(sums) {
                *output = output.wrapping_add(factor.wrapping_mul(sum));
            }
        }
    }
    outputs
}

/// Biases and requantisation of the channels of a vector.
struct RequantLanes {
    bias: [i32; LANES],
    multiplier: [i32; LANES],
    shift: [i32; LANES],
}

impl RequantLanes {
    #[inline(always)]
    fn new(words: &[i32]) -> Self {
        let mut lanes = Self {
            bias: [0; LANES],
            multiplier: [MIN_MULTIPLIER; LANES],
            shift: [MAX_SHIFT.into(); LANES],
        };
        for (lane, words) in words.chunks_exact(CHANNEL_WORDS).enumerate().take(LANES) {
            if let &[bias, multiplier, shift, _] = words {
                lanes.bias[lane] = bias;
                lanes.multiplier[lane] = multiplier;
                lanes.shift[lane] = shift;
            }
        }
        lanes
    }

    /// Returns bytes, for shifts of at least 33. A negative sum gives 0, so
    /// products are unsigned.
    #[inline(always)]
    fn upper(&self, sums: [i32; LANES], sum_shift: u32) -> [u8; LANES] {
        let mut bytes = [0; LANES];
        for lane in 0..LANES {
            let acc = self.bias[lane].wrapping_add(sums[lane] >> (sum_shift & 31));
            let product = u64::from(acc.max(0).unsigned_abs())
                * u64::from(self.multiplier[lane].unsigned_abs());
            let shift = self.shift[lane].wrapping_sub(32).unsigned_abs() & 31;
            let half = (1_u32 << shift) >> 1;
            let upper = (product >> 32) as u32 & 0x7fff_ffff;
            bytes[lane] = (upper.wrapping_add(half) >> shift).min(255) as u8;
        }
        bytes
    }

    /// Returns bytes, for any shifts.
    #[inline(never)]
    fn any(&self, sums: [i32; LANES], sum_shift: u32) -> [u8; LANES] {
        core::array::from_fn(|lane| {
            let acc = self.bias[lane].wrapping_add(sums[lane] >> (sum_shift & 31));
            Requant::from_checked(self.multiplier[lane], self.shift[lane]).requantise(acc)
        })
    }
}
