//! Why recorded responses cannot be read.

use std::path::PathBuf;

use super::window::Window;
use crate::neural::ArrayError;

/// Recorded responses cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// The file cannot be read.
    #[error(transparent)]
    Array(#[from] ArrayError),
    /// It is not clear which array is meant.
    #[error(
        "{} has {} arrays of three or six dimensions; name one with --array, of {}",
        path.display(), found, there.join(", ")
    )]
    WhichArray {
        /// The file.
        path: PathBuf,
        /// How many arrays might be meant.
        found: usize,
        /// All arrays.
        there: Vec<String>,
    },
    /// The array has another number of dimensions, or an empty one.
    #[error(
        "{name:?} in {} has the shape {shape:?}; it must be [stimuli, repetitions, neurons] or \
         [cell, time, repetition, sample, type, family], with nothing empty{}",
        path.display(),
        if shape.len() == 2 {
            ": if these are means over repetitions, the single trials are missing, which the \
             ceiling needs"
        } else {
            ""
        }
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// The recording ends before the window.
    #[error("the recording has {bins} bins of 1 ms; a window of {window} ends after it")]
    Window {
        /// Bins.
        bins: usize,
        /// The window.
        window: Window,
    },
    /// Types or families cannot be told from one another.
    #[error(
        "the array has {types} types and {families} families, and {named} families are named; give \
         2 types, and as many numbers in an array `families` as there are families"
    )]
    Families {
        /// Types.
        types: usize,
        /// Families.
        families: usize,
        /// Families whose numbers are known.
        named: usize,
    },
    /// The order of the types is not known.
    #[error(
        "nothing says which of the two types of stimuli comes first in the array; give --types \
         noise,tex (the order of Freeman and Ziemba's own array) or --types tex,noise"
    )]
    TypesUnknown,
    /// The types are named otherwise.
    #[error("the array `types` holds {}, and not noise and texture", named.join(", "))]
    TypeNames {
        /// What it holds.
        named: Vec<String>,
    },
    /// The file names the types in another order than the one given.
    #[error("--types is not the order that the file itself names, {}; leave --types out", named.join(", "))]
    TypesDiffer {
        /// The order in the file.
        named: [String; 2],
    },
    /// Names and responses differ in number.
    #[error("{names} stimuli are named, and there are responses to {stimuli}; name each once")]
    Names {
        /// Names.
        names: usize,
        /// Stimuli.
        stimuli: usize,
    },
    /// The metadata names no stimuli.
    #[error("the metadata `images` is no JSON list of names ({cause}); write one, or leave it out")]
    Metadata {
        /// What is wrong with it.
        cause: serde_json::Error,
    },
    /// A response is infinite.
    #[error("{count} responses are infinite; mark trials that were not made with NaN")]
    Infinite {
        /// How many.
        count: usize,
    },
}
