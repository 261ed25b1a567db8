//! `lcl compare`: quantised against float features.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use serde_json::json;

use host_trainer::{
    blob_file::BlobFile,
    checkpoint::Checkpoint,
    compare::Agreement,
    data::{ImageSet, Source, images_at_size},
    device::DeviceChoice,
    passes, say,
};

use super::images::ImageLimits;
use super::libtorch::float_network;
use super::{names, numbers};

/// Compares the features of a blob with those of the checkpoint it came from
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lcl compare --checkpoint best.safetensors --model model.lcl --images photos --size 96
  lcl compare --checkpoint best.safetensors --model model.lcl --images synthetic:16 --size 96 --json")]
pub struct Args {
    /// The checkpoint
    #[arg(long, value_name = "C.safetensors")]
    checkpoint: PathBuf,
    /// The blob
    #[arg(long, value_name = "M.lcl")]
    model: PathBuf,
    /// Images: a folder, a .tar, an image, or synthetic[:N[:SEED]]
    #[arg(long, value_name = "SRC", num_args = 1.., required = true, value_parser = names::source())]
    images: Vec<Source>,
    /// Width and height that the images are fitted to, in pixels
    #[arg(long, value_name = "N", value_parser = numbers::side())]
    size: u32,
    /// Prints one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Where the float network runs: auto, cpu or cuda:N
    #[arg(long, value_name = "DEVICE", default_value_t)]
    device: DeviceChoice,
    #[command(flatten)]
    limits: ImageLimits,
}

/// Runs the command.
///
/// # Errors
///
/// When a file cannot be read or the images cannot be had.
pub fn run(args: &Args) -> Result<()> {
    args.limits.apply();
    let checkpoint = Checkpoint::read(&args.checkpoint)?;
    let file = BlobFile::read(&args.model)?;
    numbers::check_side(args.size, &file.open()?.convolutions())?;
    let images = Arc::new(ImageSet::open(&args.images)?);
    let network = float_network(&checkpoint, args.device)?;
    let [v1, v2] = passes::compare(&*network, &file.open()?, images_at_size(images, args.size))?;
    if args.json {
        say!("{}", json!({ "v1": v1, "v2": v2 }));
    } else {
        print_table(&[("V1", v1), ("V2", v2)]);
    }
    Ok(())
}

fn print_table(areas: &[(&str, Agreement)]) {
    say!("area  SQNR dB   cosine  largest error");
    for (area, agreement) in areas {
        say!(
            "{area:<4}  {:7.2}  {:.5}  {:13.4}",
            agreement.sqnr_db,
            agreement.cosine,
            agreement.max_abs_error
        );
    }
}
