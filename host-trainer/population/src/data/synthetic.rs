//! Simulated animals: neurons with known receptive fields, retinotopy and noise.
//!
//! The receptive fields are mixtures of a few features that all animals share,
//! each at one place of the visual field, as the model of \[Lurz\] assumes of
//! neurons. Nobody's recordings are imitated beyond that: what a fit finds here
//! says that the method works, not how mice see.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixels of an image, which are few"
)]

use lcl_artefacts::random::{Purpose, stream};
use lcl_images::{SYNTHETIC_SIDE, Synthetic};
use rand::{Rng, seq::SliceRandom};
use rand_distr::{Distribution, StandardNormal};

use super::{Excluded, Session, Tier, Trial, Truth};

/// Rows and columns of an image, those of \[Lurz\].
const SIZE: (usize, usize) = (36, 64);

/// How often each test image is shown.
pub const TEST_REPEATS: usize = 10;

/// Features that the neurons of all animals share.
const FEATURES: usize = 24;

/// Pixels from the centre of a feature to its end.
const REACH: i32 = 7;

/// Largest distance of a centre from the middle, as a share of half the image.
const SPREAD: f32 = 0.5;

/// Seed of the features, the same for all animals.
const SPECIES: u64 = 0x1c1_c0de;

/// A simulated animal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simulation {
    /// Its neurons.
    pub neurons: usize,
    /// Images in all: a tenth for validation, a twentieth, at least 8, for the
    /// test.
    pub images: usize,
    /// Which animal, and which images it sees.
    pub seed: u64,
}

/// One shared feature: a Gabor function in two phases.
#[derive(Clone, Copy, Debug)]
struct Feature {
    /// Radians.
    orientation: f32,
    /// Cycles per pixel.
    frequency: f32,
    /// Radians.
    phase: f32,
    /// Standard deviation of its envelope, in pixels.
    sigma: f32,
    /// Whether it gives the energy of both phases.
    is_complex: bool,
}

#[derive(Clone, Debug)]
struct Neuron {
    /// In pixels.
    centre: [f32; 2],
    /// Features and their weights.
    mixture: [(usize, f32); 2],
    /// Spikes per unit of drive, and without any.
    gain: f32,
    base: f32,
}

impl Simulation {
    /// Simulates the animal: the same session for the same numbers.
    #[must_use]
    pub(super) fn session(&self) -> Session {
        let features = features();
        let neurons = self.population();
        let images = images(self.seed, self.images);
        let test = (self.images / 20).max(8);
        let validation = (self.images / 10).max(4);
        let (height, width) = SIZE;
        let len = height * width;
        let drives: Vec<Vec<f32>> = images
            .chunks_exact(len)
            .map(|image| neurons.iter().map(|neuron| neuron.mean(image, &features)).collect())
            .collect();
        let mut trials = Vec::new();
        let mut responses = Vec::new();
        let mut rng = stream(self.seed, Purpose::Population, [2, 0]);
        for (image, means) in drives.iter().enumerate() {
            let (tier, repeats) = match image {
                image if image < test => (Tier::Test, TEST_REPEATS),
                image if image < test + validation => (Tier::Validation, 1),
                _ => (Tier::Train, 1),
            };
            for _ in 0..repeats {
                trials.push(Trial { image, tier });
                // Variance in proportion to the mean, as of spikes.
                responses.extend(means.iter().map(|mean| {
                    let noise: f32 = StandardNormal.sample(&mut rng);
                    (mean + (0.6 * mean).sqrt() * noise).max(0.0)
                }));
            }
        }
        let noiseless = drives[..test].iter().flatten().map(|&mean| mean.into()).collect();
        Session {
            name: super::PopulationSource::Synthetic(*self).to_string(),
            height,
            width,
            images,
            trials,
            responses,
            ids: (0..).take(neurons.len()).collect(),
            positions: Some(self.cortex(&neurons)),
            excluded: Excluded::default(),
            stored_std: None,
            truth: Some(Truth {
                centres: neurons.iter().map(|neuron| neuron.centre).collect(),
                noiseless,
            }),
        }
    }

    fn population(&self) -> Vec<Neuron> {
        let mut rng = stream(self.seed, Purpose::Population, [0, 0]);
        let (height, width) = SIZE;
        let middle = [(width - 1) as f32 / 2.0, (height - 1) as f32 / 2.0];
        let neuron = |_| {
            let place = |middle: f32, rng: &mut rand_chacha::ChaCha8Rng| {
                middle * (1.0 + SPREAD * (2.0 * rng.random::<f32>() - 1.0))
            };
            let centre = [place(middle[0], &mut rng), place(middle[1], &mut rng)];
            let first = rng.random_range(0..FEATURES);
            let second = (first + rng.random_range(1..FEATURES)) % FEATURES;
            let share = rng.random_range(0.0..0.4);
            Neuron {
                centre,
                mixture: [(first, 1.0), (second, share)],
                gain: rng.random_range(1.5..3.0),
                base: rng.random_range(0.02..0.2),
            }
        };
        (0..self.neurons).map(neuron).collect()
    }

    /// Places the neurons in the cortex: a linear map of the visual field, turned
    /// and stretched for each animal, with some scatter, in micrometres.
    fn cortex(&self, neurons: &[Neuron]) -> Vec<[f32; 3]> {
        let mut rng = stream(self.seed, Purpose::Population, [1, 0]);
        let turn = rng.random_range(0.0..std::f32::consts::TAU);
        let stretch = [rng.random_range(8.0..12.0), rng.random_range(12.0..18.0)];
        let (sin, cos) = turn.sin_cos();
        let place = |neuron: &Neuron| {
            let [x, y] = neuron.centre;
            let (x, y) = (stretch[0] * x, stretch[1] * y);
            let mut scatter = || -> f32 { StandardNormal.sample(&mut rng) };
            let at = [cos * x - sin * y + 10.0 * scatter(), sin * x + cos * y + 10.0 * scatter()];
            [at[0], at[1], 200.0 + 40.0 * scatter()]
        };
        neurons.iter().map(place).collect()
    }
}

impl Neuron {
    /// Returns the mean response to an image.
    fn mean(&self, image: &[f32], features: &[Feature]) -> f32 {
        let drive: f32 = self
            .mixture
            .iter()
            .map(|&(feature, weight)| weight * features[feature].response(image, self.centre))
            .sum();
        self.base + self.gain * drive.max(0.0)
    }
}

impl Feature {
    /// Returns its response at a place: the half-wave of one phase, or the energy
    /// of both, for contrasts of the image around its local mean.
    fn response(&self, image: &[f32], centre: [f32; 2]) -> f32 {
        let (height, width) = SIZE;
        let (sin, cos) = self.orientation.sin_cos();
        let (mut even, mut odd, mut energy, mut sums) = (0.0, 0.0, 0.0_f32, [0.0_f32; 3]);
        let (column, row) = (centre[0].round() as i32, centre[1].round() as i32);
        for dy in -REACH..=REACH {
            for dx in -REACH..=REACH {
                let (x, y) = (column + dx, row + dy);
                if x < 0 || y < 0 || x as usize >= width || y as usize >= height {
                    continue;
                }
                let (u, v) = (x as f32 - centre[0], y as f32 - centre[1]);
                let envelope = (-(u * u + v * v) / (2.0 * self.sigma * self.sigma)).exp();
                let angle =
                    std::f32::consts::TAU * self.frequency * (u * cos + v * sin) + self.phase;
                let pixel = image[y as usize * width + x as usize] / 255.0;
                let (wave_odd, wave_even) = angle.sin_cos();
                even += envelope * wave_even * pixel;
                odd += envelope * wave_odd * pixel;
                energy += envelope;
                sums[0] += envelope * wave_even;
                sums[1] += envelope * wave_odd;
                sums[2] += envelope * pixel;
            }
        }
        if energy <= 0.0 {
            return 0.0;
        }
        // Neither phase sees the mean.
        let mean = sums[2] / energy;
        let (even, odd) = ((even - mean * sums[0]) / energy, (odd - mean * sums[1]) / energy);
        let amplitude = if self.is_complex { even.hypot(odd) } else { even.max(0.0) };
        20.0 * amplitude
    }
}

fn features() -> Vec<Feature> {
    let mut rng = stream(SPECIES, Purpose::Population, [3, 0]);
    let feature = |index: usize| Feature {
        orientation: std::f32::consts::PI * (index as f32 + rng.random::<f32>()) / FEATURES as f32,
        frequency: rng.random_range(0.08..0.2),
        phase: rng.random_range(0.0..std::f32::consts::TAU),
        sigma: rng.random_range(1.8..3.2),
        is_complex: index % 3 == 0,
    };
    let mut features: Vec<Feature> = (0..FEATURES).map(feature).collect();
    features.shuffle(&mut rng);
    features
}

/// Cuts grey images out of rendered ones, several of each.
fn images(seed: u64, count: usize) -> Vec<f32> {
    let (height, width) = SIZE;
    let side = SYNTHETIC_SIDE as usize;
    let (rows, columns) = (side / height, side / width);
    let mut images = Vec::with_capacity(count * height * width);
    let mut made = 0;
    for index in 0.. {
        let image = Synthetic { seed: seed ^ (SPECIES << 32), index }.render();
        for cut in 0..rows * columns {
            if made == count {
                return images;
            }
            let (top, left) = (cut / columns * height, cut % columns * width);
            for y in 0..height {
                for x in 0..width {
                    let [r, g, b] = image.get_pixel((left + x) as u32, (top + y) as u32).0;
                    let luma = 0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b);
                    images.push(luma.round());
                }
            }
            made += 1;
        }
    }
    images
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(seed: u64) -> Session {
        Simulation { neurons: 12, images: 60, seed }.session()
    }

    #[test]
    fn an_animal_is_the_same_again_and_differs_from_others() {
        let (first, again, other) = (session(1), session(1), session(2));
        assert_eq!(first.responses, again.responses);
        assert_ne!(first.responses, other.responses);
        assert_ne!(first.images, other.images);
        first.check().expect("enough of every tier");
        let repeated = first.repeated();
        assert_eq!((repeated.images.len(), repeated.repeats), (8, TEST_REPEATS));
        assert_eq!((repeated.shown_once, repeated.surplus), (0, 0));
    }

    #[test]
    fn a_neuron_sees_its_centre_and_nothing_far_from_it() {
        let (features, simulation) = (features(), Simulation { neurons: 20, images: 60, seed: 3 });
        let (height, width) = SIZE;
        for neuron in simulation.population() {
            let base = vec![128.0; height * width];
            let grey = neuron.mean(&base, &features);
            assert!((grey - neuron.base).abs() < 1e-3, "{grey} {}", neuron.base);
            let [column, row] = neuron.centre.map(|at| at.round() as usize);
            let (mut near, mut far) = (base.clone(), base.clone());
            for y in 0..height {
                for x in 0..width {
                    let distance = x.abs_diff(column).max(y.abs_diff(row));
                    if distance > REACH as usize {
                        far[y * width + x] = 255.0;
                    } else if x < column {
                        near[y * width + x] = 255.0;
                    }
                }
            }
            assert!((neuron.mean(&far, &features) - grey).abs() < 1e-3);
            let flipped: Vec<f32> = near.iter().map(|value| 256.0 - value).collect();
            let driven = neuron.mean(&near, &features).max(neuron.mean(&flipped, &features));
            assert!(driven > grey, "{neuron:?}");
        }
    }

    #[test]
    fn the_oracle_says_that_there_is_signal_and_noise() {
        let session = Simulation { neurons: 12, images: 160, seed: 4 }.session();
        let repeated = session.repeated();
        let repeats = repeated.for_measures(session.neurons()).expect("repeats");
        let oracles: Vec<f64> =
            (0..session.neurons()).map(|neuron| repeats.of(neuron).oracle_jackknife()).collect();
        let median = lcl_numerics::statistics::median(&oracles).expect("neurons");
        assert!((0.3..0.9).contains(&median), "{oracles:?}");
    }
}
