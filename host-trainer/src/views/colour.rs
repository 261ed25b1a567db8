//! Brightness, contrast, grey and noise on RGB values in `[0, 1]`.
//!
//! Pixels are `[H, W, 3]`. The definitions are torchvision's, where an
//! adjustment blends the image with another one and clamps to `[0, 1]`.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Luma of red, green and blue (ITU-R BT.601).
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// Multiplies by `factor`, that is blends with black.
pub fn adjust_brightness(pixels: &mut [f32], factor: f32) {
    blend(pixels, 0.0, factor);
}

/// Scales the distance to the mean of the grey image by `factor`.
pub fn adjust_contrast(pixels: &mut [f32], factor: f32) {
    let count = (pixels.len() / 3).max(1) as f64;
    let sum: f64 = pixels.chunks_exact(3).map(|pixel| f64::from(luma(pixel))).sum();
    #[allow(clippy::cast_possible_truncation, reason = "the mean of 32-bit values")]
    let mean = (sum / count) as f32;
    blend(pixels, mean, factor);
}

/// Gives the three channels the pixel's luma.
pub fn to_grey(pixels: &mut [f32]) {
    for pixel in pixels.chunks_exact_mut(3) {
        let grey = luma(pixel);
        pixel.fill(grey);
    }
}

/// Adds Gaussian noise of that standard deviation, independent in every value.
pub fn add_noise(pixels: &mut [f32], deviation: f32, rng: &mut ChaCha8Rng) {
    for value in pixels {
        let normal: f32 = StandardNormal.sample(rng);
        *value += deviation * normal;
    }
}

fn luma(pixel: &[f32]) -> f32 {
    LUMA[0] * pixel[0] + LUMA[1] * pixel[1] + LUMA[2] * pixel[2]
}

fn blend(pixels: &mut [f32], other: f32, factor: f32) {
    for value in pixels {
        *value = (factor * *value + (1.0 - factor) * other).clamp(0.0, 1.0);
    }
}
