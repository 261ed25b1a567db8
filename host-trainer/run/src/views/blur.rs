//! Gaussian blur of RGB values, as Pillow approximates it.

#![allow(clippy::inline_always, reason = "what is not inlined is not compiled for vectors")]

/// Times that a row or column is filtered.
const PASSES: u8 = 3;

/// Channels of a pixel.
const CHANNELS: usize = 3;

/// Three passes of a box filter along the rows, then three along the columns;
/// beyond the border is its last pixel.
///
/// The box has `2 l + 1` samples of weight 1 and two of weight `a` at its ends,
/// all divided by their sum, with `l` and `a` such that three passes have the
/// variance σ². Source: Gwosdek, Grewenig, Bruhn and Weickert, 2011,
/// "Theoretical foundations of Gaussian convolution by extended box filtering",
/// doi:10.1007/978-3-642-24785-9_38, which is what Pillow's `GaussianBlur` does
/// on bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Blur {
    /// Weights of the box, `2 l + 3`.
    weights: Vec<f32>,
}

impl Blur {
    /// Creates the blur of standard deviation `sigma`, in pixels.
    #[must_use]
    pub fn new(sigma: f32) -> Self {
        let variance = f64::from(sigma).powi(2) / f64::from(PASSES);
        // The longest box of whole samples whose variance, l (l + 1) / 3, is not
        // larger.
        let whole = (((12.0 * variance + 1.0).sqrt() - 1.0) / 2.0).floor();
        let samples = 2.0 * whole + 1.0;
        let missing = samples * (variance - whole * (whole + 1.0) / 3.0);
        let end = missing / (2.0 * ((whole + 1.0).powi(2) - variance));
        let sum = samples + 2.0 * end;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "some pixels, and weights in 0 to 1"
        )]
        let (count, weight, end) = (samples as usize, (1.0 / sum) as f32, (end / sum) as f32);
        let mut weights = vec![weight; count + 2];
        (weights[0], weights[count + 1]) = (end, end);
        Self { weights }
    }

    /// Blurs an image, `[side, side, 3]`.
    #[inline(always)]
    pub fn apply(&self, pixels: &mut [f32]) {
        let side = (pixels.len() / CHANNELS).isqrt();
        let row_len = CHANNELS * side;
        let reach = self.weights.len() / 2;
        let mut extended = vec![0.0; row_len + 2 * CHANNELS * reach];
        for row in pixels.chunks_exact_mut(row_len) {
            for _ in 0..PASSES {
                let (left, rest) = extended.split_at_mut(CHANNELS * reach);
                let (middle, right) = rest.split_at_mut(row_len);
                middle.copy_from_slice(row);
                repeat(&row[..CHANNELS], left);
                repeat(&row[row_len - CHANNELS..], right);
                row.fill(0.0);
                for (weight, shifted) in self.weights.iter().zip(0..) {
                    add(row, *weight, &extended[CHANNELS * shifted..]);
                }
            }
        }
        let mut before = vec![0.0; pixels.len()];
        for _ in 0..PASSES {
            before.copy_from_slice(pixels);
            for (y, row) in pixels.chunks_exact_mut(row_len).enumerate() {
                row.fill(0.0);
                for (weight, shifted) in self.weights.iter().zip(y..) {
                    let y = shifted.saturating_sub(reach).min(side - 1);
                    add(row, *weight, &before[y * row_len..]);
                }
            }
        }
    }
}

#[inline(always)]
fn add(row: &mut [f32], weight: f32, other: &[f32]) {
    for (value, other) in row.iter_mut().zip(other) {
        *value += weight * other;
    }
}

fn repeat(pixel: &[f32], pixels: &mut [f32]) {
    for place in pixels.chunks_exact_mut(CHANNELS) {
        place.copy_from_slice(pixel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sides of the test image.
    const SIDE: usize = 8;

    /// Rounding of 32-bit sums of values up to 1.
    const CLOSE: f32 = 1e-5;

    /// Pillow rounds to bytes after each of six passes, half a byte each.
    const PILLOW: f32 = 3.0;

    fn image() -> Vec<f32> {
        let byte = |y: usize, x: usize, c: usize| (x * x * 37 + y * 91 + c * 53 + x * y * 11) % 256;
        let pixels = (0..SIDE * SIDE * 3).map(|at| byte(at / (3 * SIDE), at / 3 % SIDE, at % 3));
        pixels.map(|byte| byte as f32).collect()
    }

    #[test]
    fn is_that_of_pillow() {
        // Rows 0 and 4, made by benches/augmentation_values.py.
        let expected: [(f32, [[u8; 3 * SIDE]; 2]); 4] = [
            (
                0.1,
                [
                    [
                        0, 53, 106, 37, 90, 143, 148, 201, 254, 77, 130, 183, 80, 133, 186, 157,
                        210, 10, 52, 105, 158, 21, 74, 127,
                    ],
                    [
                        108, 161, 214, 189, 242, 42, 88, 141, 194, 61, 114, 167, 108, 161, 214,
                        229, 29, 79, 168, 221, 18, 181, 234, 31,
                    ],
                ],
            ),
            (
                0.6,
                [
                    [
                        21, 74, 124, 59, 110, 162, 110, 163, 211, 100, 148, 172, 106, 132, 149,
                        124, 167, 67, 80, 106, 124, 52, 100, 119,
                    ],
                    [
                        115, 167, 160, 142, 187, 104, 124, 152, 144, 108, 145, 140, 144, 120, 161,
                        174, 91, 115, 141, 167, 67, 142, 193, 68,
                    ],
                ],
            ),
            (
                1.0,
                [
                    [
                        54, 103, 145, 74, 120, 165, 97, 142, 176, 111, 145, 157, 117, 136, 128,
                        115, 133, 103, 100, 118, 106, 85, 116, 110,
                    ],
                    [
                        116, 161, 131, 126, 159, 125, 136, 154, 123, 141, 144, 125, 149, 123, 133,
                        142, 119, 127, 121, 136, 111, 110, 151, 104,
                    ],
                ],
            ),
            (
                2.0,
                [
                    [
                        91, 125, 145, 97, 129, 146, 105, 132, 145, 112, 134, 141, 114, 134, 133,
                        112, 132, 125, 107, 131, 120, 103, 129, 117,
                    ],
                    [
                        123, 150, 132, 126, 148, 130, 129, 144, 128, 131, 140, 126, 128, 137, 124,
                        124, 135, 122, 119, 135, 120, 115, 136, 118,
                    ],
                ],
            ),
        ];
        for (sigma, rows) in expected {
            let mut blurred = image();
            Blur::new(sigma).apply(&mut blurred);
            for (y, row) in [0, 4].into_iter().zip(rows) {
                for (got, expected) in blurred[y * 3 * SIDE..].iter().zip(row) {
                    let error = (got - f32::from(expected)).abs();
                    assert!(error <= PILLOW, "{sigma}: {got}, {expected}");
                }
            }
        }
    }

    #[test]
    fn a_point_spreads_by_the_variance() {
        const WIDE: usize = 41;
        for sigma in [0.1_f32, 0.7, 1.0, 2.0, 3.3] {
            let mut point = vec![0.0; WIDE * WIDE * 3];
            let middle = WIDE / 2;
            point[(middle * WIDE + middle) * 3] = 1.0;
            Blur::new(sigma).apply(&mut point);
            let mut moments = [0.0_f32; 3];
            for (at, value) in point.iter().step_by(3).enumerate() {
                let offset = |place: usize| place as f32 - middle as f32;
                let (x, y) = (offset(at % WIDE), offset(at / WIDE));
                for (moment, weight) in moments.iter_mut().zip([1.0, x * x, y * y]) {
                    *moment += weight * value;
                }
            }
            for (got, expected) in moments.into_iter().zip([1.0, sigma.powi(2), sigma.powi(2)]) {
                assert!((got - expected).abs() < CLOSE * expected.max(1.0), "{sigma} {moments:?}");
            }
            assert!(point.iter().skip(1).step_by(3).all(|&green| green == 0.0));
        }
    }

    #[test]
    fn what_is_flat_stays_flat() {
        let mut flat = [0.25, 0.5, 1.0].repeat(SIDE * SIDE);
        Blur::new(2.0).apply(&mut flat);
        for pixel in flat.chunks_exact(3) {
            for (got, expected) in pixel.iter().zip([0.25, 0.5, 1.0]) {
                assert!((got - expected).abs() < CLOSE, "{pixel:?}");
            }
        }
    }
}
