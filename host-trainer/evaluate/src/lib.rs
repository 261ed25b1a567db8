//! How brain-like a model is: the evaluations of \[LCL\] and of the tool boxes
//! that vision scientists compare with, for float checkpoints and for the very
//! bytes that a microcontroller computes.
//!
//! Each evaluation is a module with a function that takes an
//! [`EvaluatedModel`], or plain arrays where no model is needed, and returns
//! its [`Findings`]. Where to start: [`EvaluatedModel`] for what is evaluated,
//! then the module of an evaluation.
//!
//! Nothing here knows libtorch; statistics are `f64`.

pub mod behaviour;
pub mod distribution;
mod findings;
mod fourier;
#[cfg(test)]
mod gabor_blob;
mod model;
pub mod neural;
mod page;
pub mod probe;
mod progress;
pub mod published;
pub mod receptive_fields;
pub mod recognition;
pub mod steerable_pyramid;
mod table_lines;
pub mod texture;
pub mod tuning;

pub use lcl_numerics::statistics;

pub use findings::{Findings, Table};
pub use model::{EvaluatedModel, EvaluatedModelError, ModelChoice, UnknownModel};
pub use page::write_page;
pub use progress::Progress;
