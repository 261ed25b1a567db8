//! Fits the model of \[Lurz\] to populations: a core that all neurons share, and a
//! readout for each session.
//!
//! Where to start: [`fit`] for the loop, [`readout`] for what a neuron reads.

pub mod apply;
mod batches;
mod core;
mod error;
mod factorised;
mod fit;
mod gaussian;
mod lcl;
pub mod readout;
mod separable;
mod state;
mod vgg;

pub use error::FitError;
pub use fit::{Control, fit};

/// Sets the threads that libtorch computes with.
pub fn set_threads(count: usize) {
    tch::set_num_threads(i32::try_from(count).unwrap_or(1).max(1));
}
