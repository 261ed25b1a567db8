//! `lcl evaluate tuning`

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;
use host_trainer::evaluate::{
    ModelChoice,
    published::PublishedV1,
    tuning::{Tuning, Viewing, record},
};

use super::{Common, console::Console, names, numbers, output};

/// Measures how units are tuned to orientation, spatial frequency and size with
/// drifting gratings, and compares them with macaque V1
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lcl evaluate tuning --model runs/latest/best.safetensors --out tuning
  lcl evaluate tuning --model runs/latest/model.lcl --json
  lcl evaluate tuning --model runs/latest/model.lcl --area v2 --pixels-per-degree 20")]
pub struct Args {
    /// Model: a checkpoint, a blob, .lcl, or untrained[:SEED]
    #[arg(long, value_name = "MODEL", value_parser = names::model())]
    model: ModelChoice,
    /// Whose units are measured
    #[arg(long, value_enum, default_value_t = Area::V1)]
    area: Area,
    /// Pixels of a degree of visual angle; 28 are 224 pixels for 8 degrees
    #[arg(long, value_name = "PIXELS", default_value_t = Viewing::default().pixels_per_degree,
        value_parser = pixels_per_degree)]
    pixels_per_degree: f64,
    /// Michelson contrast of the gratings
    #[arg(long, value_name = "CONTRAST", default_value_t = Viewing::default().contrast, value_parser = contrast)]
    contrast: f64,
    /// Published distributions in place of the built-in ones, JSON
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// Seed of the bootstrap
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Area {
    /// Stage 1
    V1,
    /// Stage 2
    V2,
}

fn pixels_per_degree(text: &str) -> Result<f64, String> {
    numbers::number(text, f64::MIN_POSITIVE..=1e4)
}

fn contrast(text: &str) -> Result<f64, String> {
    numbers::number(text, f64::MIN_POSITIVE..=1.0)
}

/// Runs the evaluation.
pub fn run(args: &Args) -> Result<()> {
    let inputs: Vec<_> =
        output::model(&args.model).into_iter().chain(args.reference.as_deref()).collect();
    args.common.check("tuning", &inputs)?;
    let published =
        args.reference.as_deref().map_or_else(PublishedV1::built_in, PublishedV1::read)?;
    let model = args.common.open(&args.model)?;
    let viewing = Viewing { pixels_per_degree: args.pixels_per_degree, contrast: args.contrast };
    let area = match args.area {
        Area::V1 => lcl_infer::Area::V1,
        Area::V2 => lcl_infer::Area::V2,
    };
    let mut console = Console::default();
    let recording = record(&model, area, viewing, &mut console)?;
    drop(console);
    let tuning = Tuning::new(model.name(), area, viewing, &recording, &published, args.seed);
    args.common.show("tuning", &tuning)
}
