//! Trains the two-stage model of cortical areas V1 and V2, quantises it and
//! writes the blob that `lcl-infer` runs.
//!
//! libtorch is behind the feature `torch`, which is on by default. Only
//! [`model`], [`loss`] and [`training`] know it; everything else
//! deals in plain arrays. Without the feature the same functions are there and
//! return the error `WithoutTorch`.
//!
//! Keys in brackets, such as \[LCL\], are those of `docs/references.bib`.
//!
//! Where to start: [`config::Config`] for what a run does, [`training::train`]
//! for the loop, [`checkpoint::Checkpoint`] for the weights,
//! [`model::FloatNetwork`] for the features of images.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod atomic_file;
pub mod blob_file;
pub mod checkpoint;
pub mod compare;
pub mod config;
pub mod console;
pub mod data;
pub mod device;
pub mod evaluate;
pub mod feature_file;
pub mod feature_map;
pub mod feature_model;
mod fields;
pub mod frames;
pub mod integer_features;
pub mod loader;
mod page;
pub mod passes;
mod printed;
pub mod quantise;
pub mod random;
pub mod report;
pub mod run;
pub mod shell;
pub mod show;
pub mod sized_image;
pub mod tensor_file;
pub mod views;
pub mod watch;

pub use printed::{Printed, printed};

#[cfg(feature = "torch")]
pub mod loss;
#[cfg(feature = "torch")]
pub mod model;
#[cfg(feature = "torch")]
pub mod training;
#[cfg(feature = "torch")]
pub mod workers;

#[cfg(not(feature = "torch"))]
pub mod without_torch;
#[cfg(not(feature = "torch"))]
pub use without_torch::{model, training, workers};
