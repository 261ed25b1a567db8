//! Pooling in loops over channels that a compiler turns into vectors.
//!
//! Each function is inlined into its callers, so that it is compiled for the
//! instruction set that each of them is allowed.
#![expect(clippy::inline_always, reason = "compiled for what each caller is allowed")]

use crate::arithmetic::round_blur;
use crate::kernels::PoolStep;
use crate::shape::{MAX_CHANNELS, POOL_STRIDE};

/// What lies outside of the map.
static OUTSIDE: [u8; MAX_CHANNELS] = [0; MAX_CHANNELS];

/// The pixels of a row `[1, W, C]`.
#[derive(Clone, Copy)]
struct Pixels<'a> {
    row: &'a [u8],
    outside: &'a [u8],
}

impl<'a> Pixels<'a> {
    #[inline(always)]
    fn new(row: &'a [u8], channels: usize) -> Option<Self> {
        Some(Self { row, outside: OUTSIDE.get(..channels).filter(|pixel| !pixel.is_empty())? })
    }

    /// Returns the channels of pixel `x`, or zeros outside of the row.
    #[inline(always)]
    fn at(&self, x: Option<usize>) -> &'a [u8] {
        let channels = self.outside.len();
        x.and_then(|x| self.row.get(x * channels..(x + 1) * channels)).unwrap_or(self.outside)
    }

    /// Returns three neighbouring pixels, the middle one at `x`.
    #[inline(always)]
    fn around(&self, x: usize) -> [&'a [u8]; 3] {
        [self.at(x.checked_sub(1)), self.at(Some(x)), self.at(Some(x + 1))]
    }

    /// Returns 1 for a pixel in the row and 0 for one outside.
    #[inline(always)]
    fn has(&self, x: Option<usize>) -> u16 {
        u16::from(x.is_some_and(|x| (x + 1) * self.outside.len() <= self.row.len()))
    }
}

/// `row = max(row, other)`, byte by byte.
#[inline(always)]
pub(super) fn max_rows(row: &mut [u8], other: &[u8]) {
    for (value, &other) in row.iter_mut().zip(other) {
        *value = (*value).max(other);
    }
}

/// As [`crate::kernels::PoolKernels::max_blur_row`].
#[inline(always)]
pub(super) fn max_blur_row(row: &[u8], channels: usize, sum: &mut [u16], step: PoolStep<'_>) {
    let Some(pixels) = Pixels::new(row, channels) else {
        return;
    };
    let blurred = |ox: usize| {
        let x = ox * POOL_STRIDE;
        let [left, middle, right] = pixels.around(x);
        let (before, after) = (pixels.at(x.checked_sub(2)), pixels.at(Some(x + 2)));
        // A maximum counts where its middle pixel is in the row.
        let weights = [pixels.has(x.checked_sub(1)), pixels.has(Some(x + 1))];
        let columns = before.iter().zip(left).zip(middle).zip(right).zip(after);
        columns.map(move |((((&before, &left), &middle), &right), &after)| {
            let first = u16::from(before.max(left).max(middle));
            let second = u16::from(left.max(middle).max(right));
            let third = u16::from(middle.max(right).max(after));
            weights[0] * first + 2 * second + weights[1] * third
        })
    };
    let sums = sum.chunks_exact_mut(channels).enumerate();
    match step {
        PoolStep::Middle => {
            for (ox, sums) in sums {
                for (sum, blurred) in sums.iter_mut().zip(blurred(ox)) {
                    *sum = sum.wrapping_add(2 * blurred);
                }
            }
        }
        PoolStep::Edge(out) => {
            for ((ox, sums), out) in sums.zip(out.chunks_exact_mut(channels)) {
                for ((sum, out), blurred) in sums.iter_mut().zip(out).zip(blurred(ox)) {
                    *out = round_blur(sum.wrapping_add(blurred));
                    *sum = blurred;
                }
            }
        }
    }
}

/// As [`crate::kernels::PoolKernels::blur_max_row`].
#[inline(always)]
pub(super) fn blur_max_row(
    rows: [&[u8]; 3],
    channels: usize,
    largest: &mut [u16],
    step: PoolStep<'_>,
) {
    let [Some(above), Some(row), Some(below)] = rows.map(|row| Pixels::new(row, channels)) else {
        return;
    };
    each_window(largest, channels, step, |ox, window| {
        let x = ox * POOL_STRIDE;
        for column in [x.checked_sub(1), Some(x), Some(x + 1)] {
            let Some(x) = column.filter(|&x| row.has(Some(x)) == 1) else {
                continue;
            };
            let rows = [above.around(x), row.around(x), below.around(x)];
            let [above, row, below] = rows.map(|[left, middle, right]| {
                left.iter().zip(middle).zip(right).map(|((&left, &middle), &right)| {
                    u16::from(left) + 2 * u16::from(middle) + u16::from(right)
                })
            });
            for (((value, above), row), below) in window.iter_mut().zip(above).zip(row).zip(below) {
                *value = (*value).max(round_blur(above + 2 * row + below));
            }
        }
    });
}

/// As [`crate::kernels::PoolKernels::max_row`].
#[inline(always)]
pub(super) fn max_row(row: &[u8], channels: usize, largest: &mut [u16], step: PoolStep<'_>) {
    let Some(pixels) = Pixels::new(row, channels) else {
        return;
    };
    each_window(largest, channels, step, |ox, window| {
        for column in pixels.around(ox * POOL_STRIDE) {
            max_rows(window, column);
        }
    });
}

/// Folds the maximum over each window of columns, which `fold` takes into a
/// pixel of zeros, into a pooled row.
#[inline(always)]
fn each_window(
    largest: &mut [u16],
    channels: usize,
    step: PoolStep<'_>,
    fold: impl Fn(usize, &mut [u8]),
) {
    let mut window = [0; MAX_CHANNELS];
    let Some(window) = window.get_mut(..channels) else {
        return;
    };
    let pixels = largest.chunks_exact_mut(channels).enumerate();
    match step {
        PoolStep::Middle => {
            for (ox, pixel) in pixels {
                window.fill(0);
                fold(ox, window);
                for (value, &window) in pixel.iter_mut().zip(&*window) {
                    *value = (*value).max(window.into());
                }
            }
        }
        PoolStep::Edge(out) => {
            for ((ox, pixel), out) in pixels.zip(out.chunks_exact_mut(channels)) {
                window.fill(0);
                fold(ox, window);
                for ((value, out), &window) in pixel.iter_mut().zip(out).zip(&*window) {
                    // A maximum of bytes.
                    *out = window.max((*value & 0xff) as u8);
                    *value = window.into();
                }
            }
        }
    }
}
