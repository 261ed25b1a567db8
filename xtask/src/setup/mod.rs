//! What commands need from outside the repository, and how it comes here.
//!
//! Each module has an `ensure` that returns at once where the thing is there,
//! otherwise says what it installs and how large that is, installs it, and
//! fails with the one command to type where it may not.

pub mod bare_metal;
pub mod board_link;
pub mod cmsis_nn;
pub mod components;
pub mod fuzzing;
pub mod host_baselines;
pub mod jpeg;
pub mod libtorch;
pub mod lock;
pub mod oldest;
pub mod python;
pub mod system;
