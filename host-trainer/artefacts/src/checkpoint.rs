//! Checkpoints as plain arrays: the float weights, with or without those that
//! only training needs.
//!
//! A file is safetensors with the names that PyTorch would give. Optimiser
//! state is in a file of its own.

mod components;
mod foreign;
mod initial;
mod read;
mod settings;
mod write;

use lcl_infer::{Architecture, ConvGeometry, InputFormat, LCL_V2, PoolOrder, V1, V2};

pub use components::{
    ComponentTensor, Components, ComponentsConfig, Misfit, Normalisation, RetinaName,
    SURROUND_CHANNELS, Surround,
};
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
    /// Side of the images, in pixels, where the model takes those of one size
    /// alone; 0 otherwise.
    pub input_side: usize,
    /// The convolutions, in order, with the [`geometries`](Self::geometries) of
    /// theirs.
    pub convolutions: Vec<ConvWeights>,
    /// What V1 has beside its convolution, and what stands in front of it; most
    /// models have `None`.
    pub components: Option<Components>,
    /// The projectors, which only training needs.
    pub projectors: Option<[ProjectorWeights; 2]>,
    /// The predictors on top of them, which only SimSiam needs.
    pub predictors: Option<[ProjectorWeights; 2]>,
}

/// Weights of one convolution and of the batch norm after it.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvWeights {
    /// The convolution: `[out_c, in_c, kernel, kernel]` (OIHW) and `[out_c]`.
    pub conv: AffineWeights,
    /// The batch norm after it.
    pub bn: BatchNormWeights,
}

/// Weights of one projector, applied at each location of a pool's output, or
/// of one predictor, applied to embeddings.
///
/// A projector has as many `inputs` as `hidden` units, those of the pool's
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
    /// Returns the architecture that the weights are of, on colour images,
    /// without its components.
    #[must_use]
    pub fn architecture(&self) -> Architecture {
        architecture(self.pool)
    }

    /// Returns the geometry of each convolution; behind a retina the first takes
    /// more channels than that of the [`architecture`](Self::architecture).
    #[must_use]
    pub fn geometries(&self) -> Vec<ConvGeometry> {
        geometries(self.settings())
    }

    /// Returns which components the model has.
    #[must_use]
    pub fn settings(&self) -> Option<&ComponentsConfig> {
        self.components.as_ref().map(|components| &components.settings)
    }

    /// Returns the weights of the first convolution for red, green and blue,
    /// `[out_c, 3, kernel, kernel]`; behind a retina, those of ON less those of
    /// OFF for its three contrasts.
    #[must_use]
    pub fn first_filters(&self) -> Vec<f32> {
        let weights = &self.convolutions[0].conv.weight;
        let geometry = self.geometries()[0];
        if geometry.in_c() == 3 {
            return weights.clone();
        }
        let area = geometry.kernel() * geometry.kernel();
        let pairs = weights.chunks_exact(2 * area);
        pairs
            .flat_map(|pair| {
                let (on, off) = pair.split_at(area);
                on.iter().zip(off).map(|(on, off)| on - off)
            })
            .collect()
    }

    /// Returns the normalisation of the input.
    #[must_use]
    pub fn input(&self) -> InputConfig {
        InputConfig { mean: self.mean, std: self.std }
    }
}

/// Returns the architecture of a checkpoint with that order of pooling.
fn architecture(pool: PoolOrder) -> Architecture {
    Architecture::lcl_v2(InputFormat::Rgb888, pool)
}

/// Iterates over the convolutions of a checkpoint, which pools do not change,
/// with the numbers that its tensors are named by: `layer1`, `projector1`.
fn numbered(components: Option<&ComponentsConfig>) -> impl Iterator<Item = (usize, ConvGeometry)> {
    (1..).zip(geometries(components))
}

/// Returns the geometry of the convolutions: behind a retina the first takes its
/// channels.
fn geometries(components: Option<&ComponentsConfig>) -> Vec<ConvGeometry> {
    let of_image = architecture(PoolOrder::default());
    let retina = components.and_then(|components| components.retina);
    let channels = retina.map(RetinaName::channels);
    let mut geometries: Vec<_> = of_image.convolutions().collect();
    if let (Some(channels), Some(first)) = (channels, geometries.first_mut()) {
        let behind = ConvGeometry::new(
            channels,
            first.out_c(),
            first.kernel(),
            first.stride(),
            first.padding(),
        );
        if let Some(behind) = behind {
            *first = behind;
        }
    }
    geometries
}

/// Channels of V1 and V2, which the projectors take.
const AREA_CHANNELS: [usize; 2] = match (LCL_V2.map_of(V1, 96), LCL_V2.map_of(V2, 96)) {
    (Some((_, v1)), Some((_, v2))) => [v1, v2],
    _ => panic!("LCL-V2 has both areas"),
};

/// Returns the shape of a convolution, `[out_c, in_c, kernel, kernel]`.
fn conv_shape(conv: ConvGeometry) -> Vec<usize> {
    vec![conv.out_c(), conv.in_c(), conv.kernel(), conv.kernel()]
}

#[cfg(test)]
mod tests;
