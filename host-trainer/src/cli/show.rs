//! `lcl show`: feature maps as a picture.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use image::RgbImage;

use host_trainer::{
    blob_file::is_blob,
    checkpoint::Checkpoint,
    data::{ImageSet, Source},
    feature_file::FeatureFile,
    say,
    show::{Page, Shown, Tuning, v1_tuning_of_blob, v1_tuning_of_checkpoint},
};

use super::images::ImageLimits;
use super::{default_model, names, numbers, output::Output};

/// Side that images are shown at, in pixels.
const IMAGE_SIDE: u32 = 224;

/// Draws feature maps as a picture that a person can read
///
/// V1 is in colours of orientation, as bright as it responds, which the filters
/// of the model that the features are of give; V2 in the colours of its three
/// main components. The images stand beside them where their files are still
/// there.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lcl features --images photos --size 224 --out f.safetensors
  lcl show f.safetensors --out f.png
  lcl show f.safetensors --model best.safetensors --out f.png --first 20")]
pub struct Args {
    /// Features, as `lcl features` and `cargo xtask emulate` write them
    #[arg(value_name = "F.safetensors")]
    features: PathBuf,
    /// The picture to write
    #[arg(long, value_name = "PICTURE.png", value_parser = names::output())]
    out: Output,
    /// The model that the features are of: a checkpoint, .safetensors, or a blob
    /// [default: the newest run's blob, or LCL-V2 as it comes with the program]
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    /// Images that are shown, from the first
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = numbers::count(1..=200))]
    first: usize,
    #[command(flatten)]
    limits: ImageLimits,
}

/// Runs the command.
///
/// # Errors
///
/// When a file cannot be read or written, or the model is not that of the
/// features.
pub fn run(args: &Args) -> Result<()> {
    args.limits.apply();
    let mut inputs = vec![args.features.as_path()];
    inputs.extend(args.model.as_deref());
    let out = args.out.claim(&inputs)?;
    let features = FeatureFile::read_first(&args.features, args.first)?;
    let tuning = tuning(args.model.as_deref())?;
    let channels = features.areas[0].shape[2];
    if tuning.len() != channels {
        bail!(
            "V1 has {channels} channels and the model {}: give that of the features",
            tuning.len()
        );
    }
    let count = features.images.len().min(args.first);
    let image = |index: usize| features.images.get(index).and_then(|name| image(name));
    let images = (0..count).map(|index| Shown { index, image: image(index) }).collect();
    let page = Page { features: &features, images, tuning: Some(&tuning) };
    page.draw().write(out)?;
    let all = features.images.len();
    say!("{count} of {all} images, {}", args.out.display());
    Ok(())
}

fn tuning(model: Option<&Path>) -> Result<Vec<Tuning>> {
    Ok(match model.filter(|path| !is_blob(path)) {
        Some(checkpoint) => v1_tuning_of_checkpoint(&Checkpoint::read(checkpoint)?),
        None => v1_tuning_of_blob(&default_model::blob(model)?.open()?),
    })
}

/// Returns the image of that name where it can still be had: a file, or a
/// built-in image.
fn image(name: &str) -> Option<RgbImage> {
    let (source, index) = match name.split_once(':').zip(name.split_once('/')) {
        Some(((kind @ "synthetic", _), (start, index))) => {
            let index: usize = index.parse().ok()?;
            let (_, seed) = start.split_once(':')?;
            (format!("{kind}:{}:{seed}", index + 1).parse().ok()?, index)
        }
        _ if Path::new(name).is_file() => (Source::Path(name.into()), 0),
        _ => return None,
    };
    ImageSet::open(&[source]).ok()?.load_fitted(index, IMAGE_SIDE).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_images_are_found_by_name() {
        let set = ImageSet::open(&["synthetic:3:5".parse().expect("a source")]).expect("built in");
        let shown = image(&set.name(2)).expect("built in");
        assert_eq!(Some(shown), set.load(2).ok());
        assert!(image("no-such.png").is_none() && image("synthetic:x/y").is_none());
    }
}
