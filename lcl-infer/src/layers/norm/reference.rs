//! Divisive normalisation on whole frames, in its plainest form.

use super::Norm;
use crate::shape::{Border, ImageSize, reflect};

/// Computes a divisive normalisation of a whole frame.
///
/// `y[i] = round(x[i] · multiplier[i] / (bias[i] + Σ weight[i] · x))`, half up,
/// at most 255.
///
/// # Shapes
///
/// `input` and `out` are `[1, H, W, C]` (NHWC).
///
/// # Panics
///
/// Panics where a slice is shorter than its shape.
pub fn norm_ref(norm: &Norm<'_>, size: ImageSize, input: &[u8], out: &mut [u8]) {
    let geometry = norm.geometry();
    let (channels, kernel) = (geometry.channels(), geometry.kernel());
    let padding = kernel / 2;
    let inside = |padded: usize, side: usize| match geometry.border() {
        Border::Reflect => Some(reflect(padded, padding, side)),
        Border::Zero => padded.checked_sub(padding).filter(|coordinate| *coordinate < side),
    };
    for y in 0..size.height {
        for x in 0..size.width {
            for (c, channel) in norm.channels().enumerate() {
                let mut denominator = i64::from(channel.bias);
                let mut filter = norm.filter(c);
                for ky in 0..kernel {
                    for kx in 0..kernel {
                        for other in 0..channels {
                            let row = inside(y + ky, size.height);
                            let column = inside(x + kx, size.width);
                            let value = row.zip(column).map_or(0, |(row, column)| {
                                input[(row * size.width + column) * channels + other]
                            });
                            let weight = filter.next().expect("as many weights as taps");
                            denominator += i64::from(weight) * i64::from(value);
                        }
                    }
                }
                let at = (y * size.width + x) * channels + c;
                let dividend = i64::from(input[at]) * i64::from(channel.multiplier);
                let rounded = (2 * dividend + denominator).div_euclid(2 * denominator);
                out[at] = u8::try_from(rounded.min(255)).expect("a quotient of what is positive");
            }
        }
    }
}
