//! Kernels for Cortex-M cores without the DSP extension: M3, and M33 where the
//! target does not name it.

use super::{Job, define_dot};
use crate::kernels::tiled::{self, Accumulators, Microkernel, Weights};
use crate::kernels::toom::{portable::Portable, row};
use crate::kernels::{ConvKernels, Kernels, NormKernels, portable};
use crate::packing::TAP_QUAD;
use crate::shape::ConvGeometry;
use crate::toom::ToomGeometry;

/// The kernels for plain Armv7-M.
pub(in crate::kernels::arch) static KERNELS: Kernels = Kernels {
    name: "armv7-m",
    conv: ConvKernels {
        conv2d_row: tiled::conv2d_row::<V7m>,
        toom_row: portable::KERNELS.conv.toom_row,
    },
    norm: NormKernels { norm_row: tiled::norm_row::<V7m> },
    ..portable::KERNELS
}
.built_in();

/// Returns the bytes of scratch that the convolution asks for.
pub(in crate::kernels::arch) const fn scratch_len(conv: &ConvGeometry) -> usize {
    tiled::scratch_len::<V7m>(conv)
}

/// Returns the bytes of scratch for so many tiles of a transform together.
pub(in crate::kernels::arch) const fn toom_scratch_len(
    geometry: &ToomGeometry,
    tiles: usize,
) -> usize {
    row::scratch_len::<Portable>(geometry, tiles)
}

/// Columns of bytes, those of the portable kernels.
enum V7m {}

type Quad = <portable::Bytes as Microkernel>::Quad;

impl Microkernel for V7m {
    type Quad = Quad;
    const PART: usize = portable::Bytes::PART;

    fn place(pixel: usize, values: [u8; TAP_QUAD], quad: &mut Quad) {
        portable::Bytes::place(pixel, values, quad);
    }

    fn dot(column: &[Quad], weights: Weights<'_>, pairs: &mut [Accumulators]) {
        super::dot(lcl_infer_armv7m_dot, column, weights, pairs);
    }
}

unsafe extern "C" {
    #[link_name = concat!("lcl_infer_armv7m_dot_", env!("LCL_INFER_BUILD"))]
    fn lcl_infer_armv7m_dot(
        column: *const Quad,
        weights: *const i8,
        pairs: *mut Accumulators,
        job: *const Job<Quad>,
    );
}

define_dot!(
    "lcl_infer_armv7m_dot",
    ["LCL_PIXELS", "LCL_TAP"],
    // One tap of two pixels with both channels.
    ".macro LCL_PIXELS a0, a1, b0, b1",
    "mla \\a0, r12, r2, \\a0",
    "mla \\b0, r12, r3, \\b0",
    "mla \\a1, lr, r2, \\a1",
    "mla \\b1, lr, r3, \\b1",
    ".endm",
    ".macro LCL_TAP x, w",
    "ldrsb r2, [r1, #\\w]",
    "ldrsb r3, [r1, #\\w + 4]",
    "ldrb r12, [r0, #\\x]",
    "ldrb lr, [r0, #\\x + 1]",
    "LCL_PIXELS r4, r5, r8, r9",
    "ldrb r12, [r0, #\\x + 2]",
    "ldrb lr, [r0, #\\x + 3]",
    "LCL_PIXELS r6, r7, r10, r11",
    ".endm",
    ".macro LCL_QUAD n",
    "LCL_TAP 16 * \\n, 16 * \\n",
    "LCL_TAP 16 * \\n + 4, 16 * \\n + 1",
    "LCL_TAP 16 * \\n + 8, 16 * \\n + 2",
    "LCL_TAP 16 * \\n + 12, 16 * \\n + 3",
    ".endm",
    ".macro LCL_FIRST_QUAD n",
    "LCL_QUAD 0",
    "add r0, #16 * \\n",
    "add r1, #16 * \\n",
    ".endm",
);
