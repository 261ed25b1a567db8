//! The one door to the project: `cargo xtask NAME …` sets up what NAME needs
//! and runs it.
//!
//! It depends on no member of the workspace, so that it starts before libtorch
//! is there. Start with [`commands`]; what may be installed is in [`setup`].

// They end the program where nobody reads: `process::print` and `note` do not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod boards;
mod commands;
mod firmware;
mod process;
mod project;
mod setup;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use commands::Cli;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.kind() == ErrorKind::InvalidSubcommand => {
            let known = Cli::command();
            let known: Vec<_> = known.get_subcommands().map(clap::Command::get_name).collect();
            let got = std::env::args().nth(1).unwrap_or_default();
            return failed(&format!(
                "unknown command `{got}`; the commands are {}",
                known.join(", ")
            ));
        }
        Err(error) => error.exit(),
    };
    match process::end_on_signals().and_then(|()| cli.run()) {
        Ok(code) => code,
        Err(error) => failed(&format!("{error:#}")),
    }
}

fn failed(error: &str) -> ExitCode {
    // Where standard error is closed, the status says it.
    writeln!(io::stderr(), "error: {error}").ok();
    ExitCode::FAILURE
}
