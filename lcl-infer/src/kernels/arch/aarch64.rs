//! Kernels for AArch64: NEON, and NEON with the dot product.
//!
//! Values are held as `value - 128`, so that both factors are signed bytes, and
//! sums start from `bias + 128 · sum of weights`. Sixteen bytes of packed
//! weights are four channels by four taps. A tile is some pixels by four
//! channels.
#![allow(unsafe_code)]
#![expect(clippy::inline_always, reason = "the registers stay registers")]

#[allow(clippy::wildcard_imports, reason = "the instructions' own names")]
use core::arch::aarch64::*;
use core::arch::asm;

use super::columns::{self, in_place};
use super::vector_pooling::{blur_max_row, max_blur_row, max_row, max_rows};
use crate::kernels::{ConvKernels, Kernels, PoolKernels, RowWindow, portable};
use crate::packing::{CHANNEL_GROUP, QUAD_LEN, TAP_BLOCK, TAP_QUAD};
use crate::parameters::{CHANNEL_WORDS, Conv2d};
use crate::shape::ConvGeometry;

/// The kernels for NEON, which every AArch64 machine has.
static NEON: Kernels = Kernels {
    name: "neon",
    conv: ConvKernels { conv2d_row: conv2d_row::<Widening>, ..portable::KERNELS.conv },
    pool: PoolKernels { max_rows, max_blur_row, blur_max_row, max_row },
    ..portable::KERNELS
};

/// The kernels for NEON with the dot product.
static DOT_PRODUCT: Kernels = Kernels {
    name: "neon-dotprod",
    conv: ConvKernels { conv2d_row: conv2d_row::<DotProduct>, ..NEON.conv },
    ..NEON
};

/// Returns the kernels that this machine can run, the best first.
pub(super) fn available() -> impl Iterator<Item = &'static Kernels> {
    #[cfg(feature = "std")]
    let dot_product = std::arch::is_aarch64_feature_detected!("dotprod");
    #[cfg(not(feature = "std"))]
    let dot_product = cfg!(target_feature = "dotprod");
    dot_product.then_some(&DOT_PRODUCT).into_iter().chain([&NEON])
}

/// Returns the bytes of scratch that any of these kernels asks for.
pub(super) const fn scratch_len(conv: &ConvGeometry) -> usize {
    columns::scratch_len(conv, PIXELS)
}

/// Pixels of a tile.
const PIXELS: usize = 6;

/// Smallest shift for which the upper half of a product is enough.
const MIN_UPPER_SHIFT: i32 = 33;

/// How the products of a block of taps are added up.
trait Multiply {
    /// Sums of four channels of one pixel, not yet in order.
    type Sums: Copy;

    fn zero() -> Self::Sums;

    /// Adds the products of sixteen values with sixteen taps of four channels.
    ///
    /// # Safety
    ///
    /// The machine has what the implementation is named after.
    unsafe fn add(sums: Self::Sums, values: int8x16_t, weights: &[int8x16_t; 4]) -> Self::Sums;

    /// Returns the sums in order of channels.
    fn in_order(sums: Self::Sums) -> int32x4_t;
}

/// Products of 16 bits, two of which fit each other's sum: at most `2 · 127 ·
/// 128`. They are added in pairs to sums of 32 bits.
enum Widening {}

impl Multiply for Widening {
    /// Channels 0 and 1, channels 2 and 3: two sums each.
    type Sums = [int32x4_t; 2];

    #[inline(always)]
    fn zero() -> Self::Sums {
        // SAFETY: every AArch64 machine has NEON.
        unsafe { [vdupq_n_s32(0); 2] }
    }

    #[inline(always)]
    unsafe fn add(sums: Self::Sums, values: int8x16_t, weights: &[int8x16_t; 4]) -> Self::Sums {
        let [low, high] = sums;
        // SAFETY: every AArch64 machine has NEON.
        unsafe {
            let values = vreinterpretq_s32_s8(values);
            let quads = [
                vreinterpret_s8_s32(vdup_laneq_s32::<0>(values)),
                vreinterpret_s8_s32(vdup_laneq_s32::<1>(values)),
                vreinterpret_s8_s32(vdup_laneq_s32::<2>(values)),
                vreinterpret_s8_s32(vdup_laneq_s32::<3>(values)),
            ];
            let pair = |first: int8x8_t, second: int8x8_t, quads: [int8x8_t; 2]| {
                vmlal_s8(vmull_s8(first, quads[0]), second, quads[1])
            };
            let [a, b, c, d] = *weights;
            let (ab, cd) = ([quads[0], quads[1]], [quads[2], quads[3]]);
            let low = vpadalq_s16(low, pair(vget_low_s8(a), vget_low_s8(b), ab));
            let high = vpadalq_s16(high, pair(vget_high_s8(a), vget_high_s8(b), ab));
            let low = vpadalq_s16(low, pair(vget_low_s8(c), vget_low_s8(d), cd));
            let high = vpadalq_s16(high, pair(vget_high_s8(c), vget_high_s8(d), cd));
            [low, high]
        }
    }

    #[inline(always)]
    fn in_order([low, high]: Self::Sums) -> int32x4_t {
        // SAFETY: every AArch64 machine has NEON.
        unsafe { vpaddq_s32(low, high) }
    }
}

/// `SDOT`: four products of bytes are added to each sum.
enum DotProduct {}

impl Multiply for DotProduct {
    type Sums = int32x4_t;

    #[inline(always)]
    fn zero() -> Self::Sums {
        // SAFETY: every AArch64 machine has NEON.
        unsafe { vdupq_n_s32(0) }
    }

    #[inline(always)]
    unsafe fn add(mut sums: Self::Sums, values: int8x16_t, weights: &[int8x16_t; 4]) -> Self::Sums {
        let [a, b, c, d] = *weights;
        // Rust's intrinsics of the dot product are not stable.
        // SAFETY: the caller says that the machine has the instruction, which
        // reads and writes nothing but these registers.
        unsafe {
            asm!(
                ".arch_extension dotprod",
                "sdot {sums:v}.4s, {a:v}.16b, {values:v}.4b[0]",
                "sdot {sums:v}.4s, {b:v}.16b, {values:v}.4b[1]",
                "sdot {sums:v}.4s, {c:v}.16b, {values:v}.4b[2]",
                "sdot {sums:v}.4s, {d:v}.16b, {values:v}.4b[3]",
                sums = inout(vreg) sums,
                values = in(vreg) values,
                a = in(vreg) a,
                b = in(vreg) b,
                c = in(vreg) c,
                d = in(vreg) d,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        sums
    }

    #[inline(always)]
    fn in_order(sums: Self::Sums) -> int32x4_t {
        sums
    }
}

fn conv2d_row<M: Multiply>(
    conv: &Conv2d<'_>,
    window: &RowWindow<'_>,
    out: &mut [u8],
    scratch: &mut [u8],
) {
    let geometry = &conv.geometry();
    if in_place(geometry) {
        let (len, step) = (geometry.taps_per_row(), geometry.stride() * geometry.in_c());
        Values { rows: window.rows(), len, step }.convolve::<M>(conv, out);
        return;
    }
    let (len, out_c) = (geometry.padded_taps(), geometry.out_c());
    let columns = columns::at_a_time(geometry, PIXELS);
    for (chunk, out) in out.chunks_mut(columns * out_c).enumerate() {
        columns::lay_out(window, geometry, columns * chunk, out.len() / out_c, scratch);
        Values { rows: &[&*scratch], len, step: len }.convolve::<M>(conv, out);
    }
}

/// What neighbouring output pixels read: pixel x `len` bytes, a multiple of
/// [`TAP_BLOCK`], from byte `x · step` of each row.
struct Values<'a> {
    rows: &'a [&'a [u8]],
    len: usize,
    step: usize,
}

impl Values<'_> {
    /// Computes the pixels of `out`, `[1, W, out_c]`, or nothing where the rows
    /// are too short.
    fn convolve<M: Multiply>(&self, conv: &Conv2d<'_>, out: &mut [u8]) {
        let geometry = &conv.geometry();
        let out_c = geometry.out_c();
        let width = out.len() / out_c;
        let readable = width.saturating_sub(1) * self.step + self.len;
        if width == 0
            || self.rows.len() * self.len != geometry.padded_taps()
            || self.rows.iter().any(|row| row.len() < readable)
        {
            return;
        }
        let groups = conv.packed_weights().chunks_exact(CHANNEL_GROUP * geometry.padded_taps());
        let tables = conv.channels().words().chunks_exact(CHANNEL_GROUP * CHANNEL_WORDS);
        for (group, (weights, table)) in groups.zip(tables).enumerate() {
            let Some(requant) = table.first_chunk().map(Requant::new) else {
                return;
            };
            for (tile, out) in out.chunks_mut(PIXELS * out_c).enumerate() {
                let pixels = core::array::from_fn(|pixel| {
                    (tile * PIXELS + pixel).min(width - 1) * self.step
                });
                // SAFETY: these kernels are handed out on machines that have
                // what `M` is named after; each pixel is below `width`, for
                // which all rows are long enough, and a group has as many
                // weights as all rows have taps, four times.
                let sums = unsafe { self.multiply::<M>(weights, pixels) };
                for (out, sums) in out.chunks_exact_mut(out_c).zip(sums) {
                    let bytes = requant.scale(M::in_order(sums));
                    let out = out.iter_mut().skip(group * CHANNEL_GROUP);
                    for (out, byte) in out.zip(bytes) {
                        *out = byte;
                    }
                }
            }
        }
    }

    /// Returns the sums of products of a tile of pixels, which start at these
    /// bytes of each row.
    ///
    /// # Safety
    ///
    /// The machine has what `M` is named after. Each row has `len` bytes, a
    /// multiple of [`TAP_BLOCK`], from the start of each pixel on, and there
    /// are [`CHANNEL_GROUP`] weights for each of them.
    unsafe fn multiply<M: Multiply>(
        &self,
        weights: &[i8],
        pixels: [usize; PIXELS],
    ) -> [M::Sums; PIXELS] {
        let mut sums = [M::zero(); PIXELS];
        let mut weights = weights.as_ptr();
        for row in self.rows {
            for first in (0..self.len).step_by(TAP_BLOCK) {
                // SAFETY: as the caller vouches; every AArch64 machine has NEON.
                unsafe {
                    let quads = core::array::from_fn(|quad| vld1q_s8(weights.add(quad * QUAD_LEN)));
                    for (sums, pixel) in sums.iter_mut().zip(pixels) {
                        let values = vld1q_u8(row.as_ptr().add(pixel + first));
                        let values = vreinterpretq_s8_u8(veorq_u8(values, vdupq_n_u8(128)));
                        *sums = M::add(*sums, values, &quads);
                    }
                    weights = weights.add(TAP_BLOCK / TAP_QUAD * QUAD_LEN);
                }
            }
        }
        sums
    }
}

/// What turns the sums of four channels into bytes.
///
/// A shift of 31 or 32 becomes two more, and the sum four times itself, so that
/// the rounded result depends on the upper half of the product alone; there
/// every sum of 2^20 or more gives 255, so it is limited to that first.
struct Requant {
    bias: int32x4_t,
    limit: int32x4_t,
    pre_shift: int32x4_t,
    multiplier: int32x4_t,
    shift: int32x4_t,
}

impl Requant {
    #[inline(always)]
    fn new(words: &[i32; CHANNEL_GROUP * CHANNEL_WORDS]) -> Self {
        // SAFETY: every AArch64 machine has NEON; the load takes the sixteen
        // words that are there.
        unsafe {
            let int32x4x4_t(bias, multiplier, shift, weight_sum) = vld4q_s32(words.as_ptr());
            let short = vreinterpretq_s32_u32(vcltq_s32(shift, vdupq_n_s32(MIN_UPPER_SHIFT)));
            let pre_shift = vandq_s32(short, vdupq_n_s32(2));
            let limit = vdupq_n_s32(1 << 20);
            Self {
                bias: vaddq_s32(bias, vshlq_n_s32::<7>(weight_sum)),
                limit: vbslq_s32(vreinterpretq_u32_s32(short), limit, vdupq_n_s32(i32::MAX)),
                pre_shift,
                multiplier,
                shift: vsubq_s32(vaddq_s32(shift, pre_shift), vdupq_n_s32(32)),
            }
        }
    }

    /// Returns the bytes of the four channels.
    #[inline(always)]
    fn scale(&self, sums: int32x4_t) -> [u8; CHANNEL_GROUP] {
        // SAFETY: every AArch64 machine has NEON.
        unsafe {
            let sums = vmaxq_s32(vaddq_s32(sums, self.bias), vdupq_n_s32(0));
            let sums = vshlq_s32(vminq_s32(sums, self.limit), self.pre_shift);
            let low = vmull_s32(vget_low_s32(sums), vget_low_s32(self.multiplier));
            let high = vmull_high_s32(sums, self.multiplier);
            let upper = vuzp2q_s32(vreinterpretq_s32_s64(low), vreinterpretq_s32_s64(high));
            // Shifts right and rounds half up.
            let scaled = vrshlq_u32(vreinterpretq_u32_s32(upper), vnegq_s32(self.shift));
            let narrow = vqmovn_u32(scaled);
            let bytes = vqmovn_u16(vcombine_u16(narrow, narrow));
            vget_lane_u32::<0>(vreinterpret_u32_u8(bytes)).to_le_bytes()
        }
    }
}
