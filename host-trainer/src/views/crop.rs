//! The geometry of the random resized crop, as torchvision has it.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides are positive and at most that of the centre"
)]

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::{config::StageViewConfig, data::CropBox};

/// Crops that are tried before the largest one of a fair aspect is taken.
const TRIES: usize = 10;

/// Draws a crop from a stage's centre.
///
/// Its area is uniform in `area` times the centre's, its aspect, width over
/// height, log-uniform in `aspect`. Where ten such crops did not fit, it is the
/// largest centred one whose aspect is in range.
#[must_use]
pub fn random_crop(config: &StageViewConfig, rng: &mut ChaCha8Rng) -> CropBox {
    let side = config.centre;
    let whole = f64::from(side) * f64::from(side);
    let [least, most] = config.aspect.map(f64::from);
    for _ in 0..TRIES {
        let area = whole * rng.random_range(f64::from(config.area[0])..=f64::from(config.area[1]));
        let aspect = rng.random_range(least.ln()..=most.ln()).exp();
        let width = (area * aspect).sqrt().round_ties_even() as u32;
        let height = (area / aspect).sqrt().round_ties_even() as u32;
        if (1..=side).contains(&width) && (1..=side).contains(&height) {
            let y = rng.random_range(0..=side - height);
            let x = rng.random_range(0..=side - width);
            return CropBox { x, y, width, height };
        }
    }
    let side_at = |ratio: f64| (f64::from(side) * ratio).round_ties_even() as u32;
    let width = if most < 1.0 { side_at(most) } else { side };
    let height = if least > 1.0 { side_at(1.0 / least) } else { side };
    CropBox { x: (side - width) / 2, y: (side - height) / 2, width, height }
}
