//! `lcl decide`: the decisions of a model on images, for the toolbox.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use host_trainer::{device::DeviceChoice, evaluate::recognition::decide, say, shell};

use super::{images::ImageLimits, names, numbers, recogniser};

/// Writes what a model decides on folders of images, as the model-vs-human
/// toolbox does
///
/// Each folder is a data set and has a folder for each of the 16 categories. A
/// model of ImageNet's 1,000 classes answers with the category whose classes have
/// the largest mean probability; any other with its own classes, which must be
/// called as the categories. What it writes, `lcl evaluate behaviour` reads beside
/// the decisions of people.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lcl decide --model runs/imagenet/best.safetensors --data stimuli/edge stimuli/cue-conflict \\
    --out decisions
  lcl evaluate behaviour --decisions decisions raw-data/edge raw-data/cue-conflict")]
pub struct Args {
    /// A checkpoint of a network that names images, or a blob of one
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    /// Folders of images, one for each data set
    #[arg(long, value_name = "FOLDER", num_args = 1.., required = true)]
    data: Vec<PathBuf>,
    /// Folder for the tables; made where it is not there
    #[arg(long, value_name = "FOLDER", value_parser = names::folder())]
    out: PathBuf,
    /// What the model is called in the tables [default: the name of its file]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Side of the images in pixels [default: that of the checkpoint's training; 96
    /// for a blob]
    #[arg(long, value_name = "PIXELS", value_parser = numbers::side())]
    size: Option<u32>,
    /// Where float networks run: auto, cpu or cuda:N
    #[arg(long, value_name = "DEVICE", default_value_t)]
    device: DeviceChoice,
    #[command(flatten)]
    limits: ImageLimits,
}

/// Runs the command.
///
/// # Errors
///
/// When the model or the images cannot be used, or a table cannot be written.
pub fn run(args: &Args) -> Result<()> {
    args.limits.apply();
    let model = recogniser::open(&args.model, args.size, args.device)?;
    let name = args.name.clone().unwrap_or_else(|| name_of(&args.model));
    fs::create_dir_all(&args.out).with_context(|| format!("making {}", args.out.display()))?;
    for folder in &args.data {
        let decided = decide(&*model, &name, folder, &args.out)?;
        let (path, images, correct) = (&decided.path, decided.images, decided.correct);
        say!("{}: {correct} of {images} images decided as they are sorted", path.display());
        if decided.skipped > 0 {
            say!("skipped {} images that could not be used", decided.skipped);
        }
    }
    say!("next: lcl evaluate behaviour --decisions {} HUMANS", shell::quoted(&args.out));
    Ok(())
}

/// Returns the name of a file without its ending, and what separates columns of
/// the names of tables.
fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.replace(['_', ' '], "-")
}
