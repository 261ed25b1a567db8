//! Transforms for Cortex-M cores with the DSP extension.
//!
//! `SMLAD` adds two products of 16 bits. Rows and outputs of the eight points 0,
//! ±1, ±2, ±½ and infinity are assembly too; others go the portable way.

mod outputs;
mod products;
mod values;

use super::values::Rows;
use crate::kernels::RowWindow;
use crate::kernels::toom::portable::Portable;
use crate::kernels::toom::row::{Group, Machine, Sums, rows};
use crate::toom::{CHANNELS, Pair, ToomConv2d};
use outputs::OUTPUTS;
use products::CODES;
use values::ROWS;

/// Cores with the DSP extension.
pub(in crate::kernels::arch) enum Dsp {}

impl Machine for Dsp {
    const WORDS: usize = 1;
    const CHANNELS: usize = CHANNELS;
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
        super::compute((&CODES, &OUTPUTS), group, conv, data, sums, out);
    }
}
