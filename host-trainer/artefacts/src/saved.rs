//! The weights that a run keeps, of whichever network it trains.

use std::path::Path;

use crate::{
    atomic_file::WriteError,
    checkpoint::{Checkpoint, CheckpointError},
    recogniser::{Recogniser, RecogniserError, is_recogniser},
};

/// A checkpoint of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Saved {
    /// The layers of LCL-V2.
    Layers(Box<Checkpoint>),
    /// A network that names images.
    Recogniser(Box<Recogniser>),
}

/// A checkpoint of a run cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SavedError {
    /// One of LCL-V2.
    #[error(transparent)]
    Layers(#[from] CheckpointError),
    /// One of a network that names images.
    #[error(transparent)]
    Recogniser(#[from] RecogniserError),
}

impl Saved {
    /// Reads the checkpoint at `path` and checks it.
    ///
    /// # Errors
    ///
    /// When the file is not whole or not as its network needs it.
    pub fn read(path: &Path) -> Result<Self, SavedError> {
        if is_recogniser(path) {
            return Ok(Self::Recogniser(Box::new(Recogniser::read(path)?)));
        }
        Ok(Self::Layers(Box::new(Checkpoint::read(path)?)))
    }

    /// Returns the updates of the weights so far.
    #[must_use]
    pub fn step(&self) -> u64 {
        match self {
            Self::Layers(checkpoint) => checkpoint.step,
            Self::Recogniser(recogniser) => recogniser.step,
        }
    }

    /// Returns the configuration of the run, TOML.
    #[must_use]
    pub fn config(&self) -> Option<&str> {
        match self {
            Self::Layers(checkpoint) => checkpoint.config.as_deref(),
            Self::Recogniser(recogniser) => recogniser.config.as_deref(),
        }
    }

    /// Returns the bytes of its file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Layers(checkpoint) => checkpoint.to_bytes(),
            Self::Recogniser(recogniser) => recogniser.to_bytes(),
        }
    }

    /// Writes it to the file at `path`, whole or not at all.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        match self {
            Self::Layers(checkpoint) => checkpoint.write(path),
            Self::Recogniser(recogniser) => recogniser.write(path),
        }
    }
}
