//! The bands of the pyramid, in the frequency domain.

use std::f64::consts::{FRAC_PI_2, PI};

use rustfft::{FftDirection, num_complex::Complex64};

use super::{ORIENTATIONS, SCALES, SUBSAMPLING};
use crate::fourier::Fourier;

/// Factorial of the order, 3, and of twice the order.
const FACTORIALS: [f64; 2] = [6.0, 720.0];

/// The filters for images of one size.
#[derive(Debug)]
pub struct Bands {
    width: usize,
    height: usize,
    /// For each scale `[height, width]`, lowest frequency first.
    radial: Vec<Vec<f64>>,
    /// For each orientation `[height, width]`.
    angular: Vec<Vec<f64>>,
    /// The transform of the image.
    forward: Fourier,
    /// The inverse transform of the subsampled bands.
    inverse: Fourier,
}

impl Bands {
    /// Creates the filters.
    ///
    /// With `l = log2` of the frequency, 0 at half a cycle a pixel, the high
    /// mask is `cos(π l / 2)` for `l` in `[-1, 0]`, 0 below and 1 above; the
    /// low mask is `√(1 - high²)`. Scale `s` is
    /// `low(l) · Π_{j<s} 2 low(l + 1 + j) · high(l + 1 + s)`, where the factor 2
    /// keeps the energy of a subsampled pyramid. Orientation `b` is
    /// `2 √const cos³(θ - π b / 4)` where the cosine is positive,
    /// `const = 2^(2·3) · 3!² / (4 · (2·3)!)`, times `(-i)³`.
    pub fn new(width: usize, height: usize) -> Self {
        let frequencies = frequencies(width, height);
        let radial = (0..SCALES).map(|scale| {
            let mask = |&(x, y): &(f64, f64)| radial(x.hypot(y).log2(), scale);
            frequencies.iter().map(mask).collect()
        });
        let angular = (0..ORIENTATIONS).map(|orientation| {
            let mask = |&(x, y): &(f64, f64)| angular(y.atan2(x), orientation);
            frequencies.iter().map(mask).collect()
        });
        let (radial, angular) = (radial.collect(), angular.collect());
        let forward = Fourier::new([width, height], FftDirection::Forward);
        let kept = [width, height].map(|side| side / SUBSAMPLING);
        let inverse = Fourier::new(kept, FftDirection::Inverse);
        Self { width, height, radial, angular, forward, inverse }
    }

    /// Returns the columns and rows that are kept.
    pub fn subsampled(&self) -> [usize; 2] {
        [self.width, self.height].map(|side| side / SUBSAMPLING)
    }
}

/// The Fourier transform of an image.
#[derive(Debug)]
pub struct Spectrum(Vec<Complex64>);

impl Spectrum {
    /// Transforms the pixels of an image, row by row.
    pub fn new(bands: &Bands, pixels: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<_> = pixels.map(|value| Complex64::new(value, 0.0)).collect();
        bands.forward.transform(&mut values);
        Self(values)
    }

    /// Returns one band at the rows and columns that are kept.
    pub fn band(&self, bands: &Bands, scale: usize, orientation: usize) -> Vec<Complex64> {
        let [w, h] = bands.subsampled();
        let (radial, angular) = (&bands.radial[scale], &bands.angular[orientation]);
        // Frequencies that every fourth pixel cannot tell apart add up, which
        // saves the transform of the pixels that are left out.
        let mut folded = vec![Complex64::new(0.0, 0.0); w * h];
        for (at, value) in self.0.iter().enumerate() {
            let (y, x) = (at / bands.width, at % bands.width);
            folded[y % h * w + x % w] += value * (radial[at] * angular[at]);
        }
        let unit = Complex64::new(0.0, 1.0 / (bands.width * bands.height) as f64);
        for value in &mut folded {
            *value *= unit;
        }
        bands.inverse.transform(&mut folded);
        folded
    }
}

/// Returns the frequencies `(x, y)` of the discrete Fourier transform, 1 at half
/// a cycle a pixel.
fn frequencies(width: usize, height: usize) -> Vec<(f64, f64)> {
    let axis = |side: usize| {
        let signed = move |at: usize| {
            if at < side / 2 { at as f64 } else { at as f64 - side as f64 }
        };
        (0..side).map(move |at| signed(at) / (side as f64 / 2.0))
    };
    axis(height).flat_map(|y| axis(width).map(move |x| (x, y))).collect()
}

fn radial(log_frequency: f64, scale: usize) -> f64 {
    let lower = |octaves: usize| low(log_frequency + octaves as f64);
    let passed: f64 = (1..=scale).map(|octaves| 2.0 * lower(octaves)).product();
    lower(0) * passed * high(log_frequency + 1.0 + scale as f64)
}

fn high(log_frequency: f64) -> f64 {
    (FRAC_PI_2 * log_frequency.clamp(-1.0, 0.0)).cos()
}

fn low(log_frequency: f64) -> f64 {
    // √(1 - cos²) without the loss of digits.
    (FRAC_PI_2 * log_frequency.clamp(-1.0, 0.0)).sin().abs()
}

fn angular(angle: f64, orientation: usize) -> f64 {
    let [once, twice] = FACTORIALS;
    let constant = 64.0 * once * once / (ORIENTATIONS as f64 * twice);
    let cosine = (angle - PI * orientation as f64 / ORIENTATIONS as f64).cos();
    2.0 * constant.sqrt() * cosine.max(0.0).powi(3)
}
