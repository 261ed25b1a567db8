//! Checkpoints as plain arrays: the float weights, with or without projectors.
//!
//! A file is safetensors with the names that PyTorch would give. Optimiser
//! state is in a file of its own.

mod initial;
mod read;
mod write;

use lcl_infer::{ConvGeometry, LCL_V2, PoolOrder};

pub use read::{CheckpointError, TensorProblem};

use crate::config::InputConfig;

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
}

/// Weights of one stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageWeights {
    /// `[out_c, in_c, kernel, kernel]` (OIHW).
    pub conv_weight: Vec<f32>,
    /// `[out_c]`.
    pub conv_bias: Vec<f32>,
    /// Scale of the batch norm, `[out_c]`.
    pub bn_weight: Vec<f32>,
    /// Offset of the batch norm, `[out_c]`.
    pub bn_bias: Vec<f32>,
    /// Running mean, `[out_c]`.
    pub bn_running_mean: Vec<f32>,
    /// Running variance, `[out_c]`, not negative.
    pub bn_running_var: Vec<f32>,
}

/// Weights of one projector, applied at each location of a stage's output.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectorWeights {
    /// `[channels, channels]`, output first.
    pub fc1_weight: Vec<f32>,
    /// `[channels]`.
    pub fc1_bias: Vec<f32>,
    /// Scale of the batch norm, `[channels]`.
    pub bn_weight: Vec<f32>,
    /// Offset of the batch norm, `[channels]`.
    pub bn_bias: Vec<f32>,
    /// Running mean, `[channels]`.
    pub bn_running_mean: Vec<f32>,
    /// Running variance, `[channels]`, not negative.
    pub bn_running_var: Vec<f32>,
    /// `[embedding, channels]`.
    pub fc2_weight: Vec<f32>,
    /// `[embedding]`.
    pub fc2_bias: Vec<f32>,
}

impl Checkpoint {
    /// Returns the normalisation of the input.
    #[must_use]
    pub fn input(&self) -> InputConfig {
        InputConfig { mean: self.mean, std: self.std }
    }
}

/// Returns the names and shapes of a stage's tensors, in the order of the
/// fields of [`StageWeights`].
fn stage_layout(stage: usize) -> [(String, Vec<usize>); 6] {
    let geometry: ConvGeometry = LCL_V2[stage];
    let (channels, kernel) = (geometry.out_c(), geometry.kernel());
    let name = |part: &str| format!("layer{}.{part}", stage + 1);
    [
        (name("conv.weight"), vec![channels, geometry.in_c(), kernel, kernel]),
        (name("conv.bias"), vec![channels]),
        (name("bn.weight"), vec![channels]),
        (name("bn.bias"), vec![channels]),
        (name("bn.running_mean"), vec![channels]),
        (name("bn.running_var"), vec![channels]),
    ]
}

/// Returns the names and shapes of a projector's tensors, in the order of the
/// fields of [`ProjectorWeights`].
fn projector_layout(stage: usize, embedding: usize) -> [(String, Vec<usize>); 8] {
    let channels = LCL_V2[stage].out_c();
    let name = |part: &str| format!("projector{}.{part}", stage + 1);
    [
        (name("fc1.weight"), vec![channels, channels]),
        (name("fc1.bias"), vec![channels]),
        (name("bn.weight"), vec![channels]),
        (name("bn.bias"), vec![channels]),
        (name("bn.running_mean"), vec![channels]),
        (name("bn.running_var"), vec![channels]),
        (name("fc2.weight"), vec![embedding, channels]),
        (name("fc2.bias"), vec![embedding]),
    ]
}

#[cfg(test)]
mod tests;
