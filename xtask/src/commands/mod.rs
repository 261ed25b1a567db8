//! The commands, one file for each.

mod bench;
mod bench_top;
mod boards;
mod demo;
mod doors;
mod emulate;
mod example;
mod figures;
mod flash;
mod fuzz;
mod host;
mod out;
mod planted;
mod setup;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};

/// Sets up what a command needs and runs it.
///
/// Nothing is installed twice, and nothing that the command does not need.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask train
  cargo xtask train --data ~/photos --steps 300
  cargo xtask emulate --board mps2-an386 --example features
  cargo xtask flash --board nrf52840-dk --example self-test
  cargo xtask test";

#[derive(Debug, Subcommand)]
enum Command {
    /// Install libtorch or the emulator ahead of time
    Setup(setup::Arguments),
    /// Train the model (see `cargo xtask train --help`)
    Train(host::Arguments),
    /// Fit a core and readouts to populations of neurons
    Fit(host::Arguments),
    /// Decode images once, for training
    Prepare(host::Arguments),
    /// Make a blob from a checkpoint
    Quantise(host::Arguments),
    /// Compute features on this machine
    Features(host::Arguments),
    /// Compare quantised with float features
    Compare(host::Arguments),
    /// Show what is in a blob
    Inspect(host::Arguments),
    /// Write a model for other runtimes
    Export(host::Arguments),
    /// Measure how brain-like a model is
    Evaluate(host::Arguments),
    /// Write a classifier's decisions as the model-vs-human toolbox does
    Decide(host::Arguments),
    /// Draw feature maps as a picture
    Show(host::Arguments),
    /// Say which images of a sequence are novel
    Watch(host::Arguments),
    /// Print a configuration with what each field means
    Config(host::Arguments),
    /// Run an example on an emulated board
    Emulate(emulate::Arguments),
    /// Write an example and a blob to a board, and show its log
    Flash(flash::Arguments),
    /// List boards, what each needs and whether it is there
    Boards(boards::Arguments),
    /// Count what each operation costs on a board
    Bench(bench::Arguments),
    /// Run what would be flashed on models of chips and cameras
    BenchTop(bench_top::Arguments),
    /// Make a page that shows the model in a browser
    Demo(demo::Arguments),
    /// Put any bytes into lcl-infer, with a nightly Rust
    Fuzz(fuzz::Arguments),
    /// See that the test for panics in lcl-infer fails where it should
    #[command(hide = true)]
    Planted,
    /// See that every door to the engine gives the same bytes
    #[command(hide = true)]
    Doors,
    /// See that the pages say what the code is
    #[command(hide = true)]
    Tidy,
    /// Run all checks; those whose tool is missing are skipped
    Test(test::Arguments),
    /// Run all checks; those whose tool is missing fail
    Ci(test::Arguments),
}

impl Cli {
    /// Runs the command and returns its exit status.
    pub fn run(&self) -> Result<ExitCode> {
        match &self.command {
            Command::Setup(arguments) => setup::run(arguments),
            Command::Emulate(arguments) => emulate::run(arguments),
            Command::Flash(arguments) => flash::run(arguments),
            Command::Boards(arguments) => boards::run(arguments),
            Command::Bench(arguments) => bench::run(arguments),
            Command::BenchTop(arguments) => bench_top::run(arguments),
            Command::Demo(arguments) => demo::run(arguments),
            Command::Fuzz(arguments) => fuzz::run(arguments),
            Command::Planted => planted::run(),
            Command::Doors => doors::run(),
            Command::Tidy => tidy::run(),
            Command::Test(arguments) => test::run(arguments, test::Missing::of_environment()),
            Command::Ci(arguments) => test::run(arguments, test::Missing::Fails),
            Command::Train(host)
            | Command::Fit(host)
            | Command::Prepare(host)
            | Command::Quantise(host)
            | Command::Features(host)
            | Command::Compare(host)
            | Command::Inspect(host)
            | Command::Export(host)
            | Command::Evaluate(host)
            | Command::Decide(host)
            | Command::Show(host)
            | Command::Watch(host)
            | Command::Config(host) => host.run(),
        }
    }
}

/// Returns the names of the commands that the help lists.
pub fn names() -> Vec<String> {
    let cli = Cli::command();
    let shown = cli.get_subcommands().filter(|command| !command.is_hide_set());
    shown.map(|command| command.get_name().to_owned()).collect()
}

/// Returns a table of Markdown; `head` has its heads with bars between.
fn markdown(head: &str, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let rule = "|---".repeat(head.split('|').count());
    let rows = rows.into_iter().map(|fields| format!("| {} |\n", fields.join(" | ")));
    format!("| {head} |\n{rule}|\n{}", rows.collect::<String>())
}

/// Returns the exit status to end with, after a program that ended with `code` or by
/// a signal.
fn exit_code(code: Option<i32>) -> ExitCode {
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_arguments_of_the_host_are_not_looked_at() {
        Cli::command().debug_assert();
        for line in [["xtask", "train", "--help"], ["xtask", "features", "--no-such-option"]] {
            let cli = Cli::try_parse_from(line);
            assert!(cli.is_ok(), "{line:?}: {cli:?}");
        }
        assert_eq!(exit_code(Some(3)), ExitCode::from(3));
        assert_eq!(exit_code(None), ExitCode::FAILURE);
    }
}
