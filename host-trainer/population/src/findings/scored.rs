//! What a fit predicts of responses that it has not seen, as a file.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use lcl_artefacts::atomic_file::{self, WriteError};
use serde::{Deserialize, Serialize};

/// Predictions of all sessions, and how the fit went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// The run.
    pub name: String,
    /// The configuration, TOML.
    pub config: String,
    /// Each epoch of the fit.
    pub epochs: Vec<Epoch>,
    /// Each session.
    pub sessions: Vec<ScoredSession>,
}

/// One epoch of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: u32,
    /// Mean loss of a batch.
    pub loss: f64,
    /// Single-trial validation correlation, the mean over all neurons.
    pub correlation: f64,
    /// The optimiser's rate.
    pub rate: f64,
    /// What it took.
    pub seconds: f64,
}

/// Predictions of one session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoredSession {
    /// The session.
    pub session: String,
    /// Number of each neuron.
    pub ids: Vec<i64>,
    /// Repeats of each test image.
    pub repeats: usize,
    /// Responses, each divided by its neuron's scale, `[images, repeats, neurons]`.
    pub responses: Vec<f64>,
    /// Predictions, `[images, neurons]`.
    pub predictions: Vec<f64>,
    /// Responses of a simulation without noise, `[images, neurons]`.
    pub noiseless: Option<Vec<f64>>,
    /// Learned positions, (x, y), in pixels of the image.
    pub learned: Option<Vec<[f64; 2]>>,
    /// True positions.
    pub centres: Option<Vec<[f64; 2]>>,
    /// Cortical positions, centred and divided by the largest magnitude.
    pub cortex: Option<Vec<[f64; 2]>>,
    /// Neurons that were left out: responses not finite, and silent ones.
    pub excluded: [usize; 2],
    /// Test images left out, as they were shown once; trials beyond the fewest.
    pub left_out: [usize; 2],
    /// Numbers fitted for each neuron.
    pub parameters_per_neuron: f64,
}

/// Predictions cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScoredError {
    /// The file cannot be read.
    #[error("cannot read {}: {cause}; give the folder that lcl fit wrote", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file is not whole.
    #[error("{}: {cause}; fit again", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
    /// Lists of one session differ in length.
    #[error("{}: the {field} of {session} does not fit the others; fit again", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// The session.
        session: String,
        /// Which list.
        field: &'static str,
    },
}

impl Scored {
    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        // Plain values: nothing in them can fail to serialise.
        atomic_file::write(path, &[&serde_json::to_vec(self).unwrap_or_default()])
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is not whole.
    pub fn read(path: &Path) -> Result<Self, ScoredError> {
        let bytes =
            fs::read(path).map_err(|cause| ScoredError::Io { path: path.to_owned(), cause })?;
        let scored: Self = serde_json::from_slice(&bytes)
            .map_err(|cause| ScoredError::Parse { path: path.to_owned(), cause })?;
        for one in &scored.sessions {
            let neurons = one.ids.len();
            let places = |places: &Option<Vec<[f64; 2]>>| {
                places.as_ref().is_none_or(|places| places.len() == neurons)
            };
            let checks = [
                ("responses", one.responses.len() == one.predictions.len() * one.repeats),
                ("predictions", neurons > 0 && one.predictions.len() % neurons == 0),
                (
                    "noiseless",
                    one.noiseless.as_ref().is_none_or(|all| all.len() == one.predictions.len()),
                ),
                ("learned", places(&one.learned)),
                ("centres", places(&one.centres)),
                ("cortex", places(&one.cortex)),
            ];
            if let Some((field, _)) = checks.into_iter().find(|(_, fits)| !fits) {
                let session = one.session.clone();
                return Err(ScoredError::Length { path: path.to_owned(), session, field });
            }
        }
        Ok(scored)
    }
}
