//! `lcl quantise`: from a checkpoint to a blob.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Result, bail, ensure};
use lcl_infer::InputFormat;

use host_trainer::{
    blob_file::BlobFile,
    checkpoint::Checkpoint,
    data::{ImageSet, Source, images_at_size},
    device::DeviceChoice,
    passes::{calibrate, compare_channels},
    quantise::{
        FoldedNetwork, QuantisedModel, architecture, concerns, fastest, quantise,
        quantise_recogniser, recogniser_architecture, weights_len,
    },
    recogniser::{Recogniser, is_recogniser},
    say, shell, tell,
};

use super::{
    names, numbers,
    output::{Output, paths},
    population::Population,
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
  lcl quantise --checkpoint best.safetensors --calibration photos --input gray8 --out gray.lcl
  lcl quantise --checkpoint best.safetensors --calibration photos --layout fast --flash 900000 --out fast.lcl
  lcl quantise --checkpoint v2net/best.safetensors --calibration clothing10/train --out v2net.lcl
  lcl quantise --checkpoint best.safetensors --calibration photos --size 48 --fovea 224 --out eye.lcl
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
    #[arg(long, value_name = "P.safetensors", conflicts_with_all = ["layout", "fovea"])]
    population: Option<PathBuf>,
    /// Which session of the population, from 0
    #[arg(long, value_name = "N", default_value_t = 0, requires = "population")]
    session: usize,
    /// How weights stand in the blob: small, or fast, transformed so that
    /// kernels need fewer products; the features are the same bytes
    #[arg(long, value_enum, default_value_t)]
    layout: Layout,
    /// Most bytes that a fast blob may have: of each convolution the transform
    /// is chosen that helps images of --size pixels most
    #[arg(long, value_name = "BYTES")]
    flash: Option<usize>,
    /// Puts a fovea in front: the blob takes images of N×N pixels and shows the
    /// network --size of them, the middle at its own scale and the edge coarse
    #[arg(long, value_name = "N", conflicts_with = "layout", value_parser = numbers::side())]
    fovea: Option<u32>,
    /// Where the float network of one that names images runs: auto, cpu or cuda:N
    #[arg(long, value_name = "DEVICE", default_value_t)]
    device: DeviceChoice,
    #[command(flatten)]
    limits: ImageLimits,
}

/// How weights stand in a blob.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Layout {
    /// As they are.
    #[default]
    Small,
    /// Transformed where that needs fewer products.
    Fast,
}

/// Runs the command.
///
/// # Errors
///
/// When the checkpoint or the images cannot be read, a channel cannot be
/// expressed in integers, or the blob cannot be written.
pub fn run(args: &Args) -> Result<()> {
    args.limits.apply();
    if args.layout == Layout::Small && args.flash.is_some() {
        bail!("--flash chooses among transforms: add --layout fast");
    }
    let mut inputs = paths(&args.calibration);
    inputs.push(&args.checkpoint);
    inputs.extend(args.population.as_deref());
    let out = args.out.claim(&inputs)?;
    if is_recogniser(&args.checkpoint) {
        return recogniser(args, out);
    }
    let mut checkpoint = Checkpoint::read(&args.checkpoint)?;
    let population = args.population.as_deref().map(|path| Population::read(path, args.session));
    let population = population.transpose()?;
    if let Some(population) = &population {
        population.take_core(&mut checkpoint)?;
    }
    let architecture = architecture(&checkpoint, args.input)?;
    numbers::check_side(args.size, architecture.min_image_side())?;
    numbers::check_one_side(args.size, checkpoint.input_side)?;
    let network = FoldedNetwork::new(&checkpoint)?;
    let images = Arc::new(ImageSet::open(&args.calibration)?);
    let again = || images_at_size(Arc::clone(&images), args.size);
    let calibration = calibrate(&network, architecture, again)?;
    let model = quantise(&checkpoint, &calibration)?;
    let small = model.to_blob()?;
    let agreement = compare_channels(&network, &small.open()?, again())?;
    let blob = match (args.layout, args.fovea, &population) {
        (Layout::Fast, _, _) => fast(&model, small.bytes().len(), args.size, args.flash)?,
        (Layout::Small, None, None) => small,
        (Layout::Small, Some(seen), _) => {
            model.clone().foveated(seen as usize, args.size as usize)?.to_blob()?
        }
        (Layout::Small, None, Some(population)) => {
            let (with_readout, found) = population.with_readout(&model, &small, again())?;
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

/// Writes the blob whose layers are transformed, which has at most `flash` bytes;
/// `small_len` are those of the blob whose layers are not.
fn fast(
    model: &QuantisedModel,
    small_len: usize,
    size: u32,
    flash: Option<usize>,
) -> Result<BlobFile> {
    let architecture = &model.architecture;
    let plain = vec![None; model.convolutions.len()];
    let beside = small_len - weights_len(architecture, &plain);
    let most = flash.map_or(usize::MAX, |flash| flash.saturating_sub(beside));
    let Some(transforms) = fastest(architecture, usize::try_from(size)?, most) else {
        bail!(
            "the blob needs {small_len} bytes as it is, and --flash allows {}: take a smaller \
             model or more flash",
            flash.unwrap_or_default()
        );
    };
    if transforms.iter().all(Option::is_none) {
        tell!("note: no convolution is transformed: the blob is the small one");
    }
    Ok(model.to_blob_with(&transforms)?)
}

/// Quantises a network that names images, for images of `--size` pixels.
fn recogniser(args: &Args, out: &Path) -> Result<()> {
    ensure!(
        args.input == InputFormat::Rgb888,
        "a network that names images takes rgb888; leave --input out"
    );
    let recogniser = Recogniser::read(&args.checkpoint)?;
    let side = args.size as usize;
    let architecture = recogniser_architecture(&recogniser.design, side)?;
    let images = Arc::new(ImageSet::open(&args.calibration)?);
    let network = super::recogniser::features(&recogniser, args.size, architecture, args.device)?;
    let again = || images_at_size(Arc::clone(&images), args.size);
    let calibration = calibrate(&*network, architecture, again)?;
    let model = quantise_recogniser(&recogniser, &calibration)?;
    let blob = model.to_blob()?;
    blob.write(out)?;
    say!(
        "{}: {} bytes, {} classes, for images of {side}×{side} pixels, calibrated on {} images",
        args.out.display(),
        blob.bytes().len(),
        recogniser.classes.len(),
        calibration.material.images,
    );
    if args.out.path() == out {
        let (blob, float) = (shell::quoted(out), shell::quoted(&args.checkpoint));
        say!(
            "next: lcl evaluate accuracy --model {blob} --size {side} --against {float} --data FOLDER"
        );
    }
    Ok(())
}

/// Returns the format of that name, in small letters.
fn input_format(name: &str) -> Result<InputFormat, String> {
    let names = || InputFormat::ALL.map(|format| format.name().to_lowercase());
    let known = InputFormat::ALL.into_iter().zip(names()).find(|(_, known)| known == name);
    known.map(|(format, _)| format).ok_or_else(|| format!("known are {}", names().join(" and ")))
}
