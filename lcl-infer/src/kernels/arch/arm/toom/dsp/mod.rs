//! Transforms for Cortex-M cores with the DSP extension.
//!
//! `SMLAD` adds two products of 16 bits. Rows and outputs of the eight points 0,
//! ±1, ±2, ±½ and infinity are assembly too; others go the portable way.

mod outputs;
mod products;
mod values;

use super::outputs::Outputs;
use super::products::Products;
use super::values::Rows;
use crate::kernels::RowWindow;
use crate::kernels::toom::portable::Portable;
use crate::kernels::toom::row::{Group, Machine, Output, Sums, channel_groups, rows};
use crate::kernels::toom::{Order, Pair, ToomConv2d, ToomKernels};
use outputs::OUTPUTS;
use products::CODES;
use values::ROWS;

/// The kernels for the DSP extension.
pub(in crate::kernels::arch) static KERNELS: ToomKernels = ToomKernels::of::<Dsp>("arm-dsp");

/// Cores with the DSP extension.
enum Dsp {}

impl Machine for Dsp {
    const ORDER: Order = Order::Words;
    const MAX_TILES: usize = 3;

    fn tiles(left: usize, most: usize) -> usize {
        super::tiles(left, most)
    }

    fn lay_out(group: Group, window: &RowWindow<'_>, start: usize, data: &mut [Pair]) {
        let Some(transform) = Rows::new(&ROWS, group) else {
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
        let Some(products) = Products::new(&CODES, group, data) else {
            return Portable::compute(group, conv, data, sums, out);
        };
        let mut outputs = Outputs::new(&OUTPUTS, group, conv.channels(), out.len());
        let min_shift = conv.channels().min_shift();
        for (weights, words, oc, channels) in channel_groups(conv) {
            products.run(weights, sums);
            outputs.run(sums, Output { words, min_shift, channels, out: &mut *out, oc });
        }
    }
}
