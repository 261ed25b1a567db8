//! `lcl quantise`: from a checkpoint to a blob.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use lcl_infer::InputFormat;

use host_trainer::{
    checkpoint::Checkpoint,
    data::{ImageSet, Source, images_at_size},
    device::DeviceChoice,
    passes::{calibrate, compare_channels},
    quantise::{architecture, concerns, quantise},
    say, shell, tell,
};

use super::{
    names, numbers,
    output::{Output, paths},
    population::Population,
};

use super::images::ImageLimits;
use super::libtorch::float_network;

/// Quantises a checkpoint to 8 bits and writes a blob
///
/// The calibration images say which range of values each channel's byte has to
/// cover: a few dozen photographs like those that the model will see.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lcl quantise --checkpoint runs/latest/best.safetensors --calibration photos --out model.lcl
  lcl quantise --checkpoint imported.safetensors --calibration synthetic:64 --out model.lcl
  lcl quantise --checkpoint best.safetensors --calibration photos --input gray8 --out gray.lcl
  lcl quantise --checkpoint best.safetensors --calibration photos \
      --population fits/v1/population.safetensors --out population.lcl")]
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
    /// A fitted population, population.safetensors, whose readout is the last layer, under
    /// the tap rates; its core takes the place of the checkpoint's
    #[arg(long, value_name = "P.safetensors")]
    population: Option<PathBuf>,
    /// Which session of the population, from 0
    #[arg(long, value_name = "N", default_value_t = 0, requires = "population")]
    session: usize,
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
/// When the checkpoint or the images cannot be read, a channel cannot be
/// expressed in integers, or the blob cannot be written.
pub fn run(args: &Args) -> Result<()> {
    args.limits.apply();
    let mut inputs = paths(&args.calibration);
    inputs.push(&args.checkpoint);
    inputs.extend(args.population.as_deref());
    let out = args.out.claim(&inputs)?;
    let mut checkpoint = Checkpoint::read(&args.checkpoint)?;
    let population = args.population.as_deref().map(|path| Population::read(path, args.session));
    let population = population.transpose()?;
    if let Some(population) = &population {
        population.take_core(&mut checkpoint)?;
    }
    let architecture = architecture(&checkpoint, args.input);
    numbers::check_side(args.size, architecture.min_image_side())?;
    let images = Arc::new(ImageSet::open(&args.calibration)?);
    let network = float_network(&checkpoint, args.device)?;
    let again = || images_at_size(Arc::clone(&images), args.size);
    let calibration = calibrate(&*network, architecture, again)?;
    let model = quantise(&checkpoint, &calibration)?;
    let blob = model.to_blob()?;
    let agreement = compare_channels(&*network, &blob.open()?, again())?;
    let blob = match &population {
        None => blob,
        Some(population) => {
            let (with_readout, found) = population.with_readout(&model, &blob, again())?;
            say!(
                "{} neurons at {}, {} bytes of weights; correlation with the float readout of the \
                 same bytes: median {:.5}, least {:.5}",
                found.neurons,
                population.tap(),
                found.weights,
                found.median,
                found.least
            );
            with_readout
        }
    };
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
