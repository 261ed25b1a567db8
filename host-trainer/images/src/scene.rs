//! A built-in scene in which something passes through: what a watcher is shown
//! where there is no camera.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "coordinates lie in the image, and bytes are clamped"
)]

use std::fmt;

use image::{Rgb, RgbImage};
use rand::Rng;

use super::{SYNTHETIC_SIDE, Synthetic};
use lcl_artefacts::random::{Purpose, stream};

/// Largest change that noise makes to a byte.
const NOISE: i16 = 6;

/// Radius of what passes through, in pixels.
const RADIUS: i64 = 36;

/// One frame of a scene: a built-in image under the noise of a sensor, and in
/// the frames from 5/8 to 7/8 a disc, a part of another built-in image, that
/// moves from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Seed of the scene.
    pub seed: u64,
    /// Which frame.
    pub frame: u64,
    /// Frames of the whole scene.
    pub frames: u64,
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scene:{}/{:08}", self.seed, self.frame)
    }
}

impl Scene {
    /// Renders the frame, [`SYNTHETIC_SIDE`] pixels square.
    #[must_use]
    pub fn render(self) -> RgbImage {
        let Self { seed, frame, frames } = self;
        let mut image = Synthetic { seed, index: 0 }.render();
        if let Some(centre) = self.disc() {
            let other = Synthetic { seed, index: 1 }.render();
            for (x, y, pixel) in image.enumerate_pixels_mut() {
                let (dx, dy) = (i64::from(x) - centre[0], i64::from(y) - centre[1]);
                if dx * dx + dy * dy <= RADIUS * RADIUS {
                    // Its brightness is turned over, so that it stands out.
                    *pixel = Rgb(other.get_pixel(x, y).0.map(|value| 255 - value));
                }
            }
        }
        let mut noise = stream(seed, Purpose::Scene, [frames, frame]);
        for value in image.iter_mut() {
            let noisy = i16::from(*value) + noise.random_range(-NOISE..=NOISE);
            *value = noisy.clamp(0, 255) as u8;
        }
        image
    }

    /// Returns where the disc is, `[x, y]`, in the frames in which there is one.
    fn disc(self) -> Option<[i64; 2]> {
        let (first, end) = (self.frames * 5 / 8, self.frames * 7 / 8);
        let side = i64::from(SYNTHETIC_SIDE);
        let step = side / 2 / (end.saturating_sub(first).max(1) as i64);
        let passed = self.frame.checked_sub(first).filter(|_| self.frame < end)?;
        Some([side / 4 + step * passed as i64, side / 2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_disc_is_more_than_noise() {
        let at = |frame| Scene { seed: 3, frame, frames: 16 }.render();
        let largest =
            |a: &RgbImage, b: &RgbImage| a.iter().zip(b.iter()).map(|(&a, &b)| a.abs_diff(b)).max();
        let first = at(0);
        assert_eq!(first, at(0));
        for (frame, passes) in [(1, false), (9, false), (10, true), (13, true), (14, false)] {
            let change = largest(&first, &at(frame)).unwrap_or_default();
            assert_eq!(change > 2 * NOISE.unsigned_abs() as u8, passes, "{frame}: {change}");
            assert!(change > 0, "{frame}");
        }
    }
}
