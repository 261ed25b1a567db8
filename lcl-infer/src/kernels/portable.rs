//! The kernels in portable Rust.

use core::hint::black_box;

use super::pooling::{self, BlurMax, Max, MaxBlur, Portable};
use super::tiled::{self, Accumulators, CHANNELS, Microkernel, PIXELS, Weights};
use super::{
    ConvKernels, DenseKernels, Kernels, NormKernels, OpponentKernels, PoolKernels, ReadoutKernels,
    ResampleKernels, RetinaKernels, WindowPoolKernels, toom,
};
use crate::packing::{CHANNEL_GROUP, QUAD_LEN, TAP_QUAD};
use crate::shape::ConvGeometry;

/// The portable kernels.
pub static KERNELS: Kernels = Kernels {
    name: "portable",
    conv: ConvKernels {
        conv2d_row: tiled::conv2d_row::<Bytes>,
        toom_row: toom::row::conv2d_row::<toom::portable::Portable>,
    },
    pool: PoolKernels {
        max_rows: pooling::max_rows::<Portable>,
        max_blur_row: pooling::pool_row::<MaxBlur, Portable>,
        blur_max_row: pooling::pool_row::<BlurMax, Portable>,
        max_row: pooling::pool_row::<Max, Portable>,
    },
    window_pool: WindowPoolKernels::PORTABLE,
    dense: DenseKernels::PORTABLE,
    norm: NormKernels { norm_row: tiled::norm_row::<Bytes> },
    resample: ResampleKernels::PORTABLE,
    retina: RetinaKernels::PORTABLE,
    opponent: OpponentKernels::PORTABLE,
    readout: ReadoutKernels::PORTABLE,
}
.built_in();

/// Returns the bytes of scratch that the convolution asks for.
pub(super) const fn scratch_len(conv: &ConvGeometry) -> usize {
    tiled::scratch_len::<Bytes>(conv)
}

/// Columns of bytes, `[taps, PIXELS]`.
pub(super) enum Bytes {}

impl Microkernel for Bytes {
    type Quad = [u8; TAP_QUAD * PIXELS];
    const PART: usize = 320;

    fn place(pixel: usize, values: [u8; TAP_QUAD], quad: &mut Self::Quad) {
        for (pixels, value) in quad.chunks_exact_mut(PIXELS).zip(values) {
            if let Some(place) = pixels.get_mut(pixel) {
                *place = value;
            }
        }
    }

    fn dot(column: &[Self::Quad], weights: Weights<'_>, pairs: &mut [Accumulators]) {
        // It is not 0, which the compiler does not see.
        let groups = weights.packed.chunks(weights.group_len.max(1));
        for (group, pairs) in groups.zip(pairs.chunks_exact_mut(CHANNEL_GROUP / CHANNELS)) {
            for (pair, acc) in pairs.iter_mut().enumerate() {
                let start = pair * CHANNELS * TAP_QUAD;
                dot(column, group.get(start..).unwrap_or_default(), acc);
            }
        }
    }
}

/// Adds the products of a column with the weights of a pair of channels, whose
/// quads are [`QUAD_LEN`] bytes apart.
#[inline(never)]
fn dot(column: &[<Bytes as Microkernel>::Quad], weights: &[i8], acc: &mut Accumulators) {
    let [mut a0, mut a1, mut a2, mut a3, mut b0, mut b1, mut b2, mut b3] = *acc;
    // A number that the compiler does not know: it would take several taps at
    // once, for which small cores have no registers.
    let taps = black_box(TAP_QUAD);
    for (values, weights) in column.iter().zip(weights.chunks(QUAD_LEN)) {
        let (first, second) = weights.split_at_checked(TAP_QUAD).unwrap_or_default();
        let weights = first.iter().take(taps).zip(second);
        for (x, (&a, &b)) in values.chunks_exact(PIXELS).zip(weights) {
            let &[x0, x1, x2, x3] = x else {
                break;
            };
            let (a, b) = (i32::from(a), i32::from(b));
            let [x0, x1, x2, x3] = [x0.into(), x1.into(), x2.into(), x3.into()];
            (a0, b0) = (multiply_add(a0, a, x0), multiply_add(b0, b, x0));
            (a1, b1) = (multiply_add(a1, a, x1), multiply_add(b1, b, x1));
            (a2, b2) = (multiply_add(a2, a, x2), multiply_add(b2, b, x2));
            (a3, b3) = (multiply_add(a3, a, x3), multiply_add(b3, b, x3));
        }
    }
    *acc = [a0, a1, a2, a3, b0, b1, b2, b3];
}

/// Returns `acc + weight · value`. It does not wrap: a blob that opens has
/// shown that no partial sum leaves 32 bits, whatever the values.
#[inline]
fn multiply_add(acc: i32, weight: i32, value: i32) -> i32 {
    acc.wrapping_add(weight.wrapping_mul(value))
}
