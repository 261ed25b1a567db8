//! The command line, `lcl`.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod cli;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{CommandFactory, Parser};
use cli::libtorch::exit_code;
use host_trainer::{
    atomic_file::WriteError,
    console::{self, Speech, set_speech},
    printed, tell,
};

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(help) if !help.use_stderr() => {
            return match help.print().and_then(|()| io::stdout().flush()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => console::end(&error),
            };
        }
        Err(error) => {
            tell!("{}", cli::usage::one_line(&error, &cli::Cli::command()));
            return ExitCode::FAILURE;
        }
    };
    cli::prepare_environment();
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let written = error.downcast_ref::<WriteError>();
            if let Some(cause) = written.and_then(WriteError::of_standard_output) {
                set_speech(Speech::Asked);
                console::end(cause);
            }
            // One line, the causes after the context, whatever names are in it.
            tell!("error: {}", printed(&format!("{error:#}")));
            exit_code(&error)
        }
    }
}
