//! Activations as plain arrays.

use lcl_infer::{Layer, Name};

use crate::integer_features::AREAS;

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

/// What one layer gives for a batch of images.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerFeatures {
    /// The layer.
    pub layer: Layer,
    /// Its output; of a convolution, behind batch norm and ReLU.
    pub map: FeatureMap,
}

/// What every layer of a float network gives for a batch of images, in the order
/// of its architecture.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatFeatures {
    /// One entry for each layer.
    pub layers: Vec<LayerFeatures>,
}

impl FloatFeatures {
    /// Returns the map of a tap.
    ///
    /// # Panics
    ///
    /// When no layer has that tap; those of LCL-V2 have V1 and V2.
    #[must_use]
    pub fn tap(&self, tap: Name) -> &FeatureMap {
        let layer = self.layers.iter().find(|layer| layer.layer.tap == Some(tap));
        &layer.unwrap_or_else(|| panic!("no layer has the tap {tap}")).map
    }

    /// Returns the maps of V1 and V2.
    ///
    /// # Panics
    ///
    /// As of [`tap`](Self::tap).
    #[must_use]
    pub fn into_areas(mut self) -> [FeatureMap; 2] {
        AREAS.map(|tap| {
            let at = self.layers.iter().position(|layer| layer.layer.tap == Some(tap));
            self.layers.swap_remove(at.unwrap_or_else(|| panic!("no layer has the tap {tap}"))).map
        })
    }
}
