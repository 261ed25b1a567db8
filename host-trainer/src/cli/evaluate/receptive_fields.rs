//! `lcl evaluate receptive-fields`

use std::path::PathBuf;

use anyhow::Result;
use host_trainer::evaluate::{
    ModelChoice,
    published::PublishedV1,
    receptive_fields::{Filters, Rule, receptive_fields},
};

use super::{Common, console::Console, names, numbers, output};

/// Fits Gabor functions to the filters of V1 and compares their shapes with
/// those of macaque neurons
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lcl evaluate receptive-fields --model runs/latest/best.safetensors --out fields
  lcl evaluate receptive-fields --model runs/latest/model.lcl --json
  lcl evaluate receptive-fields --model untrained:1")]
pub struct Args {
    /// Model: a checkpoint, a blob, .lcl, or untrained[:SEED]
    #[arg(long, value_name = "MODEL", value_parser = names::model())]
    model: ModelChoice,
    /// Published distributions in place of the built-in ones, JSON
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// Share of a filter's variance that a fit must explain to count
    #[arg(long, value_name = "SHARE", default_value_t = Rule::default().least_r2,
        value_parser = numbers::share)]
    least_r2: f64,
    /// Share of a filter's energy in grey from which its fit counts by the stricter rule
    #[arg(long, value_name = "SHARE", default_value_t = Rule::default().least_grey_share,
        value_parser = numbers::share)]
    least_grey: f64,
    /// Seed of the bootstrap
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    common: Common,
}

/// Runs the evaluation.
pub fn run(args: &Args) -> Result<()> {
    let inputs: Vec<_> =
        output::model(&args.model).into_iter().chain(args.reference.as_deref()).collect();
    args.common.check("receptive-fields", &inputs)?;
    let published =
        args.reference.as_deref().map_or_else(PublishedV1::built_in, PublishedV1::read)?;
    let filters = Filters::open(&args.model)?;
    let rule = Rule { least_r2: args.least_r2, least_grey_share: args.least_grey };
    let mut console = Console::default();
    let name = args.model.to_string();
    let found = receptive_fields(&name, filters, rule, &published, args.seed, &mut console);
    drop(console);
    args.common.show("receptive-fields", &found)
}
