//! One session in memory.

use lcl_numerics::statistics::standard_deviation;

use super::DataError;
use crate::measures::Repeats;

/// What a trial is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Weights are fitted to it.
    Train,
    /// Rates and the end of the fit follow from it.
    Validation,
    /// Scores are of it; its images are shown several times.
    Test,
    /// Held back; it is not read.
    FinalTest,
}

impl Tier {
    /// Returns the tier of a name of the layout.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "train" => Self::Train,
            "validation" => Self::Validation,
            "test" => Self::Test,
            "final_test" => Self::FinalTest,
            _ => return None,
        })
    }
}

/// One image that was shown once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Which of the session's images.
    pub image: usize,
    /// What it is for.
    pub tier: Tier,
}

/// Neurons that were left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Excluded {
    /// With a response that is not finite.
    pub not_finite: usize,
    /// Without any response in training.
    pub silent: usize,
}

/// What is known of simulated neurons.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// Centre of each receptive field, (x, y), in pixels of the image.
    pub centres: Vec<[f32; 2]>,
    /// Response to each test image without noise, `[images, neurons]`, in the
    /// order of [`Repeated::images`].
    pub noiseless: Vec<f64>,
}

/// Images, trials and responses of one animal.
#[derive(Clone, Debug)]
pub struct Session {
    /// What it is called: its folder, or the simulation.
    pub name: String,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Grey images, raw, `[images, height, width]`.
    pub images: Vec<f32>,
    /// What was shown.
    pub trials: Vec<Trial>,
    /// Responses, `[trials, neurons]`, not negative as a rule.
    pub responses: Vec<f32>,
    /// A number for each neuron.
    pub ids: Vec<i64>,
    /// Cortical position of each neuron, in micrometres, if known.
    pub positions: Option<Vec<[f32; 3]>>,
    /// Neurons that were left out.
    pub excluded: Excluded,
    /// Standard deviation of each neuron that the layout brings along.
    pub stored_std: Option<Vec<f64>>,
    /// What is known of a simulation.
    pub truth: Option<Truth>,
}

/// Test images and their repeats, equally many of each.
#[derive(Clone, Debug)]
pub struct Repeated {
    /// The images, of the session's.
    pub images: Vec<usize>,
    /// Repeats of each.
    pub repeats: usize,
    /// Responses, `[images, repeats, neurons]`, as recorded.
    pub responses: Vec<f64>,
    /// Images that were left out, as they were shown less than twice.
    pub shown_once: usize,
    /// Trials that were left out, as other images have fewer.
    pub surplus: usize,
}

impl Session {
    /// Returns the number of neurons.
    #[must_use]
    pub fn neurons(&self) -> usize {
        self.ids.len()
    }

    /// Returns one image, `[height, width]`.
    #[must_use]
    pub fn image(&self, index: usize) -> &[f32] {
        let len = self.height * self.width;
        &self.images[index * len..][..len]
    }

    /// Returns the responses of one trial, `[neurons]`.
    #[must_use]
    pub fn response(&self, trial: usize) -> &[f32] {
        &self.responses[trial * self.neurons()..][..self.neurons()]
    }

    /// Returns the trials of a tier, in order.
    #[must_use]
    pub fn of_tier(&self, tier: Tier) -> Vec<usize> {
        let of_tier = |(_, trial): &(usize, &Trial)| trial.tier == tier;
        self.trials.iter().enumerate().filter(of_tier).map(|(index, _)| index).collect()
    }

    /// Returns what each neuron's responses are divided by: its standard
    /// deviation, that which the layout brings along or that over the training
    /// trials; where that is at most 1 % of the mean one, that 1 %. No mean is
    /// removed.
    #[must_use]
    pub fn response_scale(&self) -> Vec<f64> {
        let deviations = self.stored_std.clone().unwrap_or_else(|| {
            let train = self.of_tier(Tier::Train);
            let of = |neuron: usize| {
                let values: Vec<f64> =
                    train.iter().map(|&trial| self.response(trial)[neuron].into()).collect();
                standard_deviation(&values, 0).unwrap_or_default()
            };
            (0..self.neurons()).map(of).collect()
        });
        let mean = deviations.iter().sum::<f64>() / deviations.len().max(1) as f64;
        let least = 0.01 * mean;
        deviations.into_iter().map(|std| if std > least { std } else { least }).collect()
    }

    /// Returns the cortical positions for a linear map to the visual field: over
    /// the first two axes, centred, divided by one largest magnitude.
    ///
    /// # Errors
    ///
    /// When the session has none.
    pub fn cortical_plane(&self) -> Result<Vec<[f32; 2]>, DataError> {
        let positions = self
            .positions
            .as_ref()
            .ok_or_else(|| DataError::NoPositions { session: self.name.clone() })?;
        let count = positions.len().max(1) as f32;
        let centre = [0, 1].map(|axis| positions.iter().map(|at| at[axis]).sum::<f32>() / count);
        let centred: Vec<[f32; 2]> =
            positions.iter().map(|at| [at[0] - centre[0], at[1] - centre[1]]).collect();
        let largest = centred.iter().flatten().fold(0.0_f32, |most, value| most.max(value.abs()));
        let largest = if largest > 0.0 { largest } else { 1.0 };
        Ok(centred.into_iter().map(|at| at.map(|value| value / largest)).collect())
    }

    /// Returns the test images that were shown at least twice, each with as many
    /// repeats as that with the fewest.
    #[must_use]
    pub fn repeated(&self) -> Repeated {
        let mut shown: Vec<(usize, Vec<usize>)> = Vec::new();
        for trial in self.of_tier(Tier::Test) {
            let image = self.trials[trial].image;
            match shown.iter_mut().find(|(of, _)| *of == image) {
                Some((_, trials)) => trials.push(trial),
                None => shown.push((image, vec![trial])),
            }
        }
        let all = shown.len();
        shown.retain(|(_, trials)| trials.len() > 1);
        let repeats = shown.iter().map(|(_, trials)| trials.len()).min().unwrap_or_default();
        let surplus = shown.iter().map(|(_, trials)| trials.len() - repeats).sum();
        let trials = shown.iter().flat_map(|(_, trials)| &trials[..repeats]);
        let responses =
            trials.flat_map(|&trial| self.response(trial)).map(|&value| value.into()).collect();
        let shown_once = all - shown.len();
        let images = shown.into_iter().map(|(image, _)| image).collect();
        Repeated { images, repeats, responses, shown_once, surplus }
    }

    /// Leaves out neurons that no fit can use, and counts them.
    ///
    /// # Errors
    ///
    /// When none is left.
    pub(super) fn exclude(mut self) -> Result<Self, DataError> {
        let train = self.of_tier(Tier::Train);
        let (mut excluded, mut kept) = (Excluded::default(), Vec::new());
        for neuron in 0..self.neurons() {
            let value = |trial: usize| self.response(trial)[neuron];
            if !(0..self.trials.len()).all(|trial| value(trial).is_finite()) {
                excluded.not_finite += 1;
            } else if train.iter().all(|&trial| value(trial) <= 0.0) {
                excluded.silent += 1;
            } else {
                kept.push(neuron);
            }
        }
        if kept.is_empty() {
            let Excluded { not_finite, silent } = excluded;
            return Err(DataError::NoNeurons { session: self.name, not_finite, silent });
        }
        let trials = 0..self.trials.len();
        self.responses = trials
            .flat_map(|trial| {
                let row = self.response(trial);
                kept.iter().map(|&neuron| row[neuron]).collect::<Vec<_>>()
            })
            .collect();
        self.positions = self.positions.map(|all| kept.iter().map(|&at| all[at]).collect());
        self.stored_std = self.stored_std.map(|all| kept.iter().map(|&at| all[at]).collect());
        self.ids = kept.iter().map(|&at| self.ids[at]).collect();
        self.excluded = excluded;
        Ok(self)
    }

    /// Checks that there is something to fit and something to score.
    ///
    /// # Errors
    ///
    /// When a tier has too few trials.
    pub fn check(&self) -> Result<(), DataError> {
        for (tier, name, least) in [
            (Tier::Train, "train", 2),
            (Tier::Validation, "validation", 2),
            (Tier::Test, "test", 2),
        ] {
            let got = self.of_tier(tier).len();
            if got < least {
                let session = self.name.clone();
                return Err(DataError::TooFewTrials { session, tier: name, least, got });
            }
        }
        Ok(())
    }
}

impl Repeated {
    /// Returns the responses for measures; `None` without any repeat.
    #[must_use]
    pub fn for_measures(&self, neurons: usize) -> Option<Repeats<'_>> {
        (self.repeats > 1)
            .then(|| Repeats::new(&self.responses, self.repeats, neurons).ok())
            .flatten()
    }
}
