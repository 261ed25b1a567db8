//! `lcl quantise`: from a checkpoint to a blob.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use lcl_infer::InputFormat;

use host_trainer::{
    checkpoint::Checkpoint,
    data::{ImageSet, Source, images_at_size},
    passes::{calibrate, compare_channels},
    quantise::{FoldedNetwork, architecture, concerns, quantise},
    say, shell, tell,
};

use super::{
    names, numbers,
    output::{Output, paths},
};

use super::images::ImageLimits;

/// Quantises a checkpoint to 8 bits and writes a blob
///
/// The calibration images say which range of values each channel's byte has to
/// cover: a few dozen photographs like those that the model will see. The same
/// checkpoint and images give the same bytes on every machine; libtorch is not
/// needed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lcl quantise --checkpoint runs/latest/best.safetensors --calibration photos --out model.lcl
  lcl quantise --checkpoint imported.safetensors --calibration photographs --out model.lcl
  lcl quantise --checkpoint best.safetensors --calibration photos --input gray8 --out gray.lcl")]
pub struct Args {
    /// The checkpoint
    #[arg(long, value_name = "C.safetensors")]
    checkpoint: PathBuf,
    /// Images to calibrate on: a folder, a .tar, an image, or synthetic[:N[:SEED]]
    #[arg(long, value_name = "SRC", num_args = 1.., required = true, value_parser = names::source())]
    calibration: Vec<Source>,
    /// The blob to write
    #[arg(long, value_name = "M.lcl", value_parser = names::output())]
    out: Output,
    /// Images that the blob takes: rgb888 or gray8, luma alone, for which
    /// the first convolution needs a third of the multiplications
    #[arg(long, value_name = "FORMAT", default_value = "rgb888", value_parser = input_format)]
    input: InputFormat,
    /// Width and height that the images are fitted to, in pixels
    #[arg(long, value_name = "N", default_value_t = 96, value_parser = numbers::side())]
    size: u32,
    #[command(flatten)]
    limits: ImageLimits,
}

/// Runs the command.
///
/// # Errors
///
/// When the checkpoint or the images cannot be read, a channel cannot be
/// expressed in integers, or the blob cannot be written.
pub fn run(args: &Args) -> Result<()> {
    args.limits.apply();
    let mut inputs = paths(&args.calibration);
    inputs.push(&args.checkpoint);
    let out = args.out.claim(&inputs)?;
    let checkpoint = Checkpoint::read(&args.checkpoint)?;
    let architecture = architecture(&checkpoint, args.input);
    numbers::check_side(args.size, architecture.min_image_side())?;
    let images = Arc::new(ImageSet::open(&args.calibration)?);
    let network = FoldedNetwork::new(&checkpoint);
    let again = || images_at_size(Arc::clone(&images), args.size);
    let calibration = calibrate(&network, architecture, again)?;
    let model = quantise(&checkpoint, &calibration)?;
    let blob = model.to_blob()?;
    let agreement = compare_channels(&network, &blob.open()?, again())?;
    blob.write(out)?;
    let [v1, v2] = agreement.each_ref().map(|area| area.all.sqnr_db);
    say!(
        "{}: {} bytes, takes {}, calibrated on {} images of {size}×{size}; SQNR on them: V1 \
         {v1:.1} dB, V2 {v2:.1} dB",
        args.out.display(),
        blob.bytes().len(),
        args.input.name(),
        calibration.material.images,
        size = args.size,
    );
    for concern in concerns(&calibration, &model, &agreement) {
        tell!("warning: {concern}");
    }
    if args.out.path() == out {
        say!("next: lcl inspect {}", shell::quoted(out));
    }
    Ok(())
}

/// Returns the format of that name, in small letters.
fn input_format(name: &str) -> Result<InputFormat, String> {
    let names = || InputFormat::ALL.map(|format| format.name().to_lowercase());
    let known = InputFormat::ALL.into_iter().zip(names()).find(|(_, known)| known == name);
    known.map(|(format, _)| format).ok_or_else(|| format!("known are {}", names().join(" and ")))
}
