//! A retina on whole frames, in its plainest form.

use super::{Retina, RetinaOutput};
use crate::shape::ImageSize;

/// Computes a retina on a whole frame.
///
/// # Shapes
///
/// `input` is `[1, H, W, C]`, `out` is `[1, H, W, C]` or `[1, H, W, 2 · C]`
/// (NHWC).
///
/// # Panics
///
/// Panics where a slice is shorter than its shape.
pub fn retina_ref(retina: &Retina, size: ImageSize, channels: usize, input: &[u8], out: &mut [u8]) {
    let ImageSize { width, height } = size;
    let out_c = retina.out_c(channels);
    let value =
        |y: usize, x: usize, c: usize| 256 * i64::from(input[(y * width + x) * channels + c]);
    // The divisor is a power of two and the quotient is rounded down.
    let unit = 1_i64 << retina.shift();
    let step = |mean: i64, value: i64| mean + (value - mean + unit / 2).div_euclid(unit);
    // The mean of a column, down to the row.
    let down = |y: usize, x: usize, c: usize| {
        (1..=y).fold(value(0, x, c), |mean, y| step(mean, value(y, x, c)))
    };
    for y in 0..height {
        for x in 0..width {
            for c in 0..channels {
                let right = (1..=x).fold(down(y, 0, c), |mean, x| step(mean, down(y, x, c)));
                let last = down(y, width - 1, c);
                let left = (x..width - 1).rev().fold(last, |mean, x| step(mean, down(y, x, c)));
                let mean = (right + left + 1) / 2;
                let d = mean + i64::from(retina.offset());
                let byte = |part: i64| {
                    let rounded = (2 * i64::from(retina.gain()) * part.max(0) + d) / (2 * d);
                    u8::try_from(rounded.min(255)).expect("it is not negative")
                };
                let at = (y * width + x) * out_c;
                let value = value(y, x, c);
                match retina.output() {
                    RetinaOutput::Adapted => out[at + c] = byte(value),
                    RetinaOutput::OnOff => {
                        out[at + c] = byte(value - mean);
                        out[at + channels + c] = byte(mean - value);
                    }
                }
            }
        }
    }
}
