//! The configuration of a run: one tree of plain values, saved as
//! `config.toml`.
//!
//! Every field has a default, so a file needs to name only what it changes; a
//! name that is not a field is an error.

mod document;
mod error;
mod parse;
mod recognition;
mod set;
mod shipped;
mod validate;
mod views;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use documented::DocumentedFields;
use serde::{Deserialize, Serialize};

pub use self::{
    error::{ConfigError, Place},
    recognition::RecognitionConfig,
    set::Assignment,
    shipped::{SHIPPED, Shipped},
    views::{Crops, JitterOrder, Patches, StageViewConfig, ViewsConfig},
};
use crate::device::{DeviceChoice, Precision};
pub use lcl_artefacts::checkpoint::{
    ComponentsConfig, InputConfig, ModelConfig, Normalisation, RetinaName, Surround,
};
use lcl_artefacts::{atomic_file, fields::differences};
use lcl_images::Source;

/// Everything that decides what a run does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which images, and how many are held out.
    pub data: DataConfig,
    /// How long, how fast, on what.
    pub training: TrainingConfig,
    /// The optimiser.
    pub optimiser: OptimiserConfig,
    /// The loss.
    pub loss: LossConfig,
    /// The network.
    pub model: ModelConfig,
    /// Components of V1 and in front of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<ComponentsConfig>,
    /// The normalisation of its input.
    pub input: InputConfig,
    /// The two views of an image.
    pub views: ViewsConfig,
    /// Training with several workers.
    pub workers: WorkersConfig,
    /// A network that names what is on an image.
    pub recognition: RecognitionConfig,
}

/// Which images are trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// Where the images come from: `synthetic[:N[:SEED]]`, folders, archives,
    /// packs, images.
    pub sources: Vec<Source>,
    /// Where the images to validate on come from; where this is empty, some of
    /// `sources` are held out.
    pub validation_sources: Vec<Source>,
    /// Images held out for validation, at most a quarter of all. They are drawn
    /// one by one: of images of the same scene, some may be trained on. With
    /// `validation_sources`, the most that are taken of those.
    pub validation_images: usize,
    /// Mebibytes of decoded centres to keep in memory; what is over it is
    /// decoded each time.
    pub memory_limit_mib: usize,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            sources: vec![Source::default()],
            validation_sources: Vec::new(),
            validation_images: 128,
            memory_limit_mib: 2048,
        }
    }
}

/// When a run ends for sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Length {
    /// After so many updates of the weights.
    Steps(u64),
    /// After each training image was seen so often, rounded up to whole
    /// batches.
    Epochs(u64),
}

impl Length {
    /// Returns the number of updates for that many training images.
    #[must_use]
    pub fn steps(self, training_images: usize, batch: usize) -> u64 {
        match self {
            Self::Steps(steps) => steps,
            Self::Epochs(epochs) => {
                epochs.saturating_mul(training_images as u64).div_ceil(batch.max(1) as u64)
            }
        }
    }
}

/// How long, how fast, on what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingConfig {
    /// When the run ends for sure, `{ steps = N }` or `{ epochs = N }`; after 0
    /// the weights are the initial ones.
    pub length: Length,
    /// Images in a batch. The off-diagonal part of the loss has a floor of
    /// about `1/batch` for each pair of units.
    pub batch: usize,
    /// Seed of everything: weights, split, order and views.
    pub seed: u64,
    /// Where libtorch computes.
    pub device: DeviceChoice,
    /// Precision of the layers: `float32`, `float64`, `bfloat16`, or `auto`,
    /// which is `bfloat16` where the processor computes with it and `float32`
    /// elsewhere; a run notes what that was.
    pub precision: Precision,
    /// Threads of libtorch's CPU operations; 0 takes one for each core.
    pub threads: usize,
    /// Steps from one validation and checkpoint to the next.
    pub validate_every: u64,
    /// Steps from one checkpoint that is kept for good,
    /// `checkpoint-STEP.safetensors`, to the next; 0 keeps none.
    pub keep_every: u64,
    /// The run stops when so many validations in a row did not improve the
    /// summed validation loss; 0 never stops early.
    pub patience: u64,
    /// What counts as an improvement, as a fraction of the best loss so far.
    pub min_improvement: f64,
    /// The checkpoint whose weights the run starts with; without it they are
    /// drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<PathBuf>,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            length: Length::Steps(1200),
            batch: 128,
            seed: 0,
            device: DeviceChoice::Auto,
            precision: Precision::Float32,
            threads: 0,
            validate_every: 25,
            keep_every: 0,
            patience: 20,
            min_improvement: 0.001,
            init: None,
        }
    }
}

/// How workers that train together wait for one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct WorkersConfig {
    /// Seconds that a worker waits for another one before it stops; when one is
    /// gone, all others stop within it.
    pub timeout_seconds: u64,
}

impl Default for WorkersConfig {
    fn default() -> Self {
        Self { timeout_seconds: 60 }
    }
}

/// The optimiser by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimiserName {
    /// Kingma and Ba, 2015.
    #[default]
    Adam,
    /// Stochastic gradient descent with momentum, as `PyTorch` has it.
    Sgd,
}

/// The parameters of the optimiser.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct OptimiserConfig {
    /// Which one: `adam`, or `sgd` with momentum.
    pub name: OptimiserName,
    /// Length of a step, α. \[LCL\] trains with 0.001.
    pub learning_rate: f64,
    /// Decay of the mean of the gradients, β₁.
    pub beta1: f64,
    /// Decay of the mean of their squares, β₂.
    pub beta2: f64,
    /// What keeps the division finite, ε.
    pub epsilon: f64,
    /// Momentum of `sgd`: each step is the gradient and this share of the last
    /// step.
    pub momentum: f64,
    /// Updates over which the length of a step grows linearly from 0: update
    /// `t` of the first `warmup_steps` is of length `α · t / warmup_steps`; 0
    /// starts with α. \[LCL\] names no warm-up.
    pub warmup_steps: u64,
    /// How the length of a step goes on from there: `constant`; `cosine`, which
    /// falls to 0 at the end of the run; or `thirds`, which falls to a tenth
    /// after each third of the run, as \[LCL\] 2.4 has it for recognition. For
    /// LCL-V2 \[LCL\] names none.
    pub schedule: Schedule,
    /// Decoupled weight decay, λ: each update first takes `α_t · λ` of the
    /// weights of convolutions and linear layers away, as in `AdamW`; biases and
    /// batch norms are spared. 0 decays none. This is not an L2 term of the
    /// loss, which `weight_decay` of `PyTorch`'s `Adam` is; with `sgd` it is that
    /// term, of all weights, as `PyTorch`'s `SGD` has it.
    pub weight_decay: f64,
}

/// How the length of a step goes on after warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// It stays.
    #[default]
    Constant,
    /// It falls as half a cosine, to 0 after the last update of the run.
    Cosine,
    /// It falls to a tenth after a third of the run, and again after two.
    Thirds,
}

impl Default for OptimiserConfig {
    fn default() -> Self {
        Self {
            name: OptimiserName::Adam,
            learning_rate: 0.001,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            momentum: 0.9,
            warmup_steps: 0,
            schedule: Schedule::Constant,
            weight_decay: 0.0,
        }
    }
}

/// The objective of a stage, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectiveName {
    /// Redundancy reduction (\[LCL\] equations 1 and 2).
    #[default]
    BarlowTwins,
    /// Contrast with the other images of the batch (\[SimCLR\] equation 1).
    Simclr,
    /// Prediction of the other view (\[SimSiam\] equation 4).
    Simsiam,
}

/// The loss of each stage.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct LossConfig {
    /// The objective: `barlow-twins`, `simclr` or `simsiam`.
    pub objective: ObjectiveName,
    /// Weight of the off-diagonal part of Barlow Twins, λ. \[LCL\] gives none;
    /// 0.0051 is that of the original Barlow Twins code.
    pub lambda: f64,
    /// Whether embeddings are centred and scaled over the batch first; without
    /// it, equation 1 of \[LCL\] as printed. For Barlow Twins alone.
    pub centre: bool,
    /// What SimCLR divides similarities by, τ; 0.1 is that of the original
    /// code.
    pub temperature: f64,
}

impl Default for LossConfig {
    fn default() -> Self {
        Self { objective: ObjectiveName::default(), lambda: 0.0051, centre: true, temperature: 0.1 }
    }
}

impl Config {
    /// Reads a configuration from the TOML file at `path` and checks it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or [`validate`](Self::validate) refuses it.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path)
            .map_err(|cause| ConfigError::Io { path: path.to_owned(), cause })?;
        parse::parse(&text, path)
    }

    /// Reads the file at `path`, or where there is none, the configuration of
    /// that name in [`SHIPPED`].
    ///
    /// # Errors
    ///
    /// When there is neither, or the file is no configuration.
    pub fn find(path: &Path) -> Result<Self, ConfigError> {
        if path.exists() {
            return Self::read(path);
        }
        let shipped = SHIPPED.iter().find(|shipped| path.as_os_str() == shipped.name);
        let shipped = shipped.ok_or_else(|| ConfigError::Unknown { path: path.to_owned() })?;
        parse::parse(shipped.text, path)
    }

    /// Writes the configuration to the TOML file at `path`.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ConfigError> {
        Ok(atomic_file::write(path, &[self.to_toml().as_bytes()])?)
    }

    /// Returns the configuration as TOML.
    ///
    /// # Panics
    ///
    /// Never for a configuration that [`validate`](Self::validate) accepts.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a tree of plain values is TOML")
    }

    /// Returns the configuration with what [`Precision::Auto`] is on this
    /// machine: that of a run.
    #[must_use]
    pub fn resolved(mut self) -> Self {
        let training = &mut self.training;
        training.precision = training.precision.resolved(training.device);
        self
    }

    /// Checks that a run that began with `of_run` goes on as it would have with
    /// this configuration. Its length, the device, when it stops early, the
    /// place of the images and how workers wait may change.
    ///
    /// # Errors
    ///
    /// Names each field that differs, with both values.
    ///
    /// # Panics
    ///
    /// Never for configurations that [`validate`](Self::validate) accepts.
    pub fn check_resumes(&self, of_run: &Self) -> Result<(), ConfigError> {
        let mut expected = of_run.clone();
        expected.training.length = self.training.length;
        expected.training.device = self.training.device;
        expected.training.patience = self.training.patience;
        expected.training.min_improvement = self.training.min_improvement;
        expected.workers = self.workers;
        // That they are the same images is for the manifest to say.
        take_places(&mut expected.data.sources, &self.data.sources);
        take_places(&mut expected.data.validation_sources, &self.data.validation_sources);
        let (expected, got) = (expected.fields(), self.fields());
        let differences: Vec<String> = differences(&got, &expected)
            .filter_map(|(name, value, began)| {
                // A field that only the run has is of another version, but for
                // components, which need not be there.
                let gone = name.starts_with("components.").then_some("not there");
                let (value, began) = (value.or(gone)?, began.unwrap_or("nothing"));
                Some(format!("{name} is {value}, the run began with {began}"))
            })
            .collect();
        if differences.is_empty() { Ok(()) } else { Err(ConfigError::Changed { differences }) }
    }

    /// Returns the values of all fields, as TOML, by their dotted names.
    ///
    /// # Panics
    ///
    /// Never for a configuration that [`validate`](Self::validate) accepts.
    #[must_use]
    pub fn fields(&self) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::new();
        let tree = toml::Value::try_from(self).expect("a tree of plain values is TOML");
        collect_fields(String::new(), &tree, &mut fields);
        fields
    }
}

/// Puts the paths of `places` in the place of those of `sources` where both are
/// of the same kinds.
fn take_places(sources: &mut [Source], places: &[Source]) {
    if sources.len() == places.len() {
        for (source, place) in sources.iter_mut().zip(places) {
            if let (Source::Path(path), Source::Path(place)) = (source, place) {
                path.clone_from(place);
            }
        }
    }
}

/// Collects the leaves of a tree under their dotted names; arrays are leaves.
fn collect_fields(name: String, value: &toml::Value, fields: &mut BTreeMap<String, String>) {
    if let toml::Value::Table(table) = value {
        for (key, value) in table {
            let dot = if name.is_empty() { "" } else { "." };
            collect_fields(format!("{name}{dot}{key}"), value, fields);
        }
    } else {
        fields.insert(name, value.to_string());
    }
}

#[cfg(test)]
mod tests;
