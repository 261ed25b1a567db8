//! The one door to the project: `cargo xtask NAME …` sets up what NAME needs
//! and runs it.
//!
//! It depends on no member of the workspace, so that it starts before libtorch
//! is there. Start with [`commands`]; what may be installed is in [`setup`].

mod boards;
mod commands;
mod firmware;
mod process;
mod project;
mod setup;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match commands::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
