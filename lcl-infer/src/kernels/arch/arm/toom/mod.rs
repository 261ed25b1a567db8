//! Transforms and their products for Cortex-M cores with the DSP extension.
//!
//! `SMLAD` adds two products of 16 bits, and the tiles of a group and two
//! channels keep their sums in registers. Rows and outputs of the eight points
//! 0, ±1, ±2, ±½ and infinity are assembly too; others, and what lies at the end
//! of a row, go the portable way.

mod outputs;
mod products;
mod values;

use crate::kernels::RowWindow;
use crate::kernels::toom::{
    Group, Machine, Order, Output, Pair, Portable, Sums, ToomConv2d, ToomKernels, channel_groups,
    conv2d_row, rows,
};
use outputs::Outputs;
use products::Products;
use values::Rows;

/// The kernels for the DSP extension.
pub(in crate::kernels::arch) static KERNELS: ToomKernels =
    ToomKernels { name: "arm-dsp", order: Order::Words, conv2d_row: conv2d_row::<Dsp> };

/// Cores with the DSP extension.
enum Dsp {}

/// Output channels together.
const CHANNELS: usize = Order::Words.channels();

impl Machine for Dsp {
    const ORDER: Order = Order::Words;

    fn lay_out(group: Group, window: &RowWindow<'_>, start: usize, data: &mut [Pair]) {
        let Some(transform) = Rows::new(group) else {
            return Portable::lay_out(group, window, start, data);
        };
        for (first, row) in rows(group, window, start) {
            transform.run(row, data.get_mut(first..).unwrap_or_default());
        }
    }

    fn compute(
        group: Group,
        conv: &ToomConv2d<'_>,
        data: &[Pair],
        sums: &mut [Sums],
        out: &mut [u8],
    ) {
        let Some(products) = Products::new(group, data) else {
            return Portable::compute(group, conv, data, sums, out);
        };
        let mut outputs = Outputs::new(group, conv.channels(), out.len());
        let min_shift = conv.channels().min_shift();
        for (weights, words, oc, channels) in channel_groups(conv) {
            products.run(weights, sums);
            outputs.run(sums, Output { words, min_shift, channels, out: &mut *out, oc });
        }
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
