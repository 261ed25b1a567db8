//! Checkpoints as plain arrays: the float weights, with or without those that
//! only training needs.
//!
//! A file is safetensors with the names that PyTorch would give. Optimiser
//! state is in a file of its own.

mod foreign;
mod initial;
mod read;
mod settings;
mod write;

use lcl_infer::{LCL_V2, PoolOrder};

pub use foreign::ForeignError;
pub use read::{CheckpointError, TensorProblem};
pub use settings::{InputConfig, ModelConfig};

/// What the metadata of a checkpoint calls its format.
const FORMAT: &str = "lcl-v2";

/// Weights of the network and what is needed to run or continue it.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The order of pooling.
    pub pool: PoolOrder,
    /// Mean that is subtracted from the input, in `[0, 1]`.
    pub mean: [f32; 3],
    /// Standard deviation that the input is divided by, in `[0, 1]`.
    pub std: [f32; 3],
    /// Updates of the weights so far.
    pub step: u64,
    /// The configuration of the run, TOML.
    pub config: Option<String>,
    /// Stage 1 (V1) and stage 2 (V2).
    pub stages: [StageWeights; 2],
    /// The projectors, which only training needs.
    pub projectors: Option<[ProjectorWeights; 2]>,
    /// The predictors on top of them, which only SimSiam needs.
    pub predictors: Option<[ProjectorWeights; 2]>,
}

/// Weights of one stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageWeights {
    /// The convolution: `[out_c, in_c, kernel, kernel]` (OIHW) and `[out_c]`.
    pub conv: AffineWeights,
    /// The batch norm after it.
    pub bn: BatchNormWeights,
}

/// Weights of one projector, applied at each location of a stage's output, or
/// of one predictor, applied to embeddings.
///
/// A projector has as many `inputs` as `hidden` units, those of the stage's
/// channels; a predictor has as many `inputs` as outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectorWeights {
    /// The first linear layer: `[hidden, inputs]` and `[hidden]`.
    pub fc1: AffineWeights,
    /// The batch norm after it.
    pub bn: BatchNormWeights,
    /// The last linear layer: `[embedding, hidden]` and `[embedding]`.
    pub fc2: AffineWeights,
}

/// Weights of a convolution or a linear layer, the output's channels first.
#[derive(Clone, Debug, PartialEq)]
pub struct AffineWeights {
    /// What the input is multiplied by.
    pub weight: Vec<f32>,
    /// What is added, one for each output channel.
    pub bias: Vec<f32>,
}

/// Weights of a batch norm, `[channels]` each.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNormWeights {
    /// Scale.
    pub weight: Vec<f32>,
    /// Offset.
    pub bias: Vec<f32>,
    /// Running mean.
    pub running_mean: Vec<f32>,
    /// Running variance, not negative.
    pub running_var: Vec<f32>,
}

impl BatchNormWeights {
    /// Added to the variance, in training and wherever it is folded in.
    pub const EPSILON: f64 = 1e-5;
}

impl Checkpoint {
    /// Returns the normalisation of the input.
    #[must_use]
    pub fn input(&self) -> InputConfig {
        InputConfig { mean: self.mean, std: self.std }
    }
}

/// Returns the shape of a stage's convolution, `[out_c, in_c, kernel, kernel]`.
fn conv_shape(stage: usize) -> Vec<usize> {
    let conv = LCL_V2[stage];
    vec![conv.out_c(), conv.in_c(), conv.kernel(), conv.kernel()]
}

#[cfg(test)]
mod tests;
