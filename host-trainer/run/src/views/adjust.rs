//! Brightness, contrast, saturation, hue, grey and solarisation of RGB values.
//!
//! Pixels are `[H, W, 3]`. The definitions are torchvision's, where an
//! adjustment blends the image with another one and clamps to `[0, 1]`, but for
//! the luma of red, 0.299, which torchvision rounds to 0.2989.

#![allow(clippy::inline_always, reason = "what is not inlined is not compiled for vectors")]

/// Luma of red, green and blue (ITU-R BT.601).
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// Pixels that are looked at side by side: whole vectors.
const LANES: usize = 16;

/// Values of these pixels.
const GROUP: usize = 3 * LANES;

/// One change of a view's colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Adjustment {
    /// Multiplies, that is blends with black; 1 changes nothing.
    Brightness(f32),
    /// Scales the distance to the image's mean luma; 1 changes nothing.
    Contrast(f32),
    /// Scales the distance to the pixel's own luma; 1 changes nothing.
    Saturation(f32),
    /// Turns the colour circle by this share of it; 0 changes nothing.
    Hue(f32),
}

impl Adjustment {
    /// Adjusts all pixels.
    #[inline(always)]
    pub fn apply(self, pixels: &mut [f32]) {
        match self {
            Self::Brightness(factor) => {
                for value in pixels {
                    *value = (*value * factor).min(1.0);
                }
            }
            Self::Contrast(factor) => {
                let offset = (1.0 - factor) * mean_luma(pixels, |value| value);
                for value in pixels {
                    *value = (factor * *value + offset).clamp(0.0, 1.0);
                }
            }
            Self::Saturation(factor) => {
                for pixel in pixels.chunks_exact_mut(3) {
                    let offset = (1.0 - factor) * luma(pixel);
                    for value in pixel {
                        *value = (factor * *value + offset).clamp(0.0, 1.0);
                    }
                }
            }
            Self::Hue(turn) => turn_hue(pixels, turn),
        }
    }
}

/// Gives the three channels the pixel's luma.
#[inline(always)]
pub fn to_grey(pixels: &mut [f32]) {
    for pixel in pixels.chunks_exact_mut(3) {
        let grey = luma(pixel);
        pixel.fill(grey);
    }
}

/// Inverts the values that are at least `threshold` when rounded to bytes.
#[inline(always)]
pub fn solarise(pixels: &mut [f32], threshold: u8) {
    let least = (f32::from(threshold) - 0.5) / 255.0;
    for value in pixels {
        *value = if *value >= least { 1.0 - *value } else { *value };
    }
}

/// Returns the mean luma of pixels whose values are `value_of` what is given.
#[inline(always)]
pub fn mean_luma<T: Copy>(pixels: &[T], value_of: impl Fn(T) -> f32) -> f32 {
    let mut sums = [0.0; 3];
    // Few enough additions that 32 bits lose nothing that counts.
    for part in pixels.chunks(64 * GROUP) {
        let mut lanes = [0.0_f32; GROUP];
        let groups = part.chunks_exact(GROUP);
        let rest = groups.remainder();
        for group in groups {
            for (lane, value) in lanes.iter_mut().zip(group) {
                *lane += value_of(*value);
            }
        }
        for (lane, value) in lanes.iter_mut().zip(rest) {
            *lane += value_of(*value);
        }
        for (lane, sum) in lanes.iter().enumerate() {
            sums[lane % 3] += f64::from(*sum);
        }
    }
    let count = (pixels.len() / 3).max(1) as f64;
    let weighted = sums.iter().zip(LUMA).map(|(sum, weight)| sum * f64::from(weight));
    #[allow(clippy::cast_possible_truncation, reason = "the mean of 32-bit values")]
    let mean = (weighted.sum::<f64>() / count) as f32;
    mean
}

#[inline(always)]
fn luma(pixel: &[f32]) -> f32 {
    LUMA[0] * pixel[0] + LUMA[1] * pixel[1] + LUMA[2] * pixel[2]
}

/// Adds `turn` to the hue of each pixel in the model of hue, saturation and
/// value (Smith, 1978, "Color gamut transform pairs", doi:10.1145/965139.807361).
#[inline(always)]
fn turn_hue(pixels: &mut [f32], turn: f32) {
    let mut groups = pixels.chunks_exact_mut(GROUP);
    for group in &mut groups {
        let mut planes = [[0.0; LANES]; 3];
        for (lane, pixel) in group.chunks_exact(3).enumerate() {
            for (plane, value) in planes.iter_mut().zip(pixel) {
                plane[lane] = *value;
            }
        }
        let [red, green, blue] = &mut planes;
        for lane in 0..LANES {
            [red[lane], green[lane], blue[lane]] =
                turned(red[lane], green[lane], blue[lane], 6.0 * turn);
        }
        for (lane, pixel) in group.chunks_exact_mut(3).enumerate() {
            for (plane, value) in planes.iter().zip(pixel) {
                *value = plane[lane];
            }
        }
    }
    for pixel in groups.into_remainder().chunks_exact_mut(3) {
        let turned = turned(pixel[0], pixel[1], pixel[2], 6.0 * turn);
        pixel.copy_from_slice(&turned);
    }
}

/// Turns one pixel by that many sixths of the colour circle.
#[inline(always)]
fn turned(r: f32, g: f32, b: f32, sixths: f32) -> [f32; 3] {
    let most = r.max(g).max(b);
    let chroma = most - r.min(g).min(b);
    let scale = 1.0 / if chroma > 0.0 { chroma } else { 1.0 };
    let (of_red, of_green, of_blue) =
        ((g - b) * scale, (b - r) * scale + 2.0, (r - g) * scale + 4.0);
    let hue = if most > r { if most > g { of_blue } else { of_green } } else { of_red };
    // How far each channel is from the largest one falls and rises linearly
    // around the circle.
    [5.0, 3.0, 1.0].map(|phase| {
        let place = phase + hue + sixths;
        let place = place - 6.0 * (place * (1.0 / 6.0)).floor();
        most - chroma * place.min(4.0 - place).clamp(0.0, 1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of 32-bit values.
    const CLOSE: f32 = 1e-6;

    /// Black, white, the primaries and their opposites, grey and three colours.
    const PIXELS: [[f32; 3]; 12] = [
        [0.0, 0.0, 0.0],
        [1.0, 1.0, 1.0],
        [1.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        [0.0, 0.0, 1.0],
        [0.0, 1.0, 1.0],
        [1.0, 0.0, 1.0],
        [1.0, 1.0, 0.0],
        [0.5, 0.5, 0.5],
        [0.2, 0.4, 0.6],
        [0.8, 0.6, 1.0],
        [0.9, 0.1, 0.3],
    ];

    #[track_caller]
    fn check(adjustment: Adjustment, pixels: &[[f32; 3]], expected: &[[f32; 3]]) {
        let mut values = pixels.concat();
        adjustment.apply(&mut values);
        for (got, expected) in values.iter().zip(expected.as_flattened()) {
            assert!((got - expected).abs() < CLOSE, "{values:?} {expected:?}");
        }
    }

    #[test]
    fn brightness_contrast_and_saturation_blend() {
        let [dark, light] = [[0.2, 0.4, 0.6], [0.8, 0.6, 1.0]];
        let bright = [[0.24, 0.48, 0.72], [0.96, 0.72, 1.0]];
        check(Adjustment::Brightness(1.2), &[dark, light], &bright);
        // Luma 0.363 and 0.7054, mean 0.5342.
        let contrasted = [[0.26684, 0.42684, 0.58684], [0.74684, 0.58684, 0.90684]];
        check(Adjustment::Contrast(0.8), &[dark, light], &contrasted);
        let stronger = [[0.1674, 0.4074, 0.6474], [0.81892, 0.57892, 1.0]];
        check(Adjustment::Saturation(1.2), &[dark, light], &stronger);
        check(Adjustment::Saturation(0.0), &[dark], &[[0.363; 3]]);
    }

    #[test]
    fn a_third_of_the_circle_moves_the_channels_on() {
        let moved = PIXELS.map(|[r, g, b]| [b, r, g]);
        check(Adjustment::Hue(1.0 / 3.0), &PIXELS, &moved);
        let back = PIXELS.map(|[r, g, b]| [g, b, r]);
        check(Adjustment::Hue(-1.0 / 3.0), &PIXELS, &back);
        check(Adjustment::Hue(0.0), &PIXELS, &PIXELS);
    }

    #[test]
    fn hue_is_that_of_colorsys() {
        // Made by benches/augmentation_values.py.
        let turned = [
            [0.0, 0.0, 0.0],
            [1.0, 1.0, 1.0],
            [1.0, 0.6, 0.0],
            [0.0, 1.0, 0.6],
            [0.6, 0.0, 1.0],
            [0.0, 0.4, 1.0],
            [1.0, 0.0, 0.4],
            [0.4, 1.0, 0.0],
            [0.5, 0.5, 0.5],
            [0.24, 0.2, 0.6],
            [1.0, 0.6, 0.96],
            [0.9, 0.38, 0.1],
        ];
        check(Adjustment::Hue(0.1), &PIXELS, &turned);
    }

    #[test]
    fn long_rows_are_turned_as_short_ones() {
        let mut all = PIXELS.concat().repeat(5);
        Adjustment::Hue(0.1).apply(&mut all);
        let mut once = PIXELS.concat();
        Adjustment::Hue(0.1).apply(&mut once);
        assert_eq!(all, once.repeat(5));
    }

    #[test]
    fn solarisation_inverts_from_the_threshold_on() {
        let bytes = [0, 127, 128, 200, 255];
        let mut values = bytes.map(|byte: u8| f32::from(byte) * (1.0 / 255.0));
        solarise(&mut values, 128);
        for (value, expected) in values.iter().zip([0.0, 127.0, 127.0, 55.0, 0.0]) {
            assert!((value * 255.0 - expected).abs() < 255.0 * CLOSE, "{values:?}");
        }
    }
}
