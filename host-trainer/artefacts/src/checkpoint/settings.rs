//! What a configuration says of the network, as far as a checkpoint keeps it.

use documented::DocumentedFields;
use lcl_infer::PoolOrder;
use serde::{Deserialize, Serialize};

/// The network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// The order of pooling: `max-blur`, `blur-max` or `max`.
    #[serde(with = "PoolOrderName")]
    pub pool: PoolOrder,
    /// Units at the end of each projector.
    pub embedding_dim: usize,
    /// Side of the images, in pixels, where the model takes those of one size
    /// alone, as local fields and magnification need it; 0 takes any.
    pub input_side: usize,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self { pool: PoolOrder::default(), embedding_dim: 2048, input_side: 0 }
    }
}

/// The normalisation of the input, `(x / 255 - mean) / std`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct InputConfig {
    /// Mean of red, green and blue, in `[0, 1]`.
    pub mean: [f32; 3],
    /// Standard deviation of red, green and blue, in `[0, 1]`.
    pub std: [f32; 3],
}

impl Default for InputConfig {
    fn default() -> Self {
        Self { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
    }
}

/// How a configuration writes an order of pooling: lcl-infer itself has no
/// derived formats.
#[derive(Serialize, Deserialize)]
#[serde(remote = "PoolOrder", rename_all = "kebab-case")]
enum PoolOrderName {
    MaxBlur,
    BlurMax,
    Max,
}
