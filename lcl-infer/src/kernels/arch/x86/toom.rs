//! Transforms and their products for AVX2.
//!
//! `vpmaddwd` multiplies pairs of 16 bits. A vector of weights is four pairs of
//! two output channels, as they stand in the blob, and one of data the same four
//! pairs, each twice. Two groups of channels with up to four tiles are eight
//! accumulators, whose lanes are added up at the end of a point. Outputs are made
//! of sixteen channels at a time.
#![allow(unsafe_code)]
#![allow(unused_unsafe, reason = "compilers before 1.87 ask for it")]

use core::arch::x86_64::{
    __m128i, __m256i, _mm_add_epi32, _mm_cvtsi32_si128, _mm_loadu_si128, _mm_packus_epi16,
    _mm_packus_epi32, _mm_storel_epi64, _mm_storeu_si128, _mm_unpackhi_epi64, _mm_unpacklo_epi64,
    _mm256_add_epi16, _mm256_add_epi32, _mm256_blend_epi32, _mm256_castsi256_si128,
    _mm256_cvtepu8_epi16, _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_madd_epi16,
    _mm256_max_epi32, _mm256_min_epi32, _mm256_mul_epu32, _mm256_mullo_epi16, _mm256_mullo_epi32,
    _mm256_permute2x128_si256, _mm256_set_epi8, _mm256_set1_epi16, _mm256_set1_epi32,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi16, _mm256_sra_epi32,
    _mm256_srli_epi32, _mm256_srli_epi64, _mm256_srlv_epi32, _mm256_storeu_si256, _mm256_sub_epi16,
    _mm256_sub_epi32, _mm256_unpackhi_epi32, _mm256_unpacklo_epi32, _mm256_zextsi128_si256,
};

use crate::arithmetic::{MAX_SHIFT, MIN_MULTIPLIER, MIN_UPPER_SHIFT, Requant};
use crate::kernels::RowWindow;
use crate::kernels::toom::row::{Group, Machine, Output, Sums, channel_groups, rows};
use crate::parameters::CHANNEL_WORDS;
use crate::toom::{CHANNELS, MAX_OUTPUTS, MAX_POINTS, Pair, ToomConv2d, Transform};

/// Channels of a vector.
const LANES: usize = 8;

/// Output channels of which sums are kept: as many groups as two vectors of
/// outputs have.
const BLOCK: usize = 2 * LANES;

/// Values of a row that are transformed at a time.
const VALUES: usize = 16;

/// Machines with AVX2.
pub(super) enum Avx2 {}

impl Machine for Avx2 {
    // Each pair stands there twice, once for each channel of a group.
    const WORDS: usize = CHANNELS;
    const CHANNELS: usize = BLOCK;
    const MAX_TILES: usize = 4;

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
                3 => compute::<3>(group, conv, data, sums, out),
                _ => compute::<4>(group, conv, data, sums, out),
            }
        }
    }
}

/// Transforms rows into `[point][tile][ky][pair]`, each pair twice.
#[target_feature(enable = "avx2")]
unsafe fn lay_out(group: Group, window: &RowWindow<'_>, start: usize, data: &mut [Pair]) {
    let Group { geometry, tiles } = group;
    let (transform, step) = (geometry.transform(), geometry.step_len());
    let (row_words, words) = (CHANNELS * geometry.pairs_per_row(), CHANNELS * geometry.pairs());
    let tile_step = transform.outputs() * step;
    for tile in 0..tiles {
        for (ky, row) in rows(group, window, start).map(|(_, row)| row).enumerate() {
            let row = row.get(tile * tile_step..).unwrap_or_default();
            let from = tile * words + ky * row_words;
            // As many words as values are read.
            for word in (0..row_words).step_by(VALUES) {
                // SAFETY: the machine has AVX2.
                let points = unsafe {
                    let read = core::array::from_fn(|t| read(row, t * step + word));
                    if transform.points() == MAX_POINTS {
                        eight_points(read)
                    } else {
                        points(transform, &read)
                    }
                };
                // Whole vectors may be stored where what lies behind is written
                // later.
                let behind = tiles * words - (from + word).min(tiles * words);
                let len = if behind >= VALUES { VALUES } else { row_words - word };
                for (point, &values) in points.iter().enumerate().take(transform.points()) {
                    let from = from + word + point * tiles * words;
                    let place = data.get_mut(from..from + len).unwrap_or_default();
                    // SAFETY: the machine has AVX2.
                    unsafe { store(values, place) };
                }
            }
        }
    }
}

/// Values of 16 bits.
type Words = __m256i;

/// Stores the pairs of sixteen values, each twice, of the last ones as many as
/// there is place for.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store(values: Words, place: &mut [Pair]) {
    let mut all = [[0_i16; 2]; VALUES];
    let whole = place.first_chunk_mut::<VALUES>();
    let cut = whole.is_none();
    let target = whole.unwrap_or(&mut all);
    // SAFETY: it is as long as two vectors.
    unsafe {
        // Of each four values 0 and 2, then 1 and 3.
        let order = _mm256_set_epi8(
            15, 14, 11, 10, 13, 12, 9, 8, 7, 6, 3, 2, 5, 4, 1, 0, 15, 14, 11, 10, 13, 12, 9, 8, 7,
            6, 3, 2, 5, 4, 1, 0,
        );
        let pairs = _mm256_shuffle_epi8(values, order);
        let low = _mm256_unpacklo_epi32(pairs, pairs);
        let high = _mm256_unpackhi_epi32(pairs, pairs);
        let target = target.as_mut_ptr();
        let halves = [
            _mm256_permute2x128_si256::<0x20>(low, high),
            _mm256_permute2x128_si256::<0x31>(low, high),
        ];
        _mm256_storeu_si256(target.cast(), halves[0]);
        _mm256_storeu_si256(target.add(LANES).cast(), halves[1]);
    }
    if cut {
        for (place, pair) in place.iter_mut().zip(all) {
            *place = pair;
        }
    }
}

/// Reads as many values from `start` on. What lies behind a step meets weights
/// of 0, and what lies behind the row outputs that do not exist.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn read(row: &[u8], start: usize) -> Words {
    let rest = row.get(start..).unwrap_or_default();
    let mut bytes = [0; VALUES];
    let source = rest.first_chunk::<VALUES>().unwrap_or_else(|| {
        for (byte, &value) in bytes.iter_mut().zip(rest) {
            *byte = value;
        }
        &bytes
    });
    // SAFETY: it is as long as the vector.
    unsafe { _mm256_cvtepu8_epi16(_mm_loadu_si128(source.as_ptr().cast())) }
}

/// Transforms to the points 0, ±1, ±2, ±½ and infinity.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn eight_points(d: [Words; MAX_POINTS]) -> [Words; MAX_POINTS] {
    let [d0, d1, d2, d3, d4, d5, d6, d7] = d;
    // SAFETY: the machine has AVX2.
    unsafe {
        let add = |a, b| _mm256_add_epi16(a, b);
        let sub = |a, b| _mm256_sub_epi16(a, b);
        let twice = |a| _mm256_add_epi16(a, a);
        let four = |a| _mm256_slli_epi16::<2>(a);
        let seventeen = |a| _mm256_add_epi16(_mm256_slli_epi16::<4>(a), a);
        let times_21 = |a| _mm256_mullo_epi16(a, _mm256_set1_epi16(21));
        let (five_d3, five_d4) = (add(four(d3), d3), add(four(d4), d4));
        let (e1, o1) =
            (sub(seventeen(d4), four(add(d2, d6))), sub(seventeen(d3), four(add(d1, d5))));
        let (e2, o2) = (sub(five_d4, add(d2, four(d6))), twice(sub(five_d3, add(d1, four(d5)))));
        let (e3, o3) = (twice(sub(five_d4, add(four(d2), d6))), sub(five_d3, add(four(d1), d5)));
        [
            add(four(sub(d0, d6)), times_21(sub(d4, d2))),
            add(e1, o1),
            sub(e1, o1),
            add(e2, o2),
            sub(e2, o2),
            add(e3, o3),
            sub(e3, o3),
            add(four(sub(d7, d1)), times_21(sub(d3, d5))),
        ]
    }
}

/// Transforms to the points of any transform.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn points(transform: &Transform, d: &[Words; MAX_POINTS]) -> [Words; MAX_POINTS] {
    // SAFETY: the machine has AVX2.
    unsafe {
        let mut points = [_mm256_setzero_si256(); MAX_POINTS];
        for (point, factors) in points.iter_mut().zip(transform.data()) {
            for (&factor, &values) in factors.iter().zip(d) {
                let product = _mm256_mullo_epi16(values, _mm256_set1_epi16(factor));
                *point = _mm256_add_epi16(*point, product);
            }
        }
        points
    }
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
    let out_c = conv.geometry().conv().out_c();
    let blocks = conv.channels().words().chunks(BLOCK * CHANNEL_WORDS);
    let mut groups = channel_groups(conv).map(|(weights, ..)| weights);
    for (words, oc) in blocks.zip((0..out_c).step_by(BLOCK)) {
        for first in (0..BLOCK).step_by(2 * CHANNELS) {
            // Of a group that is not there no sum is read.
            let Some(group_1) = groups.next() else { break };
            let group_2 = groups.next().unwrap_or(group_1);
            let sums = sums.get_mut(first..).unwrap_or_default();
            // SAFETY: the machine has AVX2.
            unsafe { products::<TILES>(group, data, [group_1, group_2], sums) };
        }
        let channels = BLOCK.min(out_c - oc);
        let mut output = Output { words, min_shift, channels, out: &mut *out, oc };
        // SAFETY: the machine has AVX2.
        unsafe { finish::<TILES>(group, sums, &mut output) };
    }
}

/// Writes the sums of two groups, four of each [`BLOCK`]: `[point][tile][channel]`.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn products<const TILES: usize>(
    group: Group,
    data: &[Pair],
    weights: [&[Pair]; 2],
    sums: &mut [i32],
) {
    // It is not 0, which the compiler does not see.
    let words = (group.geometry.pairs() * CHANNELS).max(1);
    let data = data.chunks_exact((TILES * words).max(1));
    let [first, second] = weights.map(|weights| weights.chunks_exact(words));
    let mut sums = sums.chunks_mut(BLOCK);
    for ((data, first), second) in data.zip(first).zip(second) {
        // SAFETY: the data have as many words for each tile as each group's
        // weights, an even number of pairs and so whole vectors but for half of
        // the last.
        unsafe {
            let (data, weights) = (data.as_ptr(), [first.as_ptr(), second.as_ptr()]);
            let mut acc = [[_mm256_setzero_si256(); 2]; TILES];
            let whole = words / LANES * LANES;
            for word in (0..whole).step_by(LANES) {
                let weights = weights.map(|weights| _mm256_loadu_si256(weights.add(word).cast()));
                for (tile, acc) in acc.iter_mut().enumerate() {
                    let values = _mm256_loadu_si256(data.add(tile * words + word).cast());
                    for (acc, weights) in acc.iter_mut().zip(weights) {
                        *acc = _mm256_add_epi32(*acc, _mm256_madd_epi16(values, weights));
                    }
                }
            }
            let half = |words: *const Pair| {
                _mm256_zextsi128_si256(_mm_loadu_si128(words.add(whole).cast()))
            };
            if whole < words {
                let weights = weights.map(half);
                for (tile, acc) in acc.iter_mut().enumerate() {
                    let values = half(data.add(tile * words));
                    for (acc, weights) in acc.iter_mut().zip(weights) {
                        *acc = _mm256_add_epi32(*acc, _mm256_madd_epi16(values, weights));
                    }
                }
            }
            for ([first, second], sums) in acc.into_iter().zip(&mut sums) {
                let [first, second] = [first, second].map(|acc| {
                    let high = _mm256_extracti128_si256::<1>(acc);
                    _mm_add_epi32(_mm256_castsi256_si128(acc), high)
                });
                let low = _mm_unpacklo_epi64(first, second);
                let high = _mm_unpackhi_epi64(first, second);
                if let Some(place) = sums.first_chunk_mut::<{ 2 * CHANNELS }>() {
                    _mm_storeu_si128(place.as_mut_ptr().cast(), _mm_add_epi32(low, high));
                }
            }
        }
    }
}

/// Makes bytes of the sums, as many pixels as the output has.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn finish<const TILES: usize>(group: Group, sums: &[i32], output: &mut Output<'_>) {
    let transform = group.geometry.transform();
    let (out_c, outputs) = (group.geometry.conv().out_c(), transform.outputs());
    for (half, words) in output.words.chunks(LANES * CHANNEL_WORDS).enumerate() {
        let first = output.oc + half * LANES;
        let channels = output.channels.saturating_sub(half * LANES).min(LANES);
        // SAFETY: the machine has AVX2.
        let requant = unsafe { RequantLanes::new(words, transform.shift()) };
        for tile in 0..TILES {
            // SAFETY: the machine has AVX2.
            let scaled = unsafe {
                let sums = core::array::from_fn(|point| {
                    let from = (point * TILES + tile) * BLOCK + half * LANES;
                    let there = point < transform.points();
                    load(sums.get(from..).filter(|_| there).unwrap_or_default())
                });
                if transform.points() == MAX_POINTS {
                    eight_outputs(transform, sums)
                } else {
                    any_outputs(transform, &sums)
                }
            };
            for (j, &scaled) in scaled.iter().enumerate().take(outputs) {
                // SAFETY: the machine has AVX2.
                let bytes = unsafe {
                    if output.min_shift >= MIN_UPPER_SHIFT {
                        requant.upper(scaled)
                    } else {
                        requant.any(scaled)
                    }
                };
                let at = (tile * outputs + j) * out_c + first;
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

/// Loads the first lanes of a slice, or zeros where it is shorter.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load(values: &[i32]) -> __m256i {
    let values = values.first_chunk::<LANES>().unwrap_or(&[0; LANES]);
    // SAFETY: they are as long as the vector.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}

type Outputs = [__m256i; MAX_OUTPUTS];

/// Takes sums at the points 0, ±1, ±2, ±½ and infinity to outputs: even ones
/// need the sums of a pair of points, odd ones their difference.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn eight_outputs(transform: &Transform, sums: [__m256i; MAX_POINTS]) -> Outputs {
    let [s0, p1, m1, p2, m2, p3, m3, s7] = sums;
    // SAFETY: the machine has AVX2.
    unsafe {
        let times = |sums, factor| _mm256_mullo_epi32(sums, _mm256_set1_epi32(factor));
        let add = |a, b| _mm256_add_epi32(a, b);
        let sub = |a, b| _mm256_sub_epi32(a, b);
        let even = [s0, add(p1, m1), add(p2, m2), add(p3, m3)];
        let odd = [s7, sub(p1, m1), sub(p2, m2), sub(p3, m3)];
        let mut outputs = [_mm256_setzero_si256(); MAX_OUTPUTS];
        let rows = transform.folded().iter().take(transform.outputs());
        for (j, (output, row)) in outputs.iter_mut().zip(rows).enumerate() {
            let &[f0, f1, _, f2, _, f3, _, f7] = row;
            let ([end, a, b, c], factor) = if j % 2 == 0 { (even, f0) } else { (odd, f7) };
            *output = add(add(times(a, f1), times(b, f2)), times(c, f3));
            if factor != 0 {
                *output = add(*output, times(end, factor));
            }
        }
        outputs
    }
}

/// Takes sums at the points of any transform to outputs.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn any_outputs(transform: &Transform, sums: &[__m256i; MAX_POINTS]) -> Outputs {
    // SAFETY: the machine has AVX2.
    unsafe {
        let mut outputs = [_mm256_setzero_si256(); MAX_OUTPUTS];
        for (output, row) in outputs.iter_mut().zip(transform.folded()) {
            for (&factor, &sums) in row.iter().zip(sums) {
                let product = _mm256_mullo_epi32(sums, _mm256_set1_epi32(factor));
                *output = _mm256_add_epi32(*output, product);
            }
        }
        outputs
    }
}

/// Biases and requantisation of the channels of a vector.
struct RequantLanes {
    bias: __m256i,
    multiplier: __m256i,
    /// That of the upper word of a product.
    shift: __m256i,
    half: __m256i,
    sum_shift: __m128i,
    channels: [Requant; LANES],
}

impl RequantLanes {
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn new(words: &[i32], sum_shift: u32) -> Self {
        let mut table = [[0; LANES], [MIN_MULTIPLIER; LANES], [MAX_SHIFT.into(); LANES]];
        let [bias, multiplier, shift] = &mut table;
        let lanes = bias.iter_mut().zip(multiplier.iter_mut()).zip(shift.iter_mut());
        for (words, ((bias, multiplier), shift)) in words.chunks_exact(CHANNEL_WORDS).zip(lanes) {
            if let &[b, m, s, _] = words {
                (*bias, *multiplier, *shift) = (b, m, s);
            }
        }
        let [bias, multiplier, shift] = table;
        let channels =
            core::array::from_fn(|lane| Requant::from_checked(multiplier[lane], shift[lane]));
        // SAFETY: the machine has AVX2.
        unsafe {
            let upper = _mm256_sub_epi32(load(&shift), _mm256_set1_epi32(32));
            let lowest = _mm256_sub_epi32(_mm256_set1_epi32(31), upper);
            Self {
                bias: load(&bias),
                multiplier: load(&multiplier),
                shift: upper,
                // `2^(upper - 1)`.
                half: _mm256_srli_epi32::<1>(_mm256_srlv_epi32(
                    _mm256_set1_epi32(i32::MIN),
                    lowest,
                )),
                sum_shift: _mm_cvtsi32_si128(i32::from((sum_shift & 31) as u8)),
                channels,
            }
        }
    }

    /// Returns bytes, for shifts of at least 33. A negative sum gives 0, so
    /// products are unsigned.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn upper(&self, scaled: __m256i) -> [u8; LANES] {
        let mut bytes = [0; LANES];
        // SAFETY: the machine has AVX2, and the last store writes eight bytes.
        unsafe {
            let acc = _mm256_add_epi32(self.bias, _mm256_sra_epi32(scaled, self.sum_shift));
            let acc = _mm256_max_epi32(acc, _mm256_setzero_si256());
            let even = _mm256_srli_epi64::<32>(_mm256_mul_epu32(acc, self.multiplier));
            let odd = _mm256_mul_epu32(
                _mm256_srli_epi64::<32>(acc),
                _mm256_srli_epi64::<32>(self.multiplier),
            );
            let upper = _mm256_blend_epi32::<0b1010_1010>(even, odd);
            let rounded = _mm256_srlv_epi32(_mm256_add_epi32(upper, self.half), self.shift);
            let values = _mm256_min_epi32(rounded, _mm256_set1_epi32(255));
            let (low, high) =
                (_mm256_castsi256_si128(values), _mm256_extracti128_si256::<1>(values));
            let words = _mm_packus_epi32(low, high);
            _mm_storel_epi64(bytes.as_mut_ptr().cast(), _mm_packus_epi16(words, words));
        }
        bytes
    }

    /// Returns bytes, for any shifts.
    #[inline(never)]
    #[target_feature(enable = "avx2")]
    unsafe fn any(&self, scaled: __m256i) -> [u8; LANES] {
        let mut sums = [0_i32; LANES];
        // SAFETY: the machine has AVX2, and the sums are as long as the vector.
        unsafe {
            let acc = _mm256_add_epi32(self.bias, _mm256_sra_epi32(scaled, self.sum_shift));
            _mm256_storeu_si256(sums.as_mut_ptr().cast(), acc);
        }
        let mut bytes = [0; LANES];
        for ((byte, acc), channel) in bytes.iter_mut().zip(sums).zip(&self.channels) {
            *byte = channel.requantise(acc);
        }
        bytes
    }
}
