//! A built-in film in which the light alone changes: what tells a watcher's false
//! alarms.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bytes are clamped, and coordinates lie in the image"
)]

use std::fmt;

use image::RgbImage;
use rand::Rng;

use super::{SYNTHETIC_SIDE, Synthetic};
use lcl_artefacts::random::{Purpose, stream};

/// Largest change that noise makes to a byte.
const NOISE: i16 = 1;

/// Exposures in powers of two, from the second quarter of the film to its third,
/// each as long as the others: one by one, then from end to end.
const STOPS: [i32; 16] = [0, 1, 2, 3, 2, 1, 0, -1, -2, -3, -2, -1, 0, 3, -3, 0];

/// Light that a shadow leaves.
const SHADOW: f64 = 0.25;

/// Half of a shadow's width, as a part of the image.
const HALF_SHADOW: f64 = 0.2;

/// One frame of a film: a built-in image that nothing passes through. In the
/// first quarter the light stays; then it steps from a quarter to eight times as
/// strong, in linear light and without a pixel clipping; in the last quarter a
/// soft shadow passes from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Light {
    /// Seed of the film.
    pub seed: u64,
    /// Which frame.
    pub frame: u64,
    /// Frames of the whole film.
    pub frames: u64,
}

impl fmt::Display for Light {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "light:{}/{:08}", self.seed, self.frame)
    }
}

impl Light {
    /// Returns the exposure in powers of two, -3 to 3.
    #[must_use]
    pub fn stop(self) -> i32 {
        let (first, end) = (self.frames / 4, self.frames * 3 / 4);
        let within = self.frame.checked_sub(first).filter(|_| self.frame < end);
        let at = within.map(|at| at * STOPS.len() as u64 / (end - first).max(1));
        at.and_then(|at| STOPS.get(at as usize)).copied().unwrap_or(0)
    }

    /// Renders the frame, [`SYNTHETIC_SIDE`] pixels square.
    #[must_use]
    pub fn render(self) -> RgbImage {
        let Self { seed, frame, frames } = self;
        let mut image = Synthetic { seed, index: 0 }.render();
        // The brightest pixel is white at the strongest light.
        let white = image.iter().copied().max().unwrap_or(u8::MAX).max(1);
        let gain = 2_f64.powi(self.stop()) / 8.0 / linear(white);
        let mut noise = stream(seed, Purpose::Scene, [frames, frames + frame]);
        for (x, _, pixel) in image.enumerate_pixels_mut() {
            let light = gain * self.shadow(f64::from(x) / f64::from(SYNTHETIC_SIDE));
            for value in &mut pixel.0 {
                let lit = encoded(light * linear(*value)).round() as i16;
                *value = (lit + noise.random_range(-NOISE..=NOISE)).clamp(0, 255) as u8;
            }
        }
        image
    }

    /// Returns the part of the light that a shadow leaves at a place, 0 to 1.
    fn shadow(self, x: f64) -> f64 {
        let first = self.frames * 3 / 4;
        let Some(at) = self.frame.checked_sub(first) else { return 1.0 };
        let along = (at as f64 + 0.5) / (self.frames - first).max(1) as f64;
        let centre = along * (1.0 + 2.0 * HALF_SHADOW) - HALF_SHADOW;
        let distance = ((x - centre) / HALF_SHADOW).abs().min(1.0);
        // A raised cosine: no edge.
        let depth = f64::midpoint(1.0, (std::f64::consts::PI * distance).cos());
        1.0 - (1.0 - SHADOW) * depth
    }
}

/// Returns the light of a byte of sRGB (IEC 61966-2-1), of white 1.
fn linear(byte: u8) -> f64 {
    let value = f64::from(byte) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// Returns the byte of sRGB of a light, before it is rounded.
fn encoded(light: f64) -> f64 {
    let value =
        if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
    255.0 * value.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAMES: u64 = 64;

    fn at(frame: u64) -> Light {
        Light { seed: 3, frame, frames: FRAMES }
    }

    #[test]
    fn light_steps_by_powers_of_two_and_never_clips() {
        let stops: Vec<i32> = (0..FRAMES).map(|frame| at(frame).stop()).collect();
        assert_eq!((stops.iter().min(), stops.iter().max()), (Some(&-3), Some(&3)));
        assert!(stops[..16].iter().chain(&stops[48..]).all(|&stop| stop == 0), "{stops:?}");
        let frame = |stop| (0..FRAMES).map(at).find(|light| light.stop() == stop).expect("there");
        let sums: Vec<f64> = (-3..=3)
            .map(|stop| frame(stop).render().iter().map(|&byte| linear(byte)).sum())
            .collect();
        for pair in sums.windows(2) {
            let ratio = pair[1] / pair[0];
            // Bytes round the dark ones.
            assert!((ratio - 2.0).abs() < 0.05, "{sums:?}");
        }
        // White at the strongest light is only what is white in the scene, but for
        // noise.
        let scene = Synthetic { seed: frame(3).seed, index: 0 }.render();
        let white = scene.iter().copied().max().expect("pixels");
        for (lit, byte) in frame(3).render().iter().zip(scene.iter()) {
            assert!(*lit < 255 || white - byte <= 2, "{byte} of {white} became white");
        }
    }

    #[test]
    fn a_shadow_passes_from_left_to_right() {
        let column = |light: Light, x: u32| -> u64 {
            let image = light.render();
            (0..SYNTHETIC_SIDE).map(|y| u64::from(image.get_pixel(x, y).0[1])).sum()
        };
        let (left, right) = (SYNTHETIC_SIDE / 5, SYNTHETIC_SIDE * 4 / 5);
        for (x, dark, lit) in [(left, 52, 60), (right, 60, 52)] {
            let [dark, lit] = [at(dark), at(lit)].map(|light| column(light, x));
            assert!(2 * dark < 2 * lit && 10 * dark < 8 * lit, "{dark} {lit}");
        }
    }
}
