//! `v1-steerpyr`: the hand-made baseline of V1 and V2, a complex steerable
//! pyramid (\[LCL\] A.1.2; \[Simoncelli1995\]).
//!
//! Five scales and four orientations at full resolution. V1 has 60 channels:
//! the rectified real parts, the rectified imaginary parts and the moduli of the
//! 20 bands, of which every fourth row and column is kept. V2 pools each channel
//! of V1: the root of the sum of squares over 3×3, stride 2, zeros outside.

mod bands;

use image::RgbImage;
use rayon::prelude::*;

use bands::{Bands, Spectrum};
use lcl_artefacts::feature_map::FeatureMap;

/// Scales of the pyramid, an octave each; the finest is first.
pub const SCALES: usize = 5;

/// Orientations of the pyramid, 45° apart.
pub const ORIENTATIONS: usize = 4;

/// Rows and columns of the image for one of V1.
pub const SUBSAMPLING: usize = 4;

/// The sides of an image are multiples of this, so that the maps of both areas
/// cover it evenly.
pub const SIDE_STEP: usize = 8;

/// Least side of an image: the coarsest scale ends at four cycles an image.
pub const LEAST_SIDE: usize = 128;

/// Channels of either area.
pub const CHANNELS: usize = 3 * BANDS;

const BANDS: usize = SCALES * ORIENTATIONS;

/// What makes grey of red, green and blue (ITU-R BT.601).
const LUMA: [f64; 3] = [0.299, 0.587, 0.114];

/// The pyramid cannot be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PyramidError {
    /// The image has a size that the pyramid does not take.
    #[error(
        "v1-steerpyr takes images whose sides are multiples of {SIDE_STEP} and at least \
         {LEAST_SIDE}, got {width}x{height}; give another --size"
    )]
    Size {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// The images of a batch differ in size.
    #[error("an image has {got:?} pixels, the first of its batch has {expected:?}")]
    Unequal {
        /// Columns and rows of the first.
        expected: (u32, u32),
        /// Columns and rows of the other.
        got: (u32, u32),
    },
}

/// Returns V1 and V2 of the pyramid, `[N, H / 4, W / 4, 60]` and
/// `[N, H / 8, W / 8, 60]`, of images of equal size. Pixels are grey in
/// `[0, 1]`.
///
/// Channel `20 p + 4 s + b` is part `p` (real, imaginary, modulus) of scale `s`
/// and of the orientation `π b / 4`.
///
/// # Errors
///
/// When the images differ in size, or the pyramid does not take it.
pub fn steerable_pyramid(images: &[RgbImage]) -> Result<[FeatureMap; 2], PyramidError> {
    let Some(expected) = images.first().map(RgbImage::dimensions) else {
        let none = || FeatureMap { n: 0, h: 0, w: 0, c: CHANNELS, data: Vec::new() };
        return Ok([none(), none()]);
    };
    if let Some(other) = images.iter().find(|image| image.dimensions() != expected) {
        return Err(PyramidError::Unequal { expected, got: other.dimensions() });
    }
    let (width, height) = (expected.0 as usize, expected.1 as usize);
    if width % SIDE_STEP != 0 || height % SIDE_STEP != 0 || width.min(height) < LEAST_SIDE {
        return Err(PyramidError::Size { width, height });
    }
    let bands = Bands::new(width, height);
    let maps: Vec<[Vec<f32>; 2]> = images.par_iter().map(|image| areas(&bands, image)).collect();
    let n = images.len();
    let [h, w] = [height, width].map(|side| side / SUBSAMPLING);
    let mut v1 = FeatureMap { n, h, w, c: CHANNELS, data: Vec::new() };
    let mut v2 = FeatureMap { n, h: h / 2, w: w / 2, c: CHANNELS, data: Vec::new() };
    for [one, two] in maps {
        v1.data.extend(one);
        v2.data.extend(two);
    }
    Ok([v1, v2])
}

fn areas(bands: &Bands, image: &RgbImage) -> [Vec<f32>; 2] {
    let grey = |pixel: &image::Rgb<u8>| {
        let parts = pixel.0.iter().zip(LUMA);
        parts.map(|(&value, weight)| f64::from(value) * weight).sum::<f64>() / 255.0
    };
    let spectrum = Spectrum::new(bands, image.pixels().map(grey));
    let [w, h] = bands.subsampled();
    let mut v1 = vec![0.0; w * h * CHANNELS];
    for scale in 0..SCALES {
        for orientation in 0..ORIENTATIONS {
            let band = spectrum.band(bands, scale, orientation);
            let channel = scale * ORIENTATIONS + orientation;
            for (pixel, value) in v1.chunks_exact_mut(CHANNELS).zip(band) {
                pixel[channel] = narrowed(value.re.max(0.0));
                pixel[BANDS + channel] = narrowed(value.im.max(0.0));
                pixel[2 * BANDS + channel] = narrowed(value.norm());
            }
        }
    }
    let v2 = pooled(&v1, w, h);
    [v1, v2]
}

/// Returns the root of the sum of squares over 3×3, stride 2, zeros outside.
fn pooled(map: &[f32], w: usize, h: usize) -> Vec<f32> {
    let mut pooled = Vec::with_capacity(map.len() / 4);
    for y in (0..h).step_by(2) {
        for x in (0..w).step_by(2) {
            let mut energy = [0.0; CHANNELS];
            for row in y.saturating_sub(1)..(y + 2).min(h) {
                for column in x.saturating_sub(1)..(x + 2).min(w) {
                    let pixel = &map[(row * w + column) * CHANNELS..][..CHANNELS];
                    for (energy, &value) in energy.iter_mut().zip(pixel) {
                        *energy += f64::from(value).powi(2);
                    }
                }
            }
            pooled.extend(energy.map(|energy| narrowed(energy.sqrt())));
        }
    }
    pooled
}

#[expect(clippy::cast_possible_truncation, reason = "features are f32")]
fn narrowed(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    /// plenoptic looks its masks up in tables, linear between 256 points an
    /// octave.
    const TABLES: f64 = 1e-4;

    /// The image of `reference.py`.
    fn pattern(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            let value = 7 * x * x + 13 * y * y + 5 * x * y + 31 * (x / 9) * (y / 11);
            Rgb([u8::try_from(value % 256).unwrap_or_default(); 3])
        })
    }

    #[test]
    fn responses_are_those_of_plenoptic() {
        let maps = steerable_pyramid(&[pattern(200, 200)]).expect("a pyramid");
        assert_eq!(maps[0].shape(), [1, 50, 50, CHANNELS]);
        assert_eq!(maps[1].shape(), [1, 25, 25, CHANNELS]);
        let mut compared = 0;
        for line in include_str!("responses.txt").lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let at: Vec<usize> = fields[..4].iter().filter_map(|at| at.parse().ok()).collect();
            let [area, y, x, channel] = at[..] else { panic!("{line}") };
            let expected: f64 = fields[4].parse().expect("a number");
            let map = &maps[area - 1];
            let got = f64::from(map.data[(y * map.w + x) * CHANNELS + channel]);
            assert!((got - expected).abs() < TABLES * expected.abs().max(1.0), "{line}: {got}");
            compared += 1;
        }
        assert_eq!(compared, 480);
    }

    #[test]
    fn a_grating_drives_the_band_of_its_orientation_and_scale() {
        // 32 cycles in 128 pixels: the middle of the second scale is at a
        // quarter of a cycle a pixel.
        let grating =
            RgbImage::from_fn(128, 128, |x, _| Rgb([[128, 228, 128, 28][x as usize % 4]; 3]));
        let [v1, _] = steerable_pyramid(&[grating]).expect("a pyramid");
        let modulus = |band: usize| f64::from(v1.data[40 + band]);
        let best = (0..20).max_by(|&a, &b| modulus(a).total_cmp(&modulus(b)));
        assert!(best.is_some_and(|band| band % ORIENTATIONS == 0 && band / ORIENTATIONS <= 1));
        // cos³ at 90° is zero.
        assert!(modulus(2) < 1e-6 && modulus(6) < 1e-6);
    }

    #[test]
    fn sizes_that_do_not_fit_are_errors() {
        let size = |width, height| steerable_pyramid(&[RgbImage::new(width, height)]);
        assert_eq!(size(128, 124), Err(PyramidError::Size { width: 128, height: 124 }));
        assert_eq!(size(96, 96), Err(PyramidError::Size { width: 96, height: 96 }));
        let unequal = steerable_pyramid(&[RgbImage::new(128, 128), RgbImage::new(136, 128)]);
        assert!(matches!(unequal, Err(PyramidError::Unequal { .. })));
        assert!(steerable_pyramid(&[]).is_ok_and(|maps| maps[0].n == 0));
    }
}
