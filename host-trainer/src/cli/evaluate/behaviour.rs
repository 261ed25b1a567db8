//! `lcl evaluate behaviour`: decisions of people and models.

use std::path::PathBuf;

use anyhow::Result;
use host_trainer::evaluate::behaviour::{Decisions, behaviour_of};

use super::Common;

/// Evaluates decisions among 16 classes: accuracy out of distribution,
/// consistency with people, shape bias
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Decisions are tables of the model-vs-human toolbox (subj, object_response,
category, condition, imagename; one data set a file), or tables of several data
sets with the columns dataset and image_id. Who is called subject-… is a person.

Examples:
  lcl evaluate behaviour --decisions decisions_all17.csv.gz
  lcl evaluate behaviour --decisions raw-data/edge raw-data/cue-conflict --json
  lcl evaluate behaviour --decisions raw-data mine_session-1.csv --out results")]
pub struct Args {
    /// Tables, .csv or .csv.gz, or folders of such, searched to any depth
    #[arg(long, value_name = "CSV", num_args = 1.., required = true)]
    decisions: Vec<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// Runs the command.
///
/// # Errors
///
/// When decisions cannot be read or compared.
pub fn run(args: &Args) -> Result<()> {
    args.common
        .check("behaviour", &args.decisions.iter().map(PathBuf::as_path).collect::<Vec<_>>())?;
    let found = behaviour_of(&Decisions::read(&args.decisions)?)?;
    args.common.show("behaviour", &found)
}
