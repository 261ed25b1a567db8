//! `lcl export`: a model for other runtimes.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::ValueEnum;
use host_trainer::{atomic_file, blob_file::is_blob, checkpoint::Checkpoint, onnx::to_onnx, say};

use super::{names, output::Output};

/// Writes a model for other runtimes
///
/// ONNX has the float network: bytes [N, H, W, 3] in, the maps v1 and v2, [N, H, W, C], out, equal to
/// those of `lcl features` within rounding; batch and size are free. No libtorch is needed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lcl export --to onnx --model runs/latest/best.safetensors --out model.onnx
  lcl export --to onnx --model models/lcl-v2/checkpoint.safetensors --out lcl-v2.onnx")]
pub struct Args {
    /// What to write
    #[arg(long, value_name = "FORMAT")]
    to: Format,
    /// Model: a checkpoint, .safetensors
    #[arg(long, value_name = "C.safetensors")]
    model: PathBuf,
    /// File to write, or - for the standard output
    #[arg(long, value_name = "FILE", value_parser = names::output())]
    out: Output,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// ONNX, opset 17
    Onnx,
}

/// Runs the command.
///
/// # Errors
///
/// When the model cannot be read or said in that format, or the file cannot be written.
pub fn run(args: &Args) -> Result<()> {
    let out = args.out.claim(&[&args.model])?;
    if is_blob(&args.model) {
        bail!(
            "{}: a blob has integers, which the export to ONNX does not write; pass the checkpoint \
             that it was quantised from",
            args.model.display()
        );
    }
    let checkpoint = Checkpoint::read(&args.model)?;
    let bytes = match args.to {
        Format::Onnx => to_onnx(&checkpoint)?,
    };
    atomic_file::write(out, &[&bytes])?;
    say!("{}: {} bytes, images in, v1 and v2 out", args.out.display(), bytes.len());
    Ok(())
}
