//! What stands in for libtorch in a build without the feature `torch`.
//!
//! The functions that need it are there with the same signatures and return an
//! error, so that nothing else has to ask how it was built.

/// This build has no libtorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this lcl was built without libtorch, which training and float features need; run `cargo xtask \
     setup libtorch`, then build host-trainer with its default features"
)]
pub struct WithoutTorch;

/// Stands in for the float network.
pub mod model {
    use std::convert::Infallible;

    use image::RgbImage;

    use super::WithoutTorch;
    pub use super::WithoutTorch as ModelError;
    use crate::{
        checkpoint::Checkpoint,
        device::DeviceChoice,
        feature_map::FloatFeatures,
        feature_model::{FeatureError, FeatureModel},
    };

    /// A float network, which cannot be had in this build.
    #[derive(Debug)]
    pub struct FloatNetwork(Infallible);

    impl FloatNetwork {
        /// Returns the error of this build.
        ///
        /// # Errors
        ///
        /// Always.
        pub fn new(_: &Checkpoint, _: DeviceChoice) -> Result<Self, WithoutTorch> {
            Err(WithoutTorch)
        }

        /// Cannot be called, as there is no network.
        ///
        /// # Errors
        ///
        /// Never.
        pub fn forward(&self, _: &[RgbImage]) -> Result<FloatFeatures, WithoutTorch> {
            match self.0 {}
        }
    }

    impl FeatureModel for FloatNetwork {
        fn features(&self, _: &[RgbImage]) -> Result<FloatFeatures, FeatureError> {
            match self.0 {}
        }
    }
}

/// Stands in for training.
pub mod training {
    use std::time::Duration;

    use super::{WithoutTorch, workers::Workers};
    use crate::{
        config::Config,
        run::{Progress, RunFolder, RunSummary, Start},
    };

    /// Returns the error of this build.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn train(
        _: &Config,
        _: &Workers,
        _: Option<(&RunFolder, Start)>,
        _: &mut dyn Progress,
    ) -> Result<Option<RunSummary>, WithoutTorch> {
        Err(WithoutTorch)
    }

    /// Returns the error of this build.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn step_times(_: &Config, _: usize) -> Result<Vec<Duration>, WithoutTorch> {
        Err(WithoutTorch)
    }
}

/// Stands in for training with several workers.
pub mod workers {
    use std::time::Duration;

    use super::WithoutTorch;

    /// Whether this build can train with several workers.
    pub const AVAILABLE: bool = false;

    /// One process alone.
    #[derive(Debug)]
    pub struct Workers;

    impl Workers {
        /// Returns the error of this build.
        ///
        /// # Errors
        ///
        /// Always.
        pub fn from_environment(_: Duration) -> Result<Self, WithoutTorch> {
            Err(WithoutTorch)
        }

        /// Returns whether this process writes the run's folder.
        #[must_use]
        pub fn leads(&self) -> bool {
            true
        }

        /// Returns the configuration as it is.
        ///
        /// # Errors
        ///
        /// Never.
        pub fn config_of_leader(
            &self,
            own: Option<String>,
        ) -> Result<Option<String>, WithoutTorch> {
            Ok(own)
        }

        /// Runs `body`.
        ///
        /// # Errors
        ///
        /// That of `body`.
        pub fn run<T, E>(self, body: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E> {
            body(&self)
        }
    }
}
