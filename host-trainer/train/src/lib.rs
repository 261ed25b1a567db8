//! Trains the network with libtorch, and runs it in floats.
//!
//! This crate and `c10d` alone know `tch`. Where to start: [`training::train`]
//! for the loop, [`model::FloatNetwork`] for the features of images.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod components;
pub mod loss;
pub mod model;
pub mod population;
pub mod training;
pub mod workers;
