//! The one door to the project: `cargo xtask NAME …` sets up what NAME needs
//! and runs it.
//!
//! It depends on no member of the workspace, so that it starts before libtorch
//! is there. Start with [`commands`]; [`setup`] is all that may be installed.

// They end the program where nobody reads: `process::print` and `note` do not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod boards;
mod commands;
mod firmware;
mod process;
mod project;
mod setup;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Parser;
use clap::error::ErrorKind;

use commands::Cli;

/// Variable of release builds for this machine in tests, and a setting of cargo that
/// it has: lcl-infer checks its arithmetic as a debug build does.
const CHECKED: (&str, &str) =
    ("LCL_CARGO_CONFIG", "profile.release.package.lcl-infer.overflow-checks=true");

fn main() -> ExitCode {
    let done = match Cli::try_parse() {
        Ok(cli) => process::until_signal(|| cli.run()),
        Err(error) if error.kind() == ErrorKind::InvalidSubcommand => {
            let got = env::args().nth(1).unwrap_or_default();
            let known = commands::names().join(", ");
            Err(anyhow!("unknown command `{got}`; the commands are {known}"))
        }
        Err(error) => error.exit(),
    };
    done.unwrap_or_else(|error| {
        // If standard error is closed, the status says it.
        writeln!(io::stderr(), "error: {error:#}").ok();
        ExitCode::FAILURE
    })
}
