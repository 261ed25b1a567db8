//! The command line, `lcl`.

mod cli;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(help) if !help.use_stderr() => help.exit(),
        Err(error) => {
            eprintln!("{}", cli::usage::one_line(&error, &cli::Cli::command()));
            return ExitCode::FAILURE;
        }
    };
    cli::prepare_environment();
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, the causes after the context, whatever names are in it.
            eprintln!("error: {}", host_trainer::printed(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}
