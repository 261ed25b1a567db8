//! `lcl config`: a configuration that explains itself.

use std::path::PathBuf;

use anyhow::Result;
use host_trainer::{
    config::{Assignment, Config},
    say,
};

/// Prints a configuration with what each of its fields means
///
/// What is printed is a file for `lcl train --config`; it holds every field, and
/// a file may leave out what it does not change.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lcl config > mine.toml
  lcl config lcl-v2-simclr
  lcl config runs/1/config.toml --set training.batch=256")]
pub struct Args {
    /// A configuration that comes with the program, or a file [default: the
    /// defaults, which are lcl-v2]
    #[arg(value_name = "NAME|FILE")]
    config: Option<PathBuf>,
    /// Sets a field, by its dotted name; may be given several times
    #[arg(long, value_name = "FIELD=VALUE")]
    set: Vec<Assignment>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let config = args.config.as_deref().map(Config::find).transpose()?;
    say!("{}", config.unwrap_or_default().with(&args.set)?.documented().trim());
    Ok(())
}
