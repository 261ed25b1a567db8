//! Kernels for cores with Helium, the M-profile vector extension, in its
//! integer form: Cortex-M52, M55, M85.
//!
//! The inner loops of the convolution and of the published order of pooling are
//! assembly; the rest is written so that the compiler makes vectors of it.
//!
//! The coprocessors 10 and 11, which hold the vectors, must be on.
//! `cortex-m-rt` turns them on for targets whose name ends in `eabihf`.

mod conv;
mod pool;

use crate::kernels::{ConvKernels, Kernels, PoolKernels, portable};

pub(super) use conv::scratch_len;

/// The kernels for Helium.
pub(super) static KERNELS: Kernels = Kernels {
    name: "helium",
    conv: ConvKernels { conv2d_row: conv::conv2d_row, ..portable::KERNELS.conv },
    pool: PoolKernels {
        max_rows: pool::max_rows,
        max_blur_row: pool::max_blur_row,
        blur_max_row: pool::blur_max_row,
        max_row: pool::max_row,
    },
    ..portable::KERNELS
};
