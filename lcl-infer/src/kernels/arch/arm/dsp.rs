//! Kernels for Cortex-M cores with the DSP extension: M4, M7, M33.
//!
//! `SMLAD` adds two products of 16 bits to an accumulator, so a column holds
//! values of 16 bits, in the order in which `SXTB16` widens the weights: taps 0
//! and 2 of a quad, then taps 1 and 3.

use core::arch::asm;

use super::toom::dsp::Dsp as ToomDsp;
use super::{Job, define_dot};
use crate::kernels::pooling::{self, BlurMax, Lanes, Max, MaxBlur};
use crate::kernels::tiled::{self, Accumulators, Microkernel, PIXELS, Weights};
use crate::kernels::toom::row;
use crate::kernels::{ConvKernels, Kernels, NormKernels, PoolKernels, ReadoutKernels, portable};
use crate::packing::TAP_QUAD;
use crate::shape::ConvGeometry;
use crate::toom::ToomGeometry;

/// The kernels for the DSP extension.
pub(in crate::kernels::arch) static KERNELS: Kernels = Kernels {
    name: "arm-dsp",
    conv: ConvKernels {
        conv2d_row: tiled::conv2d_row::<Dsp>,
        toom_row: row::conv2d_row::<ToomDsp>,
    },
    pool: PoolKernels {
        max_rows: pooling::max_rows::<Dsp>,
        max_blur_row: pooling::pool_row::<MaxBlur, Dsp>,
        blur_max_row: pooling::pool_row::<BlurMax, Dsp>,
        max_row: pooling::pool_row::<Max, Dsp>,
    },
    norm: NormKernels { norm_row: tiled::norm_row::<Dsp> },
    readout: ReadoutKernels { sums: super::sums::sums },
    ..portable::KERNELS
}
.built_in();

/// Returns the bytes of scratch that the convolution asks for.
pub(in crate::kernels::arch) const fn scratch_len(conv: &ConvGeometry) -> usize {
    tiled::scratch_len::<Dsp>(conv)
}

/// Returns the bytes of scratch for so many tiles of a transform together.
pub(in crate::kernels::arch) const fn toom_scratch_len(
    geometry: &ToomGeometry,
    tiles: usize,
) -> usize {
    row::scratch_len::<ToomDsp>(geometry, tiles)
}

/// Columns of pairs of 16 bits, `[quads, 2, PIXELS]`: first taps 0 and 2, then
/// taps 1 and 3.
enum Dsp {}

/// Pairs of taps of four pixels.
type Quad = [u32; 2 * PIXELS];

impl Microkernel for Dsp {
    type Quad = Quad;
    const PART: usize = 240;

    fn place(pixel: usize, values: [u8; TAP_QUAD], quad: &mut Quad) {
        const BYTES: u32 = 0x00ff_00ff;
        let word = u32::from_le_bytes(values);
        quad[pixel % PIXELS] = word & BYTES;
        quad[PIXELS + pixel % PIXELS] = (word >> 8) & BYTES;
    }

    fn dot(column: &[Quad], weights: Weights<'_>, pairs: &mut [Accumulators]) {
        super::dot(lcl_infer_arm_dsp_dot, column, weights, pairs);
    }
}

impl Lanes for Dsp {
    #[inline]
    fn max(a: u32, b: u32) -> u32 {
        let larger;
        // SAFETY: `USUB8` sets the flags that `SEL` chooses bytes by, and
        // nothing else happens.
        unsafe {
            asm!(
                "usub8 {larger}, {a}, {b}",
                "sel {larger}, {a}, {b}",
                larger = out(reg) larger,
                a = in(reg) a,
                b = in(reg) b,
                options(pure, nomem, nostack),
            );
        }
        larger
    }
}

unsafe extern "C" {
    #[link_name = concat!("lcl_infer_arm_dsp_dot_", env!("LCL_INFER_BUILD"))]
    fn lcl_infer_arm_dsp_dot(
        column: *const Quad,
        weights: *const i8,
        pairs: *mut Accumulators,
        job: *const Job<Quad>,
    );
}

define_dot!(
    "lcl_infer_arm_dsp_dot",
    ["LCL_PIXELS"],
    // Assembly outside of functions is not told which core `-Ctarget-cpu` names.
    ".cpu cortex-m33",
    // A pair of taps of two pixels with both channels.
    ".macro LCL_PIXELS a0, a1, b0, b1",
    "smlad \\a0, r12, r2, \\a0",
    "smlad \\a1, lr, r2, \\a1",
    "smlad \\b0, r12, r3, \\b0",
    "smlad \\b1, lr, r3, \\b1",
    ".endm",
    ".macro LCL_QUAD n",
    "ldrd r2, r3, [r1, #16 * \\n]",
    "sxtb16 r2, r2",
    "sxtb16 r3, r3",
    "ldrd r12, lr, [r0, #32 * \\n]",
    "LCL_PIXELS r4, r5, r8, r9",
    "ldrd r12, lr, [r0, #32 * \\n + 8]",
    "LCL_PIXELS r6, r7, r10, r11",
    "ldrd r2, r3, [r1, #16 * \\n]",
    "sxtb16 r2, r2, ror #8",
    "sxtb16 r3, r3, ror #8",
    "ldrd r12, lr, [r0, #32 * \\n + 16]",
    "LCL_PIXELS r4, r5, r8, r9",
    "ldrd r12, lr, [r0, #32 * \\n + 24]",
    "LCL_PIXELS r6, r7, r10, r11",
    ".endm",
    // Backwards, so that the last loads move the pointers.
    ".macro LCL_FIRST_QUAD n",
    "ldrd r2, r3, [r1]",
    "sxtb16 r2, r2, ror #8",
    "sxtb16 r3, r3, ror #8",
    "ldrd r12, lr, [r0, #16]",
    "LCL_PIXELS r4, r5, r8, r9",
    "ldrd r12, lr, [r0, #24]",
    "LCL_PIXELS r6, r7, r10, r11",
    "ldrd r2, r3, [r1], #16 * \\n",
    "sxtb16 r2, r2",
    "sxtb16 r3, r3",
    "ldrd r12, lr, [r0, #8]",
    "LCL_PIXELS r6, r7, r10, r11",
    "ldrd r12, lr, [r0], #32 * \\n",
    "LCL_PIXELS r4, r5, r8, r9",
    ".endm",
);
