//! Noise with the amplitude spectrum of an image.

use image::{Rgb, RgbImage};
use rand::Rng;
use rand_distr::StandardNormal;
use rustfft::{FftDirection, num_complex::Complex64};

use crate::fourier::Fourier;
use lcl_artefacts::random::{Purpose, stream};
use lcl_numerics::statistics::{mean, pearson, standard_deviation};

/// Noise, and how well it matches its image.
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseNoise {
    /// The noise.
    pub image: RgbImage,
    /// Share of values that were outside of 0 to 255 and were clipped.
    pub clipped: f64,
    /// Pearson's correlation of `ln(1 + |F| / √N)` between image and noise, over
    /// all frequencies but 0; nothing where the image is uniform.
    pub spectrum_correlation: Option<f64>,
    /// How far the mean is from the image's, in bytes.
    pub mean_change: f64,
    /// How far the standard deviation is from the image's, in bytes.
    pub deviation_change: f64,
}

/// Makes noise with the amplitude spectrum, and so the mean and standard
/// deviation, of an image; of colours also their correlations.
///
/// The phases of white Gaussian noise are added to those of every channel
/// (Galerne, Gousseau and Morel 2011, \[Galerne\]), so that the noise is real. The spectrum
/// is that of the periodic image: edges where opposite sides do not meet become
/// a cross in it. Rounding and clipping to bytes change it a little, the more
/// the higher the contrast; the result says how much.
///
/// The noise is as deterministic as `seed` and `key`.
#[must_use]
pub fn phase_noise(image: &RgbImage, seed: u64, key: [u64; 2]) -> PhaseNoise {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let count = width * height;
    let forward = Fourier::new([width, height], FftDirection::Forward);
    let inverse = Fourier::new([width, height], FftDirection::Inverse);
    let phases = random_phases(&forward, count, seed, key);
    let (mut bytes, mut clipped) = (vec![0; 3 * count], 0_usize);
    let is_grey = image.pixels().all(|Rgb([r, g, b])| r == g && g == b);
    for channel in 0..if is_grey { 1 } else { 3 } {
        let mut values = channel_of(image, channel);
        forward.transform(&mut values);
        for (value, phase) in values.iter_mut().zip(&phases) {
            *value *= phase;
        }
        inverse.transform(&mut values);
        for (pixel, value) in bytes.chunks_exact_mut(3).zip(&values) {
            let value = (value.re / count as f64).round();
            clipped += usize::from(!(0.0..=255.0).contains(&value));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            let byte = value.clamp(0.0, 255.0) as u8;
            if is_grey { pixel.fill(byte) } else { pixel[channel] = byte }
        }
    }
    let channels = if is_grey { 1 } else { 3 };
    let noise = RgbImage::from_raw(image.width(), image.height(), bytes).unwrap_or_default();
    let values = |image: &RgbImage| image.as_raw().iter().map(|byte| f64::from(*byte)).collect();
    let (before, after): (Vec<f64>, Vec<f64>) = (values(image), values(&noise));
    let difference =
        |of: fn(&[f64]) -> Option<f64>| of(&after).unwrap_or(0.0) - of(&before).unwrap_or(0.0);
    PhaseNoise {
        clipped: clipped as f64 / (channels * count) as f64,
        spectrum_correlation: pearson(
            &log_spectrum(&forward, image),
            &log_spectrum(&forward, &noise),
        ),
        mean_change: difference(mean),
        deviation_change: difference(|values| standard_deviation(values, 0)),
        image: noise,
    }
}

/// Returns `count` numbers of size 1 with the phases of white noise: opposite frequencies have opposite phases. That of frequency 0 is 1, which
/// keeps the mean.
fn random_phases(forward: &Fourier, count: usize, seed: u64, key: [u64; 2]) -> Vec<Complex64> {
    let mut rng = stream(seed, Purpose::PhaseNoise, key);
    let mut white: Vec<Complex64> =
        (0..count).map(|_| Complex64::new(rng.sample::<f64, _>(StandardNormal), 0.0)).collect();
    forward.transform(&mut white);
    for value in &mut white {
        let size = value.norm();
        *value = if size > 0.0 { *value / size } else { Complex64::new(1.0, 0.0) };
    }
    if let Some(constant) = white.first_mut() {
        *constant = Complex64::new(1.0, 0.0);
    }
    white
}

/// Returns `ln(1 + |F| / √N)` of all channels and all frequencies but 0.
fn log_spectrum(forward: &Fourier, image: &RgbImage) -> Vec<f64> {
    let unit = (f64::from(image.width()) * f64::from(image.height())).sqrt();
    let mut spectrum = Vec::new();
    for channel in 0..3 {
        let mut values = channel_of(image, channel);
        forward.transform(&mut values);
        spectrum.extend(values.iter().skip(1).map(|value| (value.norm() / unit).ln_1p()));
    }
    spectrum
}

fn channel_of(image: &RgbImage, channel: usize) -> Vec<Complex64> {
    image.pixels().map(|pixel| Complex64::new(f64::from(pixel.0[channel]), 0.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lcl_images::Synthetic;

    /// Least correlation of log spectra where nothing is clipped: bytes round to
    /// 1/√12, which drowns the weakest frequencies.
    const LEAST_CORRELATION: f64 = 0.99;

    /// A mean over thousands of rounded bytes.
    const ROUNDED_MEAN: f64 = 0.05;

    /// An image of little contrast with natural statistics.
    fn soft_image() -> RgbImage {
        let mut image = Synthetic { seed: 3, index: 0 }.render();
        for byte in image.iter_mut() {
            *byte = 96 + *byte / 4;
        }
        image
    }

    #[test]
    fn noise_has_the_spectrum_and_moments_of_its_image() {
        let image = soft_image();
        let noise = phase_noise(&image, 1, [2, 3]);
        assert!(noise.clipped.abs() < f64::EPSILON, "{}", noise.clipped);
        let correlation = noise.spectrum_correlation.expect("a spectrum");
        assert!(correlation > LEAST_CORRELATION, "{correlation}");
        assert!(noise.mean_change.abs() < ROUNDED_MEAN, "{}", noise.mean_change);
        assert!(noise.deviation_change.abs() < ROUNDED_MEAN, "{}", noise.deviation_change);
        let values = |image: &RgbImage| {
            image.as_raw().iter().map(|byte| f64::from(*byte)).collect::<Vec<_>>()
        };
        let alike = pearson(&values(&image), &values(&noise.image)).expect("both vary");
        assert!(alike.abs() < 0.5, "the noise looks like its image: {alike}");
    }

    #[test]
    fn noise_depends_on_seed_and_key_alone() {
        let image = soft_image();
        let noise = phase_noise(&image, 1, [2, 3]);
        assert_eq!(noise, phase_noise(&image, 1, [2, 3]));
        for other in [phase_noise(&image, 0, [2, 3]), phase_noise(&image, 1, [2, 4])] {
            assert_ne!(noise.image, other.image);
        }
    }

    #[test]
    fn grey_stays_grey_and_uniform_stays_as_it_is() {
        let grey =
            RgbImage::from_fn(21, 18, |x, y| Rgb([if (x / 3 + y) % 2 == 0 { 90 } else { 160 }; 3]));
        let noise = phase_noise(&grey, 5, [0, 0]);
        assert!(noise.image.pixels().all(|Rgb([r, g, b])| r == g && g == b));
        assert_ne!(noise.image, grey);
        let uniform = RgbImage::from_pixel(16, 16, Rgb([7, 8, 9]));
        let noise = phase_noise(&uniform, 5, [0, 0]);
        assert_eq!((noise.image, noise.spectrum_correlation), (uniform, None));
    }

    #[test]
    fn what_does_not_fit_a_byte_is_told() {
        let hard = RgbImage::from_fn(32, 32, |x, _| Rgb([if x < 4 { 255 } else { 0 }; 3]));
        let noise = phase_noise(&hard, 5, [0, 0]);
        assert!(noise.clipped > 0.1, "{}", noise.clipped);
        assert!(noise.spectrum_correlation.is_some_and(|r| r < LEAST_CORRELATION));
    }
}
