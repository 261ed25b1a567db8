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
