//! Activations as plain arrays.

/// Activations of a batch of images, `[N, H, W, C]` (NHWC).
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMap {
    /// Images.
    pub n: usize,
    /// Rows.
    pub h: usize,
    /// Columns.
    pub w: usize,
    /// Channels.
    pub c: usize,
    /// `n · h · w · c` values, channels innermost.
    pub data: Vec<f32>,
}

impl FeatureMap {
    /// Iterates over the images, `[H, W, C]` each.
    pub fn images(&self) -> impl Iterator<Item = &[f32]> {
        self.data.chunks_exact((self.h * self.w * self.c).max(1))
    }

    /// Returns the shape `[N, H, W, C]`.
    #[must_use]
    pub fn shape(&self) -> [usize; 4] {
        [self.n, self.h, self.w, self.c]
    }
}

/// The activations of one stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageFeatures {
    /// After the ReLU, before the pool.
    pub activation: FeatureMap,
    /// After the pool: the stage's output.
    pub pooled: FeatureMap,
}

/// The activations of the whole network, stage 1 (V1) first.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatFeatures {
    /// One entry for each stage.
    pub stages: [StageFeatures; 2],
}
