//! Transforms and their products for Cortex-M cores with the DSP extension.
//!
//! `SMLAD` adds two products of 16 bits, and the tiles of a group and two
//! channels keep their sums in registers. Rows and outputs of the eight points
//! 0, ±1, ±2, ±½ and infinity are assembly too; others, and what lies at the end
//! of a row, go the portable way.

mod outputs;
mod products;
mod rows;

use crate::kernels::toom::{Group, Machine, Output, Pair, Portable, Sums, ToomKernels, conv2d_row};

/// The kernels for the DSP extension.
pub(in crate::kernels::arch) static KERNELS: ToomKernels =
    ToomKernels { name: "arm-dsp", conv2d_row: conv2d_row::<Dsp> };

/// Cores with the DSP extension.
enum Dsp {}

impl Machine for Dsp {
    fn transform_row(group: Group, row: &[u8], data: &mut [Pair]) {
        rows::transform_row(group, row, data);
    }

    fn products(group: Group, data: &[Pair], weights: &[Pair], sums: &mut [Sums]) {
        if !products::products(group, data, weights, sums) {
            Portable::products(group, data, weights, sums);
        }
    }

    fn finish(group: Group, sums: &[Sums], output: Output<'_>) {
        outputs::finish(group, sums, output);
    }
}

/// Defines a function of assembly by its name and what it consists of.
macro_rules! define {
    ($name:literal, $($line:expr,)*) => {
        core::arch::global_asm!(
            concat!(".pushsection .text.", $name, ", \"ax\", %progbits"),
            ".syntax unified",
            // Assembly outside of functions is not told which core
            // `-Ctarget-cpu` names.
            ".cpu cortex-m33",
            concat!(".global ", $name, "_", env!("LCL_INFER_BUILD")),
            concat!(".type ", $name, "_", env!("LCL_INFER_BUILD"), ", %function"),
            ".thumb_func",
            ".p2align 2",
            concat!($name, "_", env!("LCL_INFER_BUILD"), ":"),
            $($line,)*
            concat!(
                ".size ", $name, "_", env!("LCL_INFER_BUILD"), ", . - ",
                $name, "_", env!("LCL_INFER_BUILD")
            ),
            ".popsection",
        );
    };
}

use define;
