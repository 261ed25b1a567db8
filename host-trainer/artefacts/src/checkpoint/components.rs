//! Components of V1 in a checkpoint: which there are, and their tensors.
//!
//! One list, [`ComponentsConfig::tensors`], says for every component the names,
//! shapes and initial values of its tensors; reading, writing and drawing go
//! through it. docs/components.md has the equations.

use documented::DocumentedFields;
use lcl_infer::{LCL_V2, LayerKind};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::{AREA_CHANNELS, ModelConfig};
use crate::random::{Purpose, stream};

/// Channels of V1 that centre–surround mixes, its first quarter.
pub const SURROUND_CHANNELS: usize = V1_CHANNELS / 4;

const V1_CHANNELS: usize = AREA_CHANNELS[0];

/// Least side of a map that magnification finds pixels in for every ring.
const LEAST_MAGNIFIED: usize = 32;

/// Largest side of images for which tables and weights of each place are made.
const MOST_SIDE: usize = 256;

/// Place of the first random stream of components, after those of predictors.
const FIRST_STREAM: u64 = 32;

/// What V1 has beside its convolution, batch norm, ReLU and pool, and what
/// stands in front of it (docs/components.md). What is left out is not there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct ComponentsConfig {
    /// Centre–surround antagonism on a quarter of the channels: `dog`, or
    /// `dog-as-published`, which has no surround.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub centre_surround: Option<Surround>,
    /// Whether there are local receptive fields, 3×3, with weights of their own
    /// at each place.
    pub local: bool,
    /// Probability that a channel is dropped in front of local fields while
    /// training.
    pub local_dropout: f32,
    /// Normalisation behind these: `tuned`, by opponent channels, or `divisive`,
    /// by all channels around.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalisation: Option<Normalisation>,
    /// Whether cortical magnification takes the place of V1's pool.
    pub magnification: bool,
    /// The retina in front of the first convolution: `colour-opponent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retina: Option<RetinaName>,
    /// Whether a ReLU stands behind centre–surround and behind local fields.
    pub rectify: bool,
}

impl Default for ComponentsConfig {
    fn default() -> Self {
        Self {
            centre_surround: None,
            local: false,
            local_dropout: 0.0,
            normalisation: None,
            magnification: false,
            retina: None,
            rectify: true,
        }
    }
}

/// The form of centre–surround antagonism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Surround {
    /// A difference of normalised Gaussians.
    Dog,
    /// As the public code of the paper computes it, of one sign everywhere.
    DogAsPublished,
}

/// The kind of normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalisation {
    /// By opponent channels at the same place.
    Tuned,
    /// By all channels around.
    Divisive,
}

/// The retina.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetinaName {
    /// ON and OFF of luminance, red against green and blue against yellow.
    ColourOpponent,
}

impl RetinaName {
    /// Returns the channels that it hands to the first convolution.
    #[must_use]
    pub fn channels(self) -> usize {
        match self {
            Self::ColourOpponent => 6,
        }
    }
}

/// Components that cannot be in a model as they are set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}; it must be {expected}")]
pub struct Misfit {
    /// The field, as `section.field`.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What it may be.
    pub expected: &'static str,
}

/// Which components a model has, and their tensors.
#[derive(Clone, Debug, PartialEq)]
pub struct Components {
    /// Which there are.
    pub settings: ComponentsConfig,
    /// All their tensors, in the order of the components.
    pub tensors: Vec<ComponentTensor>,
}

/// A tensor of a component.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentTensor {
    /// Its name behind `layer1.`: `tuned_norm.sigma`.
    pub name: String,
    /// Length of every dimension, outermost first.
    pub shape: Vec<usize>,
    /// As many values as the shape holds.
    pub values: Vec<f32>,
}

/// The name, the shape and the initial values of a component's tensor.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TensorPlan {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    start: Start,
}

/// Initial values.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Start {
    /// Uniform between these.
    Uniform(f64, f64),
    /// Normal, of this mean and standard deviation.
    Normal(f64, f64),
}

impl ComponentsConfig {
    /// Returns the components by name, as a configuration calls them.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let surround = self.centre_surround.map(|form| match form {
            Surround::Dog => "centre-surround (dog)",
            Surround::DogAsPublished => "centre-surround (dog-as-published)",
        });
        let normalisation = self.normalisation.map(|kind| match kind {
            Normalisation::Tuned => "tuned normalisation",
            Normalisation::Divisive => "divisive normalisation",
        });
        let retina = self.retina.map(|RetinaName::ColourOpponent| "a colour-opponent retina");
        let local = self.local.then_some("local fields");
        let magnification = self.magnification.then_some("magnification");
        [retina, surround, local, normalisation, magnification].into_iter().flatten().collect()
    }

    /// Checks that the components fit each other and the model.
    ///
    /// # Errors
    ///
    /// Names the first field that does not fit, and what it must be.
    pub fn check(&self, model: ModelConfig) -> Result<(), Misfit> {
        let misfit = |field, value: &dyn ToString, expected| {
            Err(Misfit { field, value: value.to_string(), expected })
        };
        if self.names().is_empty() {
            let expected = "one or more of centre_surround, local, normalisation, magnification \
                            and retina; or leave [components] out";
            return misfit("components", &"without any component", expected);
        }
        if !(0.0..1.0).contains(&self.local_dropout) {
            return misfit("components.local_dropout", &self.local_dropout, "in 0 to 1, below 1");
        }
        if self.local_dropout > 0.0 && !self.local {
            let expected = "0 without local = true, in front of which it stands";
            return misfit("components.local_dropout", &self.local_dropout, expected);
        }
        let signed = !self.rectify && (self.centre_surround.is_some() || self.local);
        if signed && self.normalisation.is_some() {
            let expected = "true with a normalisation, which divides by sums of what a ReLU has \
                            kept at 0 or above";
            return misfit("components.rectify", &false, expected);
        }
        let side = model.input_side;
        if side == 0 && (self.local || self.magnification) {
            let expected = "a size, 128 for instance, with local fields or magnification, which \
                            fix the size of the map";
            return misfit("model.input_side", &side, expected);
        }
        let map = map_side(side);
        if self.magnification && (map < LEAST_MAGNIFIED || map % 2 != 0) {
            let expected = "128, 136, 144 and so on with magnification, whose rings need a map of \
                            the first convolution of an even side from 32 on";
            return misfit("model.input_side", &side, expected);
        }
        if side > MOST_SIDE && (self.local || self.magnification) {
            let expected = "at most 256 with local fields or magnification";
            return misfit("model.input_side", &side, expected);
        }
        Ok(())
    }

    /// Returns the tensors that the components have in a model of images of
    /// `input_side` pixels, in order.
    pub(super) fn tensors(&self, input_side: usize) -> Vec<TensorPlan> {
        use Start::{Normal, Uniform};
        let mut plans = Vec::new();
        let mut plan = |name: &str, shape: &[usize], start| {
            plans.push(TensorPlan { name: name.to_owned(), shape: shape.to_vec(), start });
        };
        if self.centre_surround.is_some() {
            let pairs = [SURROUND_CHANNELS * SURROUND_CHANNELS];
            plan("centre_surround.sigma1", &pairs, Uniform(1.0, 2.0));
            plan("centre_surround.scale", &pairs, Uniform(1.0, 2.0));
            plan("centre_surround.amplitude", &pairs, Normal(0.0, 2.0));
        }
        if self.local {
            let side = map_side(input_side);
            let shape = [V1_CHANNELS, V1_CHANNELS, side, side, 9];
            plan("local.weight", &shape, Normal(0.0, 1.0));
        }
        let pairs = [V1_CHANNELS; 2];
        match self.normalisation {
            None => {}
            Some(Normalisation::Tuned) => {
                let least = V1_CHANNELS as f64 / 8.0;
                plan("tuned_norm.sigma", &[V1_CHANNELS], Uniform(least, least + 1.0));
            }
            Some(Normalisation::Divisive) => {
                plan("divisive_norm.amplitude", &pairs, Uniform(0.0, 1.0));
                plan("divisive_norm.rho", &pairs, Uniform(1.0, 2.0));
                plan("divisive_norm.sigma", &pairs, Uniform(1.0, 2.0));
                plan("divisive_norm.theta", &pairs, Uniform(0.0, std::f64::consts::TAU));
                plan("divisive_norm.v", &pairs, Normal(1.0, 1.0));
                plan("divisive_norm.w", &pairs, Normal(1.0, 1.0));
                plan("divisive_norm.bias", &[1], Uniform(1.0, 2.0));
            }
        }
        plans
    }
}

impl Components {
    /// Draws initial values for a model of images of `input_side` pixels.
    #[must_use]
    pub fn initial(settings: ComponentsConfig, input_side: usize, seed: u64) -> Self {
        let plans = settings.tensors(input_side);
        let tensors =
            (FIRST_STREAM..).zip(plans).map(|(place, TensorPlan { name, shape, start })| {
                let mut rng = stream(seed, Purpose::Weights, [place, 0]);
                let count = shape.iter().product::<usize>();
                let values = (0..count).map(|_| start.draw(&mut rng)).collect();
                ComponentTensor { name, shape, values }
            });
        Self { settings, tensors: tensors.collect() }
    }

    /// Returns the tensor of that name behind `layer1.`.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&ComponentTensor> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }
}

impl Start {
    #[allow(clippy::cast_possible_truncation, reason = "weights have 32 bits")]
    fn draw(self, rng: &mut impl Rng) -> f32 {
        match self {
            Self::Uniform(least, most) => rng.random_range(least..most) as f32,
            Self::Normal(mean, deviation) => {
                let normal: f64 = StandardNormal.sample(rng);
                (mean + deviation * normal) as f32
            }
        }
    }
}

/// Returns the side of the first convolution's map of images of that side.
fn map_side(input_side: usize) -> usize {
    match LCL_V2.layers().first().map(|layer| layer.kind) {
        Some(LayerKind::Conv(conv1)) => conv1.out_side(input_side),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TUNED: ComponentsConfig = ComponentsConfig {
        centre_surround: None,
        local: false,
        local_dropout: 0.0,
        normalisation: Some(Normalisation::Tuned),
        magnification: false,
        retina: None,
        rectify: true,
    };

    fn model(input_side: usize) -> ModelConfig {
        ModelConfig { input_side, ..ModelConfig::default() }
    }

    #[test]
    fn what_cannot_stand_is_refused_with_what_can() {
        let surround = Some(Surround::Dog);
        let magnified = ComponentsConfig { magnification: true, ..TUNED };
        for (settings, side, expected) in [
            (ComponentsConfig::default(), 0, "components is without any component"),
            (ComponentsConfig { local: true, ..TUNED }, 0, "model.input_side is 0"),
            (magnified, 0, "model.input_side is 0"),
            (magnified, 96, "model.input_side is 96; it must be 128, 136"),
            (magnified, 129, "even side"),
            (magnified, 8000, "at most 256"),
            (
                ComponentsConfig { centre_surround: surround, rectify: false, ..TUNED },
                0,
                "components.rectify is false; it must be true",
            ),
            (ComponentsConfig { local_dropout: 0.5, ..TUNED }, 0, "0 without local"),
            (ComponentsConfig { local_dropout: 1.0, local: true, ..TUNED }, 128, "below 1"),
        ] {
            let error = settings.check(model(side)).expect_err("a misfit").to_string();
            assert!(error.contains(expected), "{error}");
        }
        for (settings, side) in [
            (TUNED, 0),
            (magnified, 125),
            (magnified, 128),
            (magnified, 136),
            (ComponentsConfig { normalisation: None, centre_surround: surround, ..TUNED }, 0),
            (ComponentsConfig { local: true, local_dropout: 0.5, ..TUNED }, 48),
            (ComponentsConfig { rectify: false, ..TUNED }, 0),
        ] {
            assert_eq!(settings.check(model(side)), Ok(()), "{settings:?}");
        }
    }

    #[test]
    fn initial_values_are_in_their_ranges() {
        let settings = ComponentsConfig {
            centre_surround: Some(Surround::Dog),
            local: true,
            normalisation: Some(Normalisation::Divisive),
            ..TUNED
        };
        let drawn = Components::initial(settings, 8, 5);
        assert_eq!(drawn, Components::initial(settings, 8, 5));
        assert_ne!(drawn, Components::initial(settings, 8, 6));
        assert_eq!(drawn.tensors.len(), 3 + 1 + 7);
        let of = |name: &str| drawn.tensor(name).expect(name);
        let moments = |name: &str| {
            let values = &of(name).values;
            let count = values.len() as f64;
            let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
            let square = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
            (mean, square.sqrt())
        };
        assert_eq!(of("local.weight").shape, [64, 64, 2, 2, 9]);
        assert_eq!(of("centre_surround.scale").shape, [256]);
        assert_eq!(of("divisive_norm.theta").shape, [64, 64]);
        let (mean, deviation) = moments("local.weight");
        assert!(mean.abs() < 0.02 && (deviation - 1.0).abs() < 0.02, "{mean} {deviation}");
        let (mean, deviation) = moments("divisive_norm.v");
        assert!((mean - 1.0).abs() < 0.1 && (deviation - 1.0).abs() < 0.1, "{mean} {deviation}");
        for (name, least, most) in [
            ("centre_surround.sigma1", 1.0, 2.0),
            ("divisive_norm.amplitude", 0.0, 1.0),
            ("divisive_norm.theta", 0.0, std::f32::consts::TAU),
        ] {
            let range = least..most;
            assert!(of(name).values.iter().all(|value| range.contains(value)), "{name}");
        }
        let sigma = Components::initial(TUNED, 0, 5);
        assert!(sigma.tensors[0].values.iter().all(|value| (8.0..9.0).contains(value)));
    }
}
