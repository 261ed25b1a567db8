//! `lcl evaluate probe`: a linear classifier on features.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use host_trainer::evaluate::{ModelChoice, probe::probe};

use super::{Common, console::Console, names, numbers, output};
use crate::cli::images::ImageLimits;

/// Tells classes of images apart by the features of models, with a linear
/// classifier
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The data is a folder with train/ and test/, and in each a folder of images for every class.

Examples:
  lcl evaluate probe --model best.safetensors model.lcl --data clothing --size 96
  lcl evaluate probe --model untrained v1-steerpyr --data clothing --size 224 --json")]
pub struct Args {
    /// Models: checkpoints, blobs, untrained[:SEED] or v1-steerpyr
    #[arg(long, value_name = "MODEL", num_args = 1.., required = true, value_parser = names::model())]
    model: Vec<ModelChoice>,
    /// Folder with train/CLASS and test/CLASS
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Side of the images in pixels; others are resized and their centre cropped
    #[arg(long, value_name = "PIXELS", value_parser = numbers::side())]
    size: u32,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    limits: ImageLimits,
}

/// Runs the command.
///
/// # Errors
///
/// When a model or the images cannot be read, or the images have no classes.
pub fn run(args: &Args) -> Result<()> {
    args.limits.apply();
    let mut inputs: Vec<&Path> = args.model.iter().filter_map(output::model).collect();
    inputs.push(&args.data);
    args.common.check("probe", &inputs)?;
    let mut models = Vec::new();
    for choice in &args.model {
        let model = args.common.open(choice);
        models.push(model.with_context(|| format!("opening {choice}"))?);
    }
    let mut console = Console::default();
    let findings = probe(&models, &args.data, args.size, &mut console)?;
    drop(console);
    args.common.show("probe", &findings)
}
