//! A network in floats, as quantisation and evaluation see it.

use std::{error::Error, fmt::Debug};

use image::RgbImage;

use crate::feature_map::FloatFeatures;

/// A network in floats that turns images into features.
pub trait FeatureModel: Debug {
    /// Returns the activations of images of equal size, which are computed as
    /// one batch.
    ///
    /// # Errors
    ///
    /// When the images differ in size or are too small, or memory runs out.
    fn features(&self, images: &[RgbImage]) -> Result<FloatFeatures, FeatureError>;

    /// Returns what components change about where units look; those of LCL-V2
    /// change nothing.
    fn fields(&self) -> Fields {
        Fields::default()
    }
}

/// What components of a network change about where its units look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Side of the images that it takes alone, in pixels; 0 for any.
    pub input_side: usize,
    /// Pixels of the image that a field grows on each side, by a retina.
    pub in_front: usize,
    /// Pixels of the first convolution's map that a field grows on each side.
    pub behind: usize,
    /// Whether the rows of V1 are distances from the middle of the image, and
    /// its columns angles.
    pub is_polar: bool,
}

/// A network in floats cannot be run; the error is its own.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct FeatureError(Box<dyn Error + Send + Sync>);

impl FeatureError {
    /// Wraps the error of a network.
    pub fn new(cause: impl Error + Send + Sync + 'static) -> Self {
        Self(Box::new(cause))
    }
}
