//! Training on libtorch: the optimisers, the loop, and what is kept to resume it.
//!
//! Start with [`train`].

mod adam;
mod error;
mod finish;
mod gradients;
mod learner;
mod ledger;
mod optimiser;
mod rate;
mod recording;
mod reporting;
mod resume;
mod session;
mod sgd;
mod split_folders;
mod start;
mod state;
mod step_time;
mod stop_rule;
mod train;
mod validation;

pub use adam::Adam;
pub use error::TrainError;
pub use finish::{FinishError, Finished, finish};
pub use step_time::step_times;
pub use stop_rule::StopRule;
pub use train::train;

#[cfg(test)]
mod component_tests;
#[cfg(test)]
mod recognition_tests;
#[cfg(test)]
mod tests;
