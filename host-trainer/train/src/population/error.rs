//! Why a population cannot be fitted.

use lcl_artefacts::{atomic_file::WriteError, tensor_file::ReadError};
use lcl_population::{ConfigError, DataError};
use tch::TchError;

use crate::model::ModelError;

/// A population cannot be fitted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// A session cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The network cannot be run.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The state of a fit cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The state belongs to another fit.
    #[error(
        "{path} is of a fit with another {what}; give its configuration and data, or another --out"
    )]
    OtherFit {
        /// The state.
        path: String,
        /// What differs.
        what: &'static str,
    },
    /// The loss is no number.
    #[error(
        "the loss of epoch {epoch} is not finite; lower learning_rate, or look for outliers in the \
         responses"
    )]
    NotFinite {
        /// From 1.
        epoch: u32,
    },
    /// The images are too small for the core.
    #[error(
        "images of {got:?} (height, width) are too small for the core, whose least side is {least}; \
         enlarge them or choose smaller kernels"
    )]
    ImageTooSmall {
        /// Size of the images.
        got: (usize, usize),
        /// The least side.
        least: usize,
    },
    /// The fit was asked to end before its first epoch.
    #[error("stopped; the same command goes on after the last whole epoch")]
    Stopped,
}

impl From<TchError> for FitError {
    fn from(error: TchError) -> Self {
        Self::Model(error.into())
    }
}
