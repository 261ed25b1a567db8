//! `lcl evaluate accuracy`: how often a network names images rightly.

use std::path::{Path, PathBuf};

use anyhow::Result;
use host_trainer::{data::Source, evaluate::recognition::accuracy};

use super::{Common, names, numbers};
use crate::cli::{images::ImageLimits, recogniser};

/// Counts how often a network names images rightly: top-1, top-5, by class
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The images lie in one folder for each class, whose names are those that the model was trained with.

Examples:
  lcl evaluate accuracy --model runs/latest/best.safetensors --data clothing10/test
  lcl evaluate accuracy --model v2net.lcl --size 96 --against best.safetensors \
    --data clothing10/test")]
pub struct Args {
    /// A checkpoint of a network that names images, or a blob of one
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    /// Images: a folder with one for each class, a .tar or a pack of such
    #[arg(long, value_name = "SRC", value_parser = names::source())]
    data: Source,
    /// Side of the images in pixels [default: that of the checkpoint's training; 96
    /// for a blob]
    #[arg(long, value_name = "PIXELS", value_parser = numbers::side())]
    size: Option<u32>,
    /// Another model whose answers are compared, such as the float one of a blob
    #[arg(long, value_name = "MODEL")]
    against: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    limits: ImageLimits,
}

/// Runs the command.
///
/// # Errors
///
/// When the model or the images cannot be used, or their classes differ.
pub fn run(args: &Args) -> Result<()> {
    args.limits.apply();
    let mut inputs: Vec<&Path> = vec![&args.model];
    if let Source::Path(path) = &args.data {
        inputs.push(path);
    }
    args.common.check("accuracy", &inputs)?;
    let model = recogniser::open(&args.model, args.size, args.common.device)?;
    let open = |path: &PathBuf| recogniser::open(path, Some(model.side()), args.common.device);
    let against = args.against.as_ref().map(open).transpose()?;
    let name = |path: &Path| path.display().to_string();
    let other_name = args.against.as_deref().map(name).unwrap_or_default();
    let against = against.as_deref().map(|other| (other, other_name.as_str()));
    let found = accuracy(&*model, &name(&args.model), &args.data, against)?;
    args.common.show("accuracy", &found)
}
