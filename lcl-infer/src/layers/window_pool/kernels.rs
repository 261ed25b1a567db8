//! The kernels of plain pools.

use core::hint::black_box;

use super::WindowPool;
use crate::kernels::RowWindow;

/// Plain pools, a row of output at a call.
///
/// `window` has the rows with their zeros at both ends, `[1, W + 2 · padding,
/// C]`; `out` is `[1, W_out, C]`.
#[derive(Clone, Copy, Debug)]
pub struct WindowPoolKernels {
    /// The maximum of each window.
    pub max_row: fn(pool: &WindowPool, window: &RowWindow<'_>, channels: usize, out: &mut [u8]),
    /// The average of each window, rounded half up.
    pub average_row: fn(pool: &WindowPool, window: &RowWindow<'_>, channels: usize, out: &mut [u8]),
}

impl WindowPoolKernels {
    /// Those of any machine.
    pub(crate) const PORTABLE: Self = Self { max_row, average_row };
}

fn max_row(pool: &WindowPool, window: &RowWindow<'_>, channels: usize, out: &mut [u8]) {
    each_window(pool, window, channels, out, u32::max, |largest| largest);
}

fn average_row(pool: &WindowPool, window: &RowWindow<'_>, channels: usize, out: &mut [u8]) {
    // At most 225 bytes.
    let count = u32::from(pool.side.get()) * u32::from(pool.side.get());
    let sum = |sum: u32, value: u32| sum.wrapping_add(value);
    each_window(pool, window, channels, out, sum, |sum| (2 * sum + count) / (2 * count).max(1));
}

/// Folds the bytes of each window, channel by channel; rows that are too short
/// have zeros behind their end.
#[inline]
fn each_window(
    pool: &WindowPool,
    window: &RowWindow<'_>,
    channels: usize,
    out: &mut [u8],
    fold: impl Fn(u32, u32) -> u32,
    finish: impl Fn(u32) -> u32,
) {
    let channels = channels.max(1);
    // A number that the compiler does not know: it would take several columns at
    // once, in kilobytes of code for what takes little time.
    let side = black_box(pool.side());
    for (x, pixel) in out.chunks_exact_mut(channels).enumerate() {
        let start = x.saturating_mul(pool.stride()).saturating_mul(channels);
        for (c, out) in pixel.iter_mut().enumerate() {
            let mut folded = 0;
            for row in window.rows() {
                let mut at = start.saturating_add(c);
                for _ in 0..side {
                    let value = row.get(at).copied().unwrap_or_default();
                    folded = fold(folded, value.into());
                    at = at.saturating_add(channels);
                }
            }
            *out = (finish(folded) & 0xff) as u8;
        }
    }
}
