//! `lcl features`

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result, bail};
use host_trainer::{
    blob_file::{BlobFile, is_blob},
    checkpoint::Checkpoint,
    data::{ImageSet, Source, for_each_batch, images_at_size},
    device::DeviceChoice,
    feature_file::FeatureFile,
    integer_features,
    model::FloatNetwork,
};
use image::RgbImage;

use super::images::ImageLimits;

/// Writes the features of images: float ones from a checkpoint, integer ones
/// from a blob
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lcl features --model runs/latest/best.safetensors --images photos --size 224 --out f.safetensors
  lcl features --model runs/latest/model.lcl --images cat.png --size 96 --out cat.safetensors")]
pub struct Args {
    /// Model: a checkpoint, .safetensors, or a blob, .lcl
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    /// Images: a folder, a .tar, an image or synthetic[:N[:SEED]]
    #[arg(long, value_name = "SRC")]
    images: Source,
    /// Side of the images in pixels; others are resized and their centre cropped
    #[arg(long, value_name = "PIXELS")]
    size: u32,
    /// File to write, .safetensors
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where to compute float features: auto, cpu or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: DeviceChoice,
    #[command(flatten)]
    limits: ImageLimits,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    args.limits.apply();
    let file = if is_blob(&args.model) { blob_features(args)? } else { float_features(args)? };
    file.write(&args.out)?;
    let images = file.images.len();
    println!("{images} images of {0}x{0} pixels, {1}", args.size, args.out.display());
    Ok(())
}

fn float_features(args: &Args) -> Result<FeatureFile> {
    let checkpoint = Checkpoint::read(&args.model)?;
    let network = FloatNetwork::new(&checkpoint, args.device)?;
    collect(args, |file, images| {
        let features = network.forward(images).context("computing features")?;
        for (output, stage) in file.stages.iter_mut().zip(&features.stages) {
            output.extend(&stage.pooled);
        }
        Ok(())
    })
}

fn blob_features(args: &Args) -> Result<FeatureFile> {
    let model = BlobFile::read(&args.model)?;
    let blob = model.open()?;
    collect(args, |file, images| {
        file.extend_bytes(&blob, &integer_features::integer_features(&blob, images)?);
        Ok(())
    })
}

/// Collects what `extend` adds to a file for each batch of images.
fn collect(
    args: &Args,
    mut extend: impl FnMut(&mut FeatureFile, &[RgbImage]) -> Result<()>,
) -> Result<FeatureFile> {
    let set = ImageSet::open(std::slice::from_ref(&args.images))?;
    let mut file = FeatureFile::default();
    for_each_batch(images_at_size(Arc::new(set), args.size), |names, pixels| {
        extend(&mut file, pixels)?;
        file.images.extend(names);
        anyhow::Ok(())
    })?;
    if file.images.is_empty() {
        bail!("no image of {} can be used", args.images);
    }
    Ok(file)
}
