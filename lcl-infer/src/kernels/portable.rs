//! The kernels in portable Rust: plain loops over rows, no scratch.

use super::{Kernels, PoolStep, RowWindow};
use crate::arithmetic::round_blur;
use crate::parameters::Conv2d;
use crate::shape::POOL_STRIDE;

/// The portable kernels.
pub static KERNELS: Kernels =
    Kernels { name: "portable", conv2d_row, max_rows, max_blur_row, blur_max_row, max_row };

fn conv2d_row(conv: &Conv2d<'_>, window: &RowWindow<'_>, out: &mut [u8]) {
    let geometry = conv.geometry();
    let run = geometry.weights_per_row();
    let step = geometry.stride() * geometry.in_c();
    for (x, pixel) in out.chunks_exact_mut(geometry.out_c()).enumerate() {
        let filters = conv.weights().chunks_exact(geometry.weights_per_channel());
        for ((channel, filter), value) in conv.channels().iter().zip(filters).zip(pixel) {
            let mut acc = channel.bias;
            for (row, weights) in window.rows().iter().zip(filter.chunks_exact(run)) {
                acc += dot(weights, row.get(x * step..).unwrap_or_default());
            }
            *value = channel.requant.requantise(acc);
        }
    }
}

/// Returns the sum of products, which [`Blob::open`](crate::Blob::open) has
/// shown to fit, whatever the values.
#[inline]
fn dot(weights: &[i8], values: &[u8]) -> i32 {
    weights.iter().zip(values).map(|(&weight, &value)| i32::from(weight) * i32::from(value)).sum()
}

fn max_rows(row: &mut [u8], other: &[u8]) {
    for (value, &other) in row.iter_mut().zip(other) {
        *value = (*value).max(other);
    }
}

fn max_blur_row(row: &[u8], channels: usize, sum: &mut [u16], step: PoolStep<'_>) {
    let width = row.len() / channels.max(1);
    // The maximum over columns, or zero outside of the map.
    let maximum = |x: usize, c: usize| {
        if x >= width {
            return 0;
        }
        let columns = [x.wrapping_sub(1), x, x + 1];
        u16::from(columns.into_iter().map(|x| at(row, width, channels, x, c)).fold(0, u8::max))
    };
    let blurred = |ox: usize, c: usize| {
        let x = ox * POOL_STRIDE;
        let left = if x == 0 { 0 } else { maximum(x - 1, c) };
        left + 2 * maximum(x, c) + maximum(x + 1, c)
    };
    match step {
        PoolStep::Middle => each(sum, channels, |ox, c, sum| *sum += 2 * blurred(ox, c)),
        PoolStep::Edge(out) => {
            let mut out = out.iter_mut();
            each(sum, channels, |ox, c, sum| {
                let blurred = blurred(ox, c);
                if let Some(out) = out.next() {
                    *out = round_blur(*sum + blurred);
                }
                *sum = blurred;
            });
        }
    }
}

fn blur_max_row(rows: [&[u8]; 3], channels: usize, largest: &mut [u16], step: PoolStep<'_>) {
    let width = rows[1].len() / channels.max(1);
    let blurred = |x: usize, c: usize| {
        if x >= width {
            return 0;
        }
        let sum = rows.iter().zip([1, 2, 1]).map(|(row, weight)| {
            let left = u16::from(at(row, width, channels, x.wrapping_sub(1), c));
            let right = u16::from(at(row, width, channels, x + 1, c));
            weight * (left + 2 * u16::from(at(row, width, channels, x, c)) + right)
        });
        round_blur(sum.sum())
    };
    fold_maximum(channels, largest, step, blurred);
}

fn max_row(row: &[u8], channels: usize, largest: &mut [u16], step: PoolStep<'_>) {
    let width = row.len() / channels.max(1);
    fold_maximum(channels, largest, step, |x, c| at(row, width, channels, x, c));
}

/// Folds the maximum over three columns of `value(x, c)` into a pooled row.
///
/// A column outside of the map is 0, which no byte is below.
fn fold_maximum(
    channels: usize,
    largest: &mut [u16],
    step: PoolStep<'_>,
    value: impl Fn(usize, usize) -> u8,
) {
    let column = |ox: usize, c: usize| {
        let x = ox * POOL_STRIDE;
        value(x.wrapping_sub(1), c).max(value(x, c)).max(value(x + 1, c))
    };
    match step {
        PoolStep::Middle => {
            each(largest, channels, |ox, c, value| {
                *value = (*value).max(column(ox, c).into());
            });
        }
        PoolStep::Edge(out) => {
            let mut out = out.iter_mut();
            each(largest, channels, |ox, c, value| {
                let column = column(ox, c);
                if let Some(out) = out.next() {
                    *out = column.max(u8::try_from(*value).unwrap_or(u8::MAX));
                }
                *value = column.into();
            });
        }
    }
}

/// Visits each value of a row `[1, W, C]` with its column and channel.
fn each(row: &mut [u16], channels: usize, mut visit: impl FnMut(usize, usize, &mut u16)) {
    for (x, pixel) in row.chunks_exact_mut(channels.max(1)).enumerate() {
        for (c, value) in pixel.iter_mut().enumerate() {
            visit(x, c, value);
        }
    }
}

/// Returns a value of a row `[1, W, C]`, or 0 for a column outside of it.
#[inline]
fn at(row: &[u8], width: usize, channels: usize, x: usize, c: usize) -> u8 {
    if x < width { row.get(x * channels + c).copied().unwrap_or_default() } else { 0 }
}
