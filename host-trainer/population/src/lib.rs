//! Populations of neurons: recordings and simulations of them, what predictions
//! of their responses are measured by, and readouts that were fitted to them.
//!
//! The model is that of \[Lurz\]: a convolutional core that all neurons share,
//! and for each neuron a position, weights over the core's channels and a bias.
//! Nothing here knows libtorch. Where to start: [`PopulationSource`] for data,
//! [`measures`] for scores, [`Fitted`] for what `lcl fit` writes.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod config;
pub mod data;
pub mod findings;
pub mod fitted;
pub mod measures;
pub mod plateau;

pub use config::{ConfigError, CoreChoice, FitConfig, ReadoutKind};
pub use data::{DataError, PopulationSource, Session, Tier};
pub use findings::PopulationFindings;
pub use fitted::{Fitted, FittedError, Readout};
