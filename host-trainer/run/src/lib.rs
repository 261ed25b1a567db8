//! What a training run is made of: its configuration, the views and batches that
//! it sees, its folder, logs and report.
//!
//! Nothing here knows libtorch. Where to start: [`config::Config`] for what a run
//! does, [`run::RunFolder`] for what it leaves behind.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod config;
pub mod device;
pub mod loader;
pub mod report;
pub mod run;
pub mod views;
