//! `lcl frames` and `lcl collect`, which `cargo xtask emulate` calls.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use host_trainer::{
    atomic_file,
    blob_file::BlobFile,
    data::{ImageSet, Source},
    feature_file::FeatureFile,
    frames::{collect_rows, frame_sizes, write_frame},
};

use super::images::ImageLimits;
use super::{
    names, numbers,
    output::{Output, paths},
};

/// Writes images as an emulated board reads them
#[derive(Debug, clap::Args)]
pub struct FramesArgs {
    /// The blob that the board will run
    #[arg(long, value_name = "M.lcl")]
    model: PathBuf,
    /// Images: a folder, an image, or synthetic[:N[:SEED]]
    #[arg(long, value_name = "SRC", num_args = 1.., required = true, value_parser = names::source())]
    images: Vec<Source>,
    /// Width and height that the images are fitted to; their own without it
    #[arg(long, value_name = "N", value_parser = numbers::side())]
    size: Option<u32>,
    /// The file to write
    #[arg(long, value_name = "FRAMES", value_parser = names::output())]
    out: Output,
    #[command(flatten)]
    limits: ImageLimits,
}

/// Runs `lcl frames`.
///
/// # Errors
///
/// When the blob or the images cannot be had or the file cannot be written.
pub fn run_frames(args: &FramesArgs) -> Result<()> {
    args.limits.apply();
    let out = args.out.claim(&inputs(&[&args.model], &args.images))?;
    let input = BlobFile::read(&args.model)?.open()?.input();
    let images = ImageSet::open(&args.images)?;
    let mut bytes = Vec::new();
    for index in 0..images.len() {
        let image = match args.size {
            Some(size) => images.load_fitted(index, size)?,
            None => images.load(index)?,
        };
        write_frame(&image, input, &mut bytes);
    }
    Ok(atomic_file::write(out, &[&bytes])?)
}

/// Packs the rows that an emulated board wrote into a features file
#[derive(Debug, clap::Args)]
pub struct CollectArgs {
    /// The blob that the board ran
    #[arg(long, value_name = "M.lcl")]
    model: PathBuf,
    /// The images that the board read
    #[arg(long, value_name = "FRAMES")]
    frames: PathBuf,
    /// The rows that it wrote
    #[arg(long, value_name = "ROWS")]
    rows: PathBuf,
    /// Where the images came from
    #[arg(long, value_name = "SRC", num_args = 1.., required = true, value_parser = names::source())]
    images: Vec<Source>,
    /// The features file to write
    #[arg(long, value_name = "F.safetensors", value_parser = names::output())]
    out: Output,
}

/// Runs `lcl collect`.
///
/// # Errors
///
/// When a file cannot be read or written or rows are missing.
pub fn run_collect(args: &CollectArgs) -> Result<()> {
    let out = args.out.claim(&inputs(&[&args.model, &args.frames, &args.rows], &args.images))?;
    let read =
        |path: &PathBuf| fs::read(path).with_context(|| format!("reading {}", path.display()));
    let file = BlobFile::read(&args.model)?;
    let blob = file.open()?;
    let sizes = frame_sizes(&read(&args.frames)?, blob.input())?;
    let maps = collect_rows(&blob, &sizes, &read(&args.rows)?)?;
    let images = ImageSet::open(&args.images)?;
    let names = (0..images.len()).map(|index| images.name(index).into_owned());
    let mut file = FeatureFile { images: names.collect(), ..FeatureFile::default() };
    ensure!(
        file.images.len() == sizes.len(),
        "{} holds {} images and {} names were given",
        args.frames.display(),
        sizes.len(),
        file.images.len()
    );
    file.extend_bytes(&blob, &maps);
    Ok(file.write(out)?)
}

fn inputs<'a>(files: &[&'a Path], images: &'a [Source]) -> Vec<&'a Path> {
    let mut inputs = paths(images);
    inputs.extend(files);
    inputs
}
