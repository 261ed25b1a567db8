//! Kernels for WebAssembly with its vectors of 128 bits, in which every
//! instruction gives the same everywhere: none of the relaxed ones.
//!
//! Both sides of the convolution are widened to 16 bits for
//! `i32x4.dot_i16x8_s`: eight products in pairs, exact. A tile is up to four
//! pixels by four channels, eight accumulators; each holds two channels and two
//! pairs of taps. With more an engine for x86-64 runs out of registers.
#![allow(unsafe_code)]

use core::arch::wasm32::{
    i16x8_load_extend_i8x8, i16x8_narrow_i32x4, i32x4, i32x4_add, i32x4_dot_i16x8,
    i32x4_extract_lane, i32x4_max, i32x4_min, i32x4_mul, i32x4_shuffle, i32x4_splat,
    u8x16_narrow_i16x8, u64x2_extmul_high_u32x4, u64x2_extmul_low_u32x4, v128, v128_load64_splat,
};

use super::vector_pooling::{blur_max_row, max_blur_row, max_row, max_rows};
use super::widened::Layout;
use crate::arithmetic::MIN_UPPER_SHIFT;
use crate::kernels::{ConvKernels, Kernels, PoolKernels, RowWindow, portable};
use crate::memory::aligned;
use crate::packing::{CHANNEL_GROUP, QUAD_LEN, TAP_QUAD};
use crate::parameters::{CHANNEL_WORDS, Conv2d};
use crate::shape::ConvGeometry;

/// The kernels for vectors of 128 bits.
pub(super) static KERNELS: Kernels = Kernels {
    name: "wasm-simd128",
    conv: ConvKernels { conv2d_row, ..portable::KERNELS.conv },
    pool: PoolKernels { max_rows, max_blur_row, blur_max_row, max_row },
    ..portable::KERNELS
};

/// Most pixels of a tile.
const PIXELS: usize = 4;

/// Widened values of a tile, where those of one pixel are not more.
const WIDENED_LEN: usize = 3584;

/// Returns the bytes of scratch that the convolution asks for: the values of a
/// tile.
pub(super) const fn scratch_len(conv: &ConvGeometry) -> usize {
    let pixels = Layout::pixels(conv, PIXELS, WIDENED_LEN);
    aligned(Layout::new(conv, pixels).values() * size_of::<i16>())
}

fn conv2d_row(conv: &Conv2d<'_>, window: &RowWindow<'_>, out: &mut [u8], scratch: &mut [u8]) {
    let geometry = &conv.geometry();
    let out_c = geometry.out_c();
    let Ok(scratch) = bytemuck::try_cast_slice_mut(scratch) else {
        return;
    };
    let most = Layout::pixels(geometry, PIXELS, WIDENED_LEN);
    let width = out.len() / out_c;
    let mut x = 0;
    while x < width {
        let left = width - x;
        let pixels = left.div_ceil(left.div_ceil(most));
        let layout = Layout::new(geometry, pixels);
        let values = scratch.get_mut(..layout.values()).unwrap_or_default();
        if values.is_empty() || layout.rows * layout.len != geometry.padded_taps() {
            return;
        }
        layout.widen(window, geometry, x, values);
        let compute = match pixels {
            1 => compute::<1>,
            2 => compute::<2>,
            3 => compute::<3>,
            _ => compute::<PIXELS>,
        };
        let out = out.get_mut(x * out_c..(x + pixels) * out_c).unwrap_or_default();
        compute(conv, &layout, values, out);
        x += pixels;
    }
}

/// Computes all channels of `N` pixels, whose values are laid out.
fn compute<const N: usize>(conv: &Conv2d<'_>, layout: &Layout, values: &[i16], out: &mut [u8]) {
    let out_c = conv.geometry().out_c();
    if values.len() < layout.values() || layout.row_len < (N - 1) * layout.step + layout.len {
        return;
    }
    let groups = conv.packed_weights().chunks_exact(CHANNEL_GROUP * conv.geometry().padded_taps());
    let tables = conv.channels().words().chunks_exact(CHANNEL_GROUP * CHANNEL_WORDS);
    let limited = conv.channels().min_shift() < MIN_UPPER_SHIFT;
    for (group, (weights, table)) in groups.zip(tables).enumerate() {
        let Some(requant) = table.first_chunk().map(Requant::new) else {
            return;
        };
        // SAFETY: there are as many values as the layout says, in which each row
        // has `len` of them from each of `N` pixels on; a group has as many
        // weights as all rows have taps, four times.
        let sums = unsafe { multiply::<N>(layout, values.as_ptr(), weights.as_ptr()) };
        for (out, sums) in out.chunks_exact_mut(out_c).zip(sums) {
            let bytes = requant.scale(sums, limited);
            let out = out.get_mut(group * CHANNEL_GROUP..).unwrap_or_default();
            if let Some(out) = out.first_chunk_mut() {
                *out = bytes;
            } else {
                for (out, byte) in out.iter_mut().zip(bytes) {
                    *out = byte;
                }
            }
        }
    }
}

/// Returns the sums of products of `N` pixels, four channels each.
///
/// # Safety
///
/// Each of the layout's rows of values has `len` of them, a multiple of
/// [`TAP_QUAD`], from the start of each pixel on, and there are
/// [`CHANNEL_GROUP`] weights for each of them.
unsafe fn multiply<const N: usize>(
    layout: &Layout,
    mut row: *const i16,
    mut weights: *const i8,
) -> [v128; N] {
    let mut sums = [[i32x4_splat(0); 2]; N];
    for _ in 0..layout.rows {
        let mut x = row;
        // One quad at a time: more would not stay in registers.
        for _ in 0..layout.len / TAP_QUAD {
            // SAFETY: as the caller vouches.
            unsafe {
                let low = i16x8_load_extend_i8x8(weights);
                let high = i16x8_load_extend_i8x8(weights.add(QUAD_LEN / 2));
                let mut pixel = x;
                for [first, second] in &mut sums {
                    let values = v128_load64_splat(pixel.cast());
                    *first = i32x4_add(*first, i32x4_dot_i16x8(values, low));
                    *second = i32x4_add(*second, i32x4_dot_i16x8(values, high));
                    pixel = pixel.wrapping_add(layout.step);
                }
                weights = weights.add(QUAD_LEN);
                x = x.add(TAP_QUAD);
            }
        }
        row = row.wrapping_add(layout.row_len);
    }
    sums.map(|[first, second]| {
        let even = i32x4_shuffle::<0, 2, 4, 6>(first, second);
        i32x4_add(even, i32x4_shuffle::<1, 3, 5, 7>(first, second))
    })
}

/// What turns the sums of four channels into bytes.
///
/// A shift of 31 or 32 becomes two more, and the sum four times itself, so that
/// the rounded result depends on the upper half of the product alone; there
/// every sum of 2^20 or more gives 255, so it is limited to that first. Lanes
/// cannot be shifted by numbers of their own, so they are multiplied: a shift
/// right by `s` is the upper half of the product with `2^(32 - s)`.
struct Requant {
    bias: v128,
    limit: v128,
    pre_factor: v128,
    multiplier: v128,
    half: v128,
    factor: v128,
}

impl Requant {
    fn new(words: &[i32; CHANNEL_GROUP * CHANNEL_WORDS]) -> Self {
        let &[b0, m0, s0, _, b1, m1, s1, _, b2, m2, s2, _, b3, m3, s3, _] = words;
        let shifts = [s0, s1, s2, s3];
        let is_short = |shift| shift < i32::from(MIN_UPPER_SHIFT);
        // 1 to 30: a table's shifts are 31 to 62.
        let upper = shifts.map(|shift| (shift - if is_short(shift) { 30 } else { 32 }) & 31);
        Self {
            bias: lanes([b0, b1, b2, b3]),
            limit: lanes(shifts.map(|shift| if is_short(shift) { 1 << 20 } else { i32::MAX })),
            pre_factor: lanes(shifts.map(|shift| if is_short(shift) { 4 } else { 1 })),
            multiplier: lanes([m0, m1, m2, m3]),
            half: lanes(upper.map(|upper| 1 << ((upper - 1) & 31))),
            factor: lanes(upper.map(|upper| 1 << ((32 - upper) & 31))),
        }
    }

    /// Returns the bytes of the four channels; `limited` where any of all
    /// channels has a short shift.
    fn scale(&self, sums: v128, limited: bool) -> [u8; CHANNEL_GROUP] {
        let mut sums = i32x4_max(i32x4_add(sums, self.bias), i32x4_splat(0));
        if limited {
            sums = i32x4_mul(i32x4_min(sums, self.limit), self.pre_factor);
        }
        let rounded = i32x4_add(upper_half(sums, self.multiplier), self.half);
        let words = upper_half(rounded, self.factor);
        let words = i16x8_narrow_i32x4(words, words);
        i32x4_extract_lane::<0>(u8x16_narrow_i16x8(words, words)).to_le_bytes()
    }
}

fn lanes([a, b, c, d]: [i32; CHANNEL_GROUP]) -> v128 {
    i32x4(a, b, c, d)
}

/// Returns the upper 32 bits of the products of unsigned lanes.
fn upper_half(one: v128, other: v128) -> v128 {
    let (low, high) = (u64x2_extmul_low_u32x4(one, other), u64x2_extmul_high_u32x4(one, other));
    i32x4_shuffle::<1, 3, 5, 7>(low, high)
}
