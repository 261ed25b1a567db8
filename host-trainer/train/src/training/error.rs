//! What can end a run.

use std::path::PathBuf;

use tch::TchError;

use crate::{model::ModelError, workers::WorkersError};
use lcl_artefacts::{
    atomic_file::WriteError, checkpoint::CheckpointError, recogniser::RecogniserError,
    saved::SavedError, tensor_file::ReadError,
};
use lcl_images::{ClassError, DataError};
use lcl_run::{
    config::ConfigError,
    loader::LoaderError,
    run::{FolderError, ManifestError, MetricsError, RunFolder},
};

/// A run cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The images cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// No batches can be made.
    #[error(transparent)]
    Loader(#[from] LoaderError),
    /// The checkpoint to resume from cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The network cannot be run.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The images are not those of the run, or its manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The log cannot be written.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The run's folder cannot be made.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The optimiser's state cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The workers cannot start or go on.
    #[error(transparent)]
    Workers(#[from] WorkersError),
    /// The optimiser's state is not that of the checkpoint.
    #[error(
        "{} is not the optimiser's state of the checkpoint beside it: {reason}; start a run in \
         another folder with --out",
        path.display()
    )]
    State {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// No state is left to go on from.
    #[error("no state of the run can be used: {}; {advice}", problems.join("; "))]
    NoState {
        /// What is wrong with each.
        problems: Vec<String>,
        /// How to go on.
        advice: String,
    },
    /// The images have no classes that could be learned.
    #[error(transparent)]
    Class(#[from] ClassError),
    /// A network that names images cannot be made.
    #[error(transparent)]
    Recogniser(#[from] RecogniserError),
    /// A checkpoint of the run cannot be used.
    #[error(transparent)]
    Saved(#[from] SavedError),
    /// The network needs a front-end.
    #[error(
        "{network} is trained on a fixed front-end; name a checkpoint of LCL-V2 with --front-end, \
         as in --front-end models/lcl-v2/checkpoint.safetensors"
    )]
    NoFrontEnd {
        /// The network.
        network: &'static str,
    },
    /// Recognition does not start from the weights of a checkpoint.
    #[error(
        "training.init is for the layers of LCL-V2; name the front-end of {network} with \
         --front-end, or leave --init out"
    )]
    InitOfRecogniser {
        /// The network.
        network: &'static str,
    },
    /// The weights to start with are of another model.
    #[error(
        "{} has {field} {got}, and the configuration {expected}: change {field} in the \
         configuration",
        path.display()
    )]
    OtherWeights {
        /// The checkpoint.
        path: PathBuf,
        /// In what they differ.
        field: &'static str,
        /// That of the checkpoint.
        got: String,
        /// That of the configuration.
        expected: String,
    },
    /// The loss is not a number or infinite.
    #[error(
        "the loss of stage {stage} is {loss} at step {step}; {}lower optimiser.learning_rate in \
         the configuration, or look for broken images",
        last_good.as_deref().unwrap_or_default()
    )]
    NotFinite {
        /// Updates so far.
        step: u64,
        /// Stage 1 or 2.
        stage: usize,
        /// The loss.
        loss: f64,
        /// Where the last good checkpoint is, as a clause.
        last_good: Option<String>,
    },
}

impl TrainError {
    /// Names the last good checkpoint where the loss is not finite.
    pub(super) fn with_last_good(mut self, run: &RunFolder, saved: Option<u64>) -> Self {
        if let (Self::NotFinite { last_good, .. }, Some(saved)) = (&mut self, saved) {
            let newest = run.checkpoint();
            let path = if newest.exists() { newest } else { run.previous() };
            *last_good =
                Some(format!("the last good checkpoint, {}, is of step {saved}; ", path.display()));
        }
        self
    }
}

impl From<TchError> for TrainError {
    fn from(error: TchError) -> Self {
        Self::Model(error.into())
    }
}
