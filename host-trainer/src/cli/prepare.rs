//! `lcl prepare`

use std::{io::IsTerminal, path::PathBuf, time::Instant};

use anyhow::Result;
use host_trainer::{
    data::{CENTRE_SIDE, Prepared, Source, prepare},
    printed, say, shell,
};
use indicatif::{ProgressBar, ProgressStyle};

use super::images::ImageLimits;
use super::{names, output};

/// Decodes images once and keeps what training looks at, as a pack
///
/// A pack holds the 112x112 centre of every image, 37.6 kB each, or that of
/// another --side, as safetensors shards of u8 [N, side, side, 3], and a manifest
/// that says what was skipped and why. 112 is all that LCL-V2 looks at; patches
/// from anywhere, ablations and comparison models need 224. Training from a pack gives exactly the views that training from its
/// sources gives. Started again, it goes on where it was stopped, makes anew what
/// has changed since and tries again what was skipped.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lcl prepare --data photos --out photos.pack
  lcl prepare --data ILSVRC2012_img_train.tar --out imagenet.pack
  lcl prepare --data shards more-photos --out all.pack
  lcl prepare --data photos --side 224 --out whole.pack
  lcl train --data photos.pack")]
pub struct Args {
    /// Images: a folder, a .tar, a pack, an image, photographs or
    /// synthetic[:N[:SEED]]; several are joined
    #[arg(long, value_name = "SRC", num_args = 1.., required = true, value_parser = names::source())]
    data: Vec<Source>,
    /// Folder of the pack
    #[arg(long, value_name = "PACK", value_parser = names::folder())]
    out: PathBuf,
    /// Side of the centre to keep, in pixels: even, 16 to 224
    #[arg(long, value_name = "N", default_value_t = CENTRE_SIDE)]
    side: u32,
    #[command(flatten)]
    limits: ImageLimits,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    args.limits.apply();
    output::check_folder(&args.out, &output::paths(&args.data))?;
    let started = Instant::now();
    let bar = std::io::stderr().is_terminal().then(bar);
    let show = |prepared: Prepared| {
        if let Some(bar) = &bar {
            bar.set_length(prepared.images as u64);
            bar.set_position(prepared.done as u64);
        }
    };
    let manifest = prepare(&args.data, args.side, &args.out, &show);
    if let Some(bar) = &bar {
        bar.finish();
    }
    let manifest = manifest?;
    let rate = manifest.images as f64 / started.elapsed().as_secs_f64();
    say!("pack     {}", printed(&args.out));
    say!("images   {}, {rate:.0} images/s", manifest.count);
    if !manifest.skipped.is_empty() {
        let (skipped, first) = (manifest.skipped.len(), &manifest.skipped[0].reason);
        say!("skipped  {skipped}, named in manifest.json; the first: {first}");
    }
    say!("next     lcl train --data {}", shell::quoted(&args.out));
    Ok(())
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let template = "{bar:30} {pos}/{len} images  {per_sec}  {eta} left";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
