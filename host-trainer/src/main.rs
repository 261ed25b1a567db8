//! The command line, `lcl`.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, the causes after the context.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
