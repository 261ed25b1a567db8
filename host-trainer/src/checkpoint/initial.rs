//! Weights before training.

use lcl_infer::LCL_V2;
use rand::Rng;

use super::{AffineWeights, BatchNormWeights, Checkpoint, ProjectorWeights, StageWeights};
use crate::{
    config::{InputConfig, ModelConfig},
    random::{Purpose, stream},
};

impl Checkpoint {
    /// Draws initial weights, the same on every machine.
    ///
    /// Weights and biases of convolutions and linear layers are uniform in
    /// `±1/√fan_in`, which is PyTorch's default; batch norms are the identity.
    #[must_use]
    pub fn initial(model: ModelConfig, input: InputConfig, seed: u64) -> Self {
        let mut layer = 0;
        let mut uniform = |count: usize, fan_in: usize| -> Vec<f32> {
            layer += 1;
            let bound = 1.0 / (fan_in as f32).sqrt();
            let mut rng = stream(seed, Purpose::Weights, [layer, 0]);
            (0..count).map(|_| rng.random_range(-bound..=bound)).collect()
        };
        let mut affine = |weights: usize, outputs: usize, fan_in: usize| AffineWeights {
            weight: uniform(weights, fan_in),
            bias: uniform(outputs, fan_in),
        };
        let stages = LCL_V2.map(|conv| {
            let (channels, fan_in) = (conv.out_c(), conv.weights_per_channel());
            let conv = affine(conv.weights_len(), channels, fan_in);
            StageWeights { conv, bn: BatchNormWeights::identity(channels) }
        });
        let projectors = LCL_V2.map(|conv| {
            let (channels, embedding) = (conv.out_c(), model.embedding_dim);
            ProjectorWeights {
                fc1: affine(channels * channels, channels, channels),
                bn: BatchNormWeights::identity(channels),
                fc2: affine(embedding * channels, embedding, channels),
            }
        });
        let InputConfig { mean, std } = input;
        let (pool, projectors) = (model.pool, Some(projectors));
        Self { pool, mean, std, step: 0, config: None, stages, projectors }
    }
}

impl BatchNormWeights {
    /// Returns the batch norm that changes nothing.
    fn identity(channels: usize) -> Self {
        let (zeros, ones) = (vec![0.0; channels], vec![1.0; channels]);
        Self { weight: ones.clone(), bias: zeros.clone(), running_mean: zeros, running_var: ones }
    }
}
