//! The integer contract in its plainest form, on whole frames.
//!
//! These loop nests are what every kernel and the streaming engine are tested
//! against. They read like the contract and are never optimised.

use crate::arithmetic::round_blur;
pub use crate::layers::dense::dense_ref;
pub use crate::layers::norm::norm_ref;
pub use crate::layers::opponent::opponent_ref;
pub use crate::layers::readout::{elu_plus_one, readout_ref};
pub use crate::layers::resample::resample_ref;
pub use crate::layers::retina::retina_ref;
pub use crate::layers::window_pool::window_pool_ref;
use crate::parameters::{Convolution, Operation};
use crate::shape::{Border, ImageSize, PoolOrder, pooled_side, reflect};

/// Computes one layer of a whole frame.
///
/// # Shapes
///
/// `input` is `[1, H, W, channels]`, `out` is its output (NHWC).
///
/// # Panics
///
/// Panics where a slice is shorter than its shape.
pub fn layer_ref(
    operation: &Operation<'_>,
    size: ImageSize,
    channels: usize,
    input: &[u8],
    out: &mut [u8],
) {
    match operation {
        Operation::Conv(parameters) => conv2d_ref(parameters.conv, size, input, out),
        Operation::Pool(order) => pool_ref(*order, size, channels, input, out),
        Operation::WindowPool(pool) => window_pool_ref(pool, size, channels, input, out),
        Operation::Dense(parameters) => {
            dense_ref(&parameters.dense, size.width * size.height, input, out);
        }
        Operation::Norm(parameters) => norm_ref(&parameters.norm, size, input, out),
        Operation::Resample(table) => resample_ref(table, channels, input, out),
        Operation::Retina(retina) => retina_ref(retina, size, channels, input, out),
        Operation::Opponent(retina) => opponent_ref(retina, size, input, out),
        Operation::Readout(parameters) => readout_ref(&parameters.readout, size, input, out),
    }
}

/// Computes a convolution with requantisation of a whole frame.
///
/// # Shapes
///
/// `input` is `[1, H, W, in_c]`, `out` is `[1, out(H), out(W), out_c]` (NHWC).
///
/// # Panics
///
/// Panics where a slice is shorter than its shape.
pub fn conv2d_ref<'a>(
    conv: impl Into<Convolution<'a>>,
    size: ImageSize,
    input: &[u8],
    out: &mut [u8],
) {
    let conv = conv.into();
    let geometry = conv.geometry();
    let (in_c, out_c, kernel) = (geometry.in_c(), geometry.out_c(), geometry.kernel());
    let (stride, padding) = (geometry.stride(), geometry.padding());
    let out_w = geometry.out_side(size.width);
    let outside = |padded: usize, side: usize| match geometry.border() {
        Border::Reflect => Some(reflect(padded, padding, side)),
        Border::Zero => padded.checked_sub(padding).filter(|coordinate| *coordinate < side),
    };
    for y in 0..geometry.out_side(size.height) {
        for x in 0..out_w {
            for (oc, channel) in conv.channels().iter().enumerate() {
                let mut acc = channel.bias;
                let mut filter = conv.filter(oc);
                for ky in 0..kernel {
                    for kx in 0..kernel {
                        for c in 0..in_c {
                            let row = outside(y * stride + ky, size.height);
                            let column = outside(x * stride + kx, size.width);
                            let value = row.zip(column).map_or(0, |(row, column)| {
                                input[(row * size.width + column) * in_c + c]
                            });
                            let weight = filter.next().expect("as many weights as taps");
                            acc += i32::from(weight) * i32::from(value);
                        }
                    }
                }
                out[(y * out_w + x) * out_c + oc] = channel.requant.requantise(acc);
            }
        }
    }
}

/// Computes the pooling of a whole frame.
///
/// # Shapes
///
/// `input` is `[1, H, W, C]`, `out` is `[1, pooled(H), pooled(W), C]` (NHWC).
///
/// # Panics
///
/// Panics where a slice is shorter than its shape.
pub fn pool_ref(order: PoolOrder, size: ImageSize, channels: usize, input: &[u8], out: &mut [u8]) {
    let value = |y: usize, x: usize, c: usize| {
        let inside = y < size.height && x < size.width;
        inside.then(|| input[(y * size.width + x) * channels + c])
    };
    let maximum = |y: usize, x: usize, c: usize| {
        value(y, x, c)?;
        Some(largest(y, x, |y, x| value(y, x, c)))
    };
    let blurred = |y: usize, x: usize, c: usize| {
        value(y, x, c)?;
        Some(blur(y, x, |y, x| value(y, x, c)))
    };
    let out_w = pooled_side(size.width);
    for y in 0..pooled_side(size.height) {
        for x in 0..out_w {
            for c in 0..channels {
                out[(y * out_w + x) * channels + c] = match order {
                    PoolOrder::MaxBlur => blur(2 * y, 2 * x, |y, x| maximum(y, x, c)),
                    PoolOrder::BlurMax => largest(2 * y, 2 * x, |y, x| blurred(y, x, c)),
                    PoolOrder::Max => largest(2 * y, 2 * x, |y, x| value(y, x, c)),
                };
            }
        }
    }
}

/// Returns the largest of the values that exist in the 3×3 window around a
/// pixel.
fn largest(y: usize, x: usize, value: impl Fn(usize, usize) -> Option<u8>) -> u8 {
    let mut largest = 0;
    for dy in 0..3 {
        for dx in 0..3 {
            let value = value((y + dy).wrapping_sub(1), (x + dx).wrapping_sub(1));
            largest = largest.max(value.unwrap_or(0));
        }
    }
    largest
}

/// Returns the binomial blur around a pixel, with zeros where no value exists.
fn blur(y: usize, x: usize, value: impl Fn(usize, usize) -> Option<u8>) -> u8 {
    let mut weighted_sum = 0;
    for (dy, row_tap) in [1, 2, 1].into_iter().enumerate() {
        for (dx, column_tap) in [1, 2, 1].into_iter().enumerate() {
            let value = value((y + dy).wrapping_sub(1), (x + dx).wrapping_sub(1));
            weighted_sum += row_tap * column_tap * u16::from(value.unwrap_or(0));
        }
    }
    round_blur(weighted_sum)
}
