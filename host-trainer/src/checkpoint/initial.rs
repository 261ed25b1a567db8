//! Weights before training.

use lcl_infer::LCL_V2;
use rand::Rng;

use super::{Checkpoint, ProjectorWeights, StageWeights};
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
        let stages = LCL_V2.map(|conv| {
            let (channels, fan_in) = (conv.out_c(), conv.weights_per_channel());
            StageWeights {
                conv_weight: uniform(conv.weights_len(), fan_in),
                conv_bias: uniform(channels, fan_in),
                bn_weight: vec![1.0; channels],
                bn_bias: vec![0.0; channels],
                bn_running_mean: vec![0.0; channels],
                bn_running_var: vec![1.0; channels],
            }
        });
        let projectors = LCL_V2.map(|conv| {
            let (channels, embedding) = (conv.out_c(), model.embedding_dim);
            ProjectorWeights {
                fc1_weight: uniform(channels * channels, channels),
                fc1_bias: uniform(channels, channels),
                bn_weight: vec![1.0; channels],
                bn_bias: vec![0.0; channels],
                bn_running_mean: vec![0.0; channels],
                bn_running_var: vec![1.0; channels],
                fc2_weight: uniform(embedding * channels, channels),
                fc2_bias: uniform(embedding, channels),
            }
        });
        let InputConfig { mean, std } = input;
        let (pool, projectors) = (model.pool, Some(projectors));
        Self { pool, mean, std, step: 0, config: None, stages, projectors }
    }
}
