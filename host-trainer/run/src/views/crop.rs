//! The geometry of the random resized crop, as torchvision has it, and of the
//! patches that are cropped from.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides are positive and at most that of the centre"
)]

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::config::{Crops, StageViewConfig};
use lcl_images::CropBox;

/// Crops that are tried before the largest one of a fair aspect is taken.
const TRIES: usize = 10;

/// A square of [`StageViewConfig::centre`] pixels a side in the window that is
/// looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Columns to the left of it.
    pub x: u32,
    /// Rows above it.
    pub y: u32,
}

impl Patch {
    /// Draws the patches of views A and B in a window of that side.
    ///
    /// Disjoint ones lie side by side or one above the other, each with
    /// probability ½; where along this axis, and where on the other one, is
    /// uniform. `rng` is one that both views have in common.
    #[must_use]
    pub fn of_views(config: &StageViewConfig, window: u32, rng: &mut ChaCha8Rng) -> [Self; 2] {
        let room = window - config.centre;
        if config.crops == Crops::Overlapping {
            return [Self { x: room / 2, y: room / 2 }; 2];
        }
        let free = room - config.centre;
        let mut apart = [0, 1].map(|_| rng.random_range(0..=free));
        apart.sort_unstable();
        apart[1] += config.centre;
        if rng.random() {
            apart.reverse();
        }
        let beside = rng.random();
        apart.map(|apart| {
            let across = rng.random_range(0..=room);
            let (x, y) = if beside { (apart, across) } else { (across, apart) };
            Self { x, y }
        })
    }
}

/// Draws a crop from a stage's patch.
///
/// Its area is uniform in the configured range times the patch's, its aspect,
/// width over height, log-uniform in its range. Where ten such crops did not fit, it is the
/// largest centred one whose aspect is in range.
#[must_use]
pub fn random_crop(config: &StageViewConfig, rng: &mut ChaCha8Rng) -> CropBox {
    let side = config.centre;
    let whole = f64::from(side) * f64::from(side);
    let [least_area, most_area] = config.area.map(f64::from);
    let [least, most] = config.aspect.map(f64::from);
    for _ in 0..TRIES {
        let area = whole * rng.random_range(least_area..=most_area);
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
