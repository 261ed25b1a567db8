//! Recorded responses, and what of them can be used.

use ndarray::{Array2, ArrayView1};
use serde::Serialize;

use super::random_state::RandomState;
use lcl_numerics::statistics::{mean, pearson};

/// Largest responses that are taken as they are.
const USUAL: std::ops::Range<f64> = 1e-3..1e6;

/// The stimuli of a recording, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stimuli {
    /// Nothing is said of them: the images in sorted order of their paths.
    InOrder(usize),
    /// Names of image files, with or without folder and ending.
    Names(Vec<String>),
    /// Textures and their spectrum-matched noise.
    Textures(Vec<Texture>),
}

/// A sample of a texture family, or of its noise (Freeman et al. 2013).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Texture {
    /// `tex` or `noise`.
    pub kind: String,
    /// Name or number of the family.
    pub family: String,
    /// Number of the sample, from 1.
    pub sample: u32,
}

impl Texture {
    /// Reads a name such as `tex-320x320-im327-smp1` or `noise-320-327-smp15`,
    /// without folder and ending.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let (kind, rest) = name.split_once('-')?;
        let (_, rest) = rest.split_once('-')?;
        let (family, sample) = rest.rsplit_once('-').filter(|(family, _)| !family.is_empty())?;
        let number = family.strip_prefix("im").filter(|rest| rest.parse::<u32>().is_ok());
        let family = number.unwrap_or(family).to_owned();
        let sample = sample.strip_prefix("smp")?.parse().ok()?;
        let kind = ["tex", "noise"].into_iter().find(|known| *known == kind)?.to_owned();
        Some(Self { kind, family, sample })
    }
}

impl Stimuli {
    /// Returns the number of stimuli.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::InOrder(count) => *count,
            Self::Names(names) => names.len(),
            Self::Textures(textures) => textures.len(),
        }
    }

    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Responses of neurons to repeated stimuli.
#[derive(Clone, Debug, PartialEq)]
pub struct Responses {
    /// The stimuli.
    pub stimuli: Stimuli,
    /// Most trials of a stimulus.
    pub repetitions: usize,
    /// Neurons.
    pub neurons: usize,
    /// `[stimuli, repetitions, neurons]`; NaN where there was no trial.
    pub trials: Vec<f64>,
}

/// Neurons that are left out, and what to know of those that are not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exclusions {
    /// Neurons with fewer than two trials of some stimulus.
    pub too_few_trials: Vec<usize>,
    /// Neurons whose responses are all zero.
    pub silent: Vec<usize>,
    /// Neurons whose mean responses to all stimuli are equal.
    pub constant: Vec<usize>,
    /// Neurons that are used, but have more trials of one stimulus than of
    /// another.
    pub unequal_trials: Vec<usize>,
}

impl Responses {
    /// Sorts neurons into those that can be used, which are returned, and those
    /// that cannot.
    #[must_use]
    pub fn usable(&self) -> (Vec<usize>, Exclusions) {
        let mut exclusions = Exclusions::default();
        let mut used = Vec::new();
        for neuron in 0..self.neurons {
            let counts: Vec<usize> = (0..self.stimuli.len())
                .map(|stimulus| self.present(stimulus, neuron).count())
                .collect();
            if counts.iter().any(|&count| count < 2) {
                exclusions.too_few_trials.push(neuron);
                continue;
            }
            let means = self.means_of(neuron);
            let most = means.iter().fold(f64::NEG_INFINITY, |most, value| most.max(*value));
            let least = means.iter().fold(f64::INFINITY, |least, value| least.min(*value));
            let mut all = (0..counts.len()).flat_map(|stimulus| self.present(stimulus, neuron));
            // Means of equal responses may differ by rounding.
            if all.all(|(_, value)| value == 0.0) {
                exclusions.silent.push(neuron);
                continue;
            } else if most - least <= 1e-12 * most.abs().max(least.abs()) {
                exclusions.constant.push(neuron);
                continue;
            }
            if counts.iter().any(|count| count != &counts[0]) {
                exclusions.unequal_trials.push(neuron);
            }
            used.push(neuron);
        }
        (used, exclusions)
    }

    /// Returns the mean over trials of some neurons, `[stimuli, neurons]`.
    ///
    /// Where all are tiny, recordings in tesla for instance, or huge, they are in
    /// units of a power of two instead: the regression compares responses with
    /// the rounding of numbers around 1.
    #[must_use]
    pub fn means(&self, neurons: &[usize]) -> Array2<f64> {
        let columns: Vec<Vec<f64>> = neurons.iter().map(|&neuron| self.means_of(neuron)).collect();
        let most = columns.iter().flatten().fold(0.0, |most: f64, value| most.max(value.abs()));
        let unit =
            if most == 0.0 || USUAL.contains(&most) { 1.0 } else { most.log2().floor().exp2() };
        Array2::from_shape_fn((self.stimuli.len(), neurons.len()), |(stimulus, neuron)| {
            columns[neuron][stimulus] / unit
        })
    }

    /// Returns the reliability of some neurons, `[halvings, neurons]`: the
    /// correlation over stimuli of the mean responses in two random halves of
    /// the trials, corrected to all trials, `2r / (1 + r)` (Spearman 1910,
    /// Brown 1910). NaN where a half does not vary.
    ///
    /// Of an odd number of trials one, at random, is left out. The correlation
    /// of measured responses with the best possible prediction is the square
    /// root of this; \[Schrimpf2018\] takes it itself as the ceiling, which is
    /// smaller, so that what is divided by it is biased upwards. It assumes that
    /// trials are independent and equally variable: drifts common to a half
    /// bias it downwards.
    #[must_use]
    pub fn reliability(&self, neurons: &[usize], halvings: usize, seed: u32) -> Array2<f64> {
        let mut random = RandomState::new(seed);
        let mut reliability = Array2::from_elem((halvings, neurons.len()), f64::NAN);
        for mut row in reliability.rows_mut() {
            let order = random.permutation(self.repetitions);
            for (value, &neuron) in row.iter_mut().zip(neurons) {
                let [a, b] = self.halves(neuron, &order);
                *value = pearson(&a, &b).map_or(f64::NAN, |r| 2.0 * r / (1.0 + r));
            }
        }
        reliability
    }

    /// Returns the mean responses to each stimulus in two halves of its trials.
    fn halves(&self, neuron: usize, order: &[usize]) -> [Vec<f64>; 2] {
        let mut halves = [Vec::new(), Vec::new()];
        for stimulus in 0..self.stimuli.len() {
            let trials = order.iter().map(|&repetition| self.trial(stimulus, repetition, neuron));
            let trials: Vec<f64> = trials.filter(|value| !value.is_nan()).collect();
            let half = trials.len() / 2;
            for (means, trials) in halves.iter_mut().zip(trials.chunks_exact(half.max(1))) {
                means.extend(mean(trials));
            }
        }
        halves
    }

    fn means_of(&self, neuron: usize) -> Vec<f64> {
        let of = |stimulus| {
            let trials: Vec<f64> = self.present(stimulus, neuron).map(|(_, value)| value).collect();
            mean(&trials).unwrap_or(f64::NAN)
        };
        (0..self.stimuli.len()).map(of).collect()
    }

    fn present(&self, stimulus: usize, neuron: usize) -> impl Iterator<Item = (usize, f64)> {
        let trials = (0..self.repetitions).map(move |r| (r, self.trial(stimulus, r, neuron)));
        trials.filter(|(_, value)| !value.is_nan())
    }

    fn trial(&self, stimulus: usize, repetition: usize, neuron: usize) -> f64 {
        self.trials[(stimulus * self.repetitions + repetition) * self.neurons + neuron]
    }
}

/// Returns the correlation of what was predicted with what was measured, or NaN
/// where one of them does not vary.
pub(super) fn correlation(predicted: ArrayView1<f64>, measured: ArrayView1<f64>) -> f64 {
    pearson(&predicted.to_vec(), &measured.to_vec()).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, Normal, StandardNormal};

    use super::*;

    /// Four stimuli, three repetitions, and neurons of each sort.
    fn of_every_sort() -> Responses {
        let (stimuli, repetitions, neurons) = (4, 3, 6);
        let mut trials = Vec::new();
        for stimulus in 0..stimuli {
            for repetition in 0..repetitions {
                let signal = [1.0, 5.0, 2.0, 4.0][stimulus];
                let missing = |here: bool| if here { f64::NAN } else { signal };
                trials.extend([
                    signal,
                    0.0,
                    0.3,
                    missing(stimulus == 2 && repetition > 0),
                    missing(stimulus == 1 && repetition == 1),
                    f64::NAN,
                ]);
            }
        }
        Responses { stimuli: Stimuli::InOrder(stimuli), repetitions, neurons, trials }
    }

    #[test]
    fn neurons_that_cannot_be_used_are_counted() {
        let responses = of_every_sort();
        let (used, excluded) = responses.usable();
        assert_eq!(used, [0, 4]);
        let expected = Exclusions {
            too_few_trials: vec![3, 5],
            silent: vec![1],
            constant: vec![2],
            unequal_trials: vec![4],
        };
        assert_eq!(excluded, expected);
        assert_eq!(responses.means(&used).column(1).to_vec(), [1.0, 5.0, 2.0, 4.0]);
        // Without noise both halves are equal.
        let reliability = responses.reliability(&used, 3, 1);
        assert!(reliability.iter().all(|r| (r - 1.0).abs() < 1e-12), "{reliability}");
    }

    #[test]
    fn reliability_is_the_share_of_the_signal() {
        // The reliability of a mean over R trials is S / (S + V / R), with the
        // variances S of the signal and V of the noise.
        let (stimuli, repetitions, neurons) = (800, 10, 4);
        let variances = [0.0, 2.0, 10.0, 40.0];
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let mut trials = Vec::new();
        for _ in 0..stimuli {
            let signal: f64 = StandardNormal.sample(&mut random);
            for _ in 0..repetitions {
                trials.extend(variances.map(|variance: f64| {
                    let noise = Normal::new(0.0, variance.sqrt()).expect("a variance");
                    signal + noise.sample(&mut random)
                }));
            }
        }
        let responses =
            Responses { stimuli: Stimuli::InOrder(stimuli), repetitions, neurons, trials };
        let reliability = responses.reliability(&[0, 1, 2, 3], 10, 1);
        for (neuron, variance) in variances.into_iter().enumerate() {
            let expected = 1.0 / (1.0 + variance / 10.0);
            let got = mean(&reliability.column(neuron).to_vec()).expect("halvings");
            // Four standard errors of a correlation of 0.1 over 800 stimuli are 0.14,
            // and the correction doubles them; halvings share their trials.
            assert!((got - expected).abs() < 0.1, "{variance}: {got} {expected}");
        }
    }

    #[test]
    fn names_of_textures() {
        let texture = |kind: &str, family: &str, sample| {
            Some(Texture { kind: kind.to_owned(), family: family.to_owned(), sample })
        };
        for (name, expected) in [
            ("tex-320x320-im327-smp1", texture("tex", "327", 1)),
            ("noise-160-13-smp15", texture("noise", "13", 15)),
            ("tex-160-image-smp03", texture("tex", "image", 3)),
            ("noise-160-white-brick-smp2", texture("noise", "white-brick", 2)),
            ("tex-320x320-im327", None),
            ("photo-1-2-smp3", None),
            ("tex-1-2-smpx", None),
        ] {
            assert_eq!(Texture::from_name(name), expected, "{name}");
        }
    }
}
