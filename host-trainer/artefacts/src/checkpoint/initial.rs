//! Weights before training.

use rand::Rng;

use super::{
    AREA_CHANNELS, AffineWeights, BatchNormWeights, Checkpoint, Components, ComponentsConfig,
    ConvWeights, InputConfig, ModelConfig, ProjectorWeights, numbered,
};
use crate::random::{Purpose, stream};

/// Embedding units for each hidden unit of a predictor, as in \[SimSiam\].
const PREDICTOR_BOTTLENECK: usize = 4;

/// Places of the first random stream of the convolutions, projectors and
/// predictors.
const FIRST_LAYERS: [u64; 3] = [1, 5, 13];

impl Checkpoint {
    /// Draws initial weights, the same on every machine.
    ///
    /// Weights and biases of convolutions and linear layers are uniform in
    /// `±1/√fan_in`, which is PyTorch's default; batch norms are the identity.
    /// There are no predictors.
    #[must_use]
    pub fn initial(model: ModelConfig, input: InputConfig, seed: u64) -> Self {
        let convolutions = convolutions(None, seed);
        let mut draw = Draw { seed, layer: FIRST_LAYERS[1] };
        let projectors =
            AREA_CHANNELS.map(|channels| draw.projector([channels, channels, model.embedding_dim]));
        let InputConfig { mean, std } = input;
        Self {
            pool: model.pool,
            mean,
            std,
            step: 0,
            config: None,
            input_side: model.input_side,
            convolutions,
            components: None,
            projectors: Some(projectors),
            predictors: None,
        }
    }

    /// Draws initial tensors of components, and the first convolution anew where
    /// a retina stands in front of it.
    #[must_use]
    pub fn with_components(mut self, settings: ComponentsConfig, seed: u64) -> Self {
        self.components = Some(Components::initial(settings, self.input_side, seed));
        self.convolutions = convolutions(Some(&settings), seed);
        self
    }

    /// Draws initial weights of predictors for embeddings of that many units.
    #[must_use]
    pub fn with_predictors(mut self, embedding: usize, seed: u64) -> Self {
        let mut draw = Draw { seed, layer: FIRST_LAYERS[2] };
        let hidden = (embedding / PREDICTOR_BOTTLENECK).max(1);
        self.predictors = Some([0, 1].map(|_| draw.projector([embedding, hidden, embedding])));
        self
    }
}

/// Draws the convolutions.
fn convolutions(components: Option<&ComponentsConfig>, seed: u64) -> Vec<ConvWeights> {
    let mut draw = Draw { seed, layer: FIRST_LAYERS[0] };
    let convolutions = numbered(components).map(|(_, conv)| {
        let (channels, fan_in) = (conv.out_c(), conv.taps());
        let conv = draw.affine(conv.weights_len(), channels, fan_in);
        ConvWeights { conv, bn: BatchNormWeights::identity(channels) }
    });
    convolutions.collect()
}

/// Draws one layer after the other.
struct Draw {
    seed: u64,
    layer: u64,
}

impl Draw {
    fn projector(&mut self, [inputs, hidden, outputs]: [usize; 3]) -> ProjectorWeights {
        ProjectorWeights {
            fc1: self.affine(hidden * inputs, hidden, inputs),
            bn: BatchNormWeights::identity(hidden),
            fc2: self.affine(outputs * hidden, outputs, hidden),
        }
    }

    fn affine(&mut self, weights: usize, outputs: usize, fan_in: usize) -> AffineWeights {
        AffineWeights { weight: self.uniform(weights, fan_in), bias: self.uniform(outputs, fan_in) }
    }

    fn uniform(&mut self, count: usize, fan_in: usize) -> Vec<f32> {
        let bound = 1.0 / (fan_in as f32).sqrt();
        let mut rng = stream(self.seed, Purpose::Weights, [self.layer, 0]);
        self.layer += 1;
        (0..count).map(|_| rng.random_range(-bound..=bound)).collect()
    }
}

impl BatchNormWeights {
    /// Returns the batch norm that changes nothing.
    fn identity(channels: usize) -> Self {
        let (zeros, ones) = (vec![0.0; channels], vec![1.0; channels]);
        Self { weight: ones.clone(), bias: zeros.clone(), running_mean: zeros, running_var: ones }
    }
}
