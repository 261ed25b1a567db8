//! `lcl evaluate population`: what a fit predicts, against the oracle.

use std::path::PathBuf;

use anyhow::Result;
use host_trainer::population::{PopulationFindings, findings::Scored};

use super::{Common, names};

/// Scores a fitted population on responses that it has not seen, against the oracle, and
/// its positions against the true ones
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lcl evaluate population --run fits/first
  lcl evaluate population --run fits/first --out page")]
pub struct Args {
    /// Folder that lcl fit has written
    #[arg(long, value_name = "FOLDER", value_parser = names::folder())]
    run: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// Runs the evaluation.
pub fn run(args: &Args) -> Result<()> {
    let predictions = args.run.join("predictions.json");
    args.common.check("population", &[&predictions])?;
    args.common.show("population", &PopulationFindings::new(&Scored::read(&predictions)?))
}
