//! Transforms and their products for Cortex-M: sums of two channels and one to
//! three tiles stay in registers.

pub(in crate::kernels::arch) mod dsp;
mod outputs;
mod products;
mod values;

use crate::kernels::toom::row::{Group, Output, Sums, channel_groups};
use crate::toom::{CHANNELS, Pair, ToomConv2d};

/// Computes the outputs of a group for all channels with a machine's code. It is
/// there for every number of tiles up to three and every even number of pairs,
/// which those of all geometries are.
fn compute(
    (products, outputs): (&[products::Code; 3], &outputs::Code),
    group: Group,
    conv: &ToomConv2d<'_>,
    data: &[Pair],
    sums: &mut [Sums],
    out: &mut [u8],
) {
    let Some(products) = products::Products::new(products, group, data) else { return };
    let mut outputs = outputs::Outputs::new(outputs, group, conv.channels(), out.len());
    let min_shift = conv.channels().min_shift();
    for (weights, words, oc, channels) in channel_groups(conv) {
        products.run(weights, sums);
        outputs.run(sums, Output { words, min_shift, channels, out: &mut *out, oc });
    }
}

/// Returns how many tiles go together of those that are left in a row: two and
/// two take less than three and one.
const fn tiles(left: usize, most: usize) -> usize {
    if left == 4 && most == 3 {
        2
    } else if left < most {
        left
    } else {
        most
    }
}

/// Defines a function of assembly by its name and what it consists of.
macro_rules! define {
    ($name:literal, $($line:expr,)*) => {
        core::arch::global_asm!(
            concat!(".pushsection .text.", $name, ", \"ax\", %progbits"),
            ".syntax unified",
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
