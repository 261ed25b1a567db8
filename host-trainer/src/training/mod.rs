//! Training on libtorch: Adam, the loop, and what is kept to resume it.
//!
//! Start with [`train`].

mod adam;
mod error;
mod state;
mod stop_rule;
mod train;
mod validation;

pub use adam::Adam;
pub use error::TrainError;
pub use stop_rule::StopRule;
pub use train::train;

#[cfg(test)]
mod tests;
