//! Why a session cannot be read: which file, which field.

use std::path::PathBuf;

use lcl_evaluate::neural::ArrayError;

/// A session cannot be read, or not be used as it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// An array cannot be read.
    #[error(transparent)]
    Array(#[from] ArrayError),
    /// A file or folder of the layout is not there.
    #[error(
        "{} is missing, the {field} of the session; give a folder with data/images, data/responses \
         and meta/trials/tiers.npy",
        path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// What it holds.
        field: &'static str,
    },
    /// An array has another shape than the rest of the session asks for.
    #[error("{}: {field} has shape {got:?}, expected {expected}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What it holds.
        field: &'static str,
        /// Shape that the session asks for.
        expected: String,
        /// Shape in the file.
        got: Vec<usize>,
    },
    /// An image has a pixel that is no number.
    #[error("{}: the image has a pixel that is not finite; export it again", path.display())]
    Pixel {
        /// The file.
        path: PathBuf,
    },
    /// A tier has another name than those known.
    #[error(
        "{}: trial {trial} has the tier {got:?}; known are train, validation, test and final_test",
        path.display()
    )]
    Tier {
        /// The file.
        path: PathBuf,
        /// Which trial.
        trial: usize,
        /// Its tier.
        got: String,
    },
    /// A session has too few trials of a tier.
    #[error("{session} has {got} trials of tier {tier}; at least {least} are needed")]
    TooFewTrials {
        /// The session.
        session: String,
        /// The tier.
        tier: &'static str,
        /// Trials that are needed.
        least: usize,
        /// Trials that are there.
        got: usize,
    },
    /// Every neuron was excluded.
    #[error(
        "{session} has no neuron left: {not_finite} with responses that are not finite, {silent} \
         that never fire"
    )]
    NoNeurons {
        /// The session.
        session: String,
        /// Neurons with responses that are no numbers.
        not_finite: usize,
        /// Neurons that never fire.
        silent: usize,
    },
    /// Retinotopy was asked for without positions.
    #[error(
        "{session} has no cortical positions, which retinotopy needs; add \
         meta/neurons/cell_motor_coordinates.npy or set retinotopy = false"
    )]
    NoPositions {
        /// The session.
        session: String,
    },
    /// Sessions differ in the size of their images.
    #[error(
        "{session} has images of {got:?} (height, width) and {first} of {expected:?}; fit them apart"
    )]
    ImageSize {
        /// The session.
        session: String,
        /// The first session.
        first: String,
        /// Size of the first session's images.
        expected: (usize, usize),
        /// Size of this one's.
        got: (usize, usize),
    },
    /// Features are to be shared and a neuron has no counterpart.
    #[error(
        "neuron {id} of {session} is not in {first}, whose features it was to share; match \
         meta/neurons/unit_ids.npy or set share_features = false"
    )]
    NoMatch {
        /// The session.
        session: String,
        /// The session that owns the features.
        first: String,
        /// The neuron's number.
        id: i64,
    },
}
