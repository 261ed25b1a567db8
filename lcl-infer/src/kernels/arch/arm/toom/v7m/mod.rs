//! Transforms for Cortex-M cores without the DSP extension.
//!
//! Values are multiplied one by one, so that each takes a word of scratch, which
//! `LDM` loads by the four; weights are those of the other cores.

mod outputs;
mod products;
mod values;

use super::values::Rows;
use crate::kernels::RowWindow;
use crate::kernels::toom::portable::transform_tile;
use crate::kernels::toom::row::{Group, Machine, Sums, rows};
use crate::toom::{CHANNELS, Pair, ToomConv2d, pair_of};
use outputs::OUTPUTS;
use products::CODES;
use values::ROWS;

/// Cores without it.
pub(in crate::kernels::arch) enum V7m {}

impl Machine for V7m {
    const WORDS: usize = 2;
    const CHANNELS: usize = CHANNELS;
    const MAX_TILES: usize = 3;

    fn tiles(left: usize, most: usize) -> usize {
        super::tiles(left, most)
    }

    fn lay_out(group: Group, window: &RowWindow<'_>, start: usize, data: &mut [Pair]) {
        if let Some(transform) = Rows::new(&ROWS, group) {
            for (first, row) in rows(group, window, start) {
                transform.run(row, data.get_mut(2 * first..).unwrap_or_default());
            }
            return;
        }
        let Ok(data): Result<&mut [i32], _> = bytemuck::try_cast_slice_mut(data) else {
            return;
        };
        let Group { geometry, tiles } = group;
        let point_len = 2 * geometry.pairs() * tiles;
        for (first, row) in rows(group, window, start) {
            let data = data.get_mut(2 * first..).unwrap_or_default();
            for tile in 0..tiles {
                transform_tile(group, row, tile, |value, points| {
                    let (pair, half) = pair_of(value);
                    let mut at = (2 * pair + half) * tiles + tile;
                    for &point in points {
                        if let Some(place) = data.get_mut(at) {
                            *place = point.into();
                        }
                        at += point_len;
                    }
                });
            }
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
