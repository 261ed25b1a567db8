//! `lcl train`: its arguments.

#[cfg(feature = "torch")]
mod configuration;
#[cfg(feature = "torch")]
mod interrupt;
#[cfg(feature = "torch")]
mod launch;
#[cfg(feature = "torch")]
mod progress;
#[cfg(feature = "torch")]
mod run;

use std::path::PathBuf;

#[cfg(not(feature = "torch"))]
use anyhow::Result;
use host_trainer::{
    config::{Assignment, SHIPPED, Shipped},
    data::Source,
    device::{DeviceChoice, Precision},
};
#[cfg(feature = "torch")]
pub use run::run;

use super::{images::ImageLimits, names, numbers};

/// What `--help` ends with, before the list of configurations.
const EXAMPLES: &str = "\
Examples:
  lcl train
  lcl train --data photos --steps 300
  lcl train --data photos more-photos --out runs/photos --epochs 100 --device cuda:0
  lcl train --config lcl-v2-simclr --data photos --steps 300
  lcl train --data photos --set optimiser.learning_rate=0.0003 --set views.hue=0.1
  lcl train --config runs/photos/config.toml --seed 1 --out runs/photos-seed1
  lcl train --data photos/train --validation photos/val
  lcl train --data photos --init runs/1/best.safetensors
  lcl train --config lcl-v2net-small --front-end models/lcl-v2/checkpoint.safetensors \
    --data clothing10/train --validation clothing10/validation
  lcl train --out runs/photos --resume --epochs 200
  lcl train --nproc 2 --data photos
  torchrun --no-python --nproc-per-node 4 lcl train --data photos

Configurations that come with the program, for --config:";

/// Trains the model on images, without labels, or a network that names them.
///
/// Without --data it trains on built-in photographs, in bfloat16 where the
/// processor computes with it, without --out in a folder of
/// its own, runs/1, runs/2 and so on; runs/latest is a link to the newest.
/// Options override the file given with --config, and that the defaults. With
/// --resume the run's own config.toml counts; its length, the device, its
/// patience and the place of its images may change, the images may not. While it
/// runs, report.html in its folder shows how it goes, renewed at each
/// validation; `tensorboard --logdir runs` shows the same numbers.
///
/// The configurations lcl-v2net, alexnet and the like train networks that name
/// what is on an image: --data has one folder for each class.
///
/// Ctrl-C, or a request to terminate, ends a run after its step, with exit
/// status 130, to be resumed; a second one ends it at once.
///
/// Several processes, on several machines too, train one model together where
/// torchrun or the like has set their environment; the first of them alone
/// writes.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help())]
pub struct Args {
    /// Images: a folder, a .tar, a pack from `lcl prepare`, an image, photographs
    /// or synthetic[:N[:SEED]]; several are joined
    #[arg(long, value_name = "SRC", num_args = 1.., value_parser = names::source())]
    data: Vec<Source>,
    /// Images to validate on; without it some of --data are held out by chance
    #[arg(long, value_name = "SRC", num_args = 1..)]
    validation: Vec<Source>,
    /// Checkpoint whose weights the run starts with, instead of drawn ones
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    init: Option<PathBuf>,
    /// Checkpoint of LCL-V2 whose layers are the fixed front-end of lcl-v2net and
    /// lcl-v2net-small
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    front_end: Option<PathBuf>,
    /// Folder of the run [default: the first free runs/N]
    #[arg(long, value_name = "RUN", value_parser = names::folder())]
    out: Option<PathBuf>,
    /// Configuration to start from: a file such as a run's config.toml, or the
    /// name of one that comes with the program
    #[arg(long, value_name = "FILE|NAME")]
    config: Option<PathBuf>,
    /// Updates of the weights
    #[arg(long, value_name = "N", conflicts_with = "epochs", value_parser = numbers::whole())]
    steps: Option<u64>,
    /// Times that every image is seen, instead of --steps
    #[arg(long, value_name = "N", value_parser = numbers::whole())]
    epochs: Option<u64>,
    /// Validations without an improvement after which the run stops; 0 never
    /// stops early
    #[arg(long, value_name = "N")]
    patience: Option<u64>,
    /// What counts as an improvement, as a fraction of the best loss so far
    #[arg(long, value_name = "FRACTION")]
    min_improvement: Option<f64>,
    /// Images in a batch
    #[arg(long, value_name = "N", value_parser = numbers::count(2..=65536))]
    batch: Option<usize>,
    /// Seed of weights, split, order and views
    #[arg(long, value_name = "N", value_parser = numbers::whole())]
    seed: Option<u64>,
    /// Where to compute: auto, cpu or cuda:N [default: auto]
    #[arg(long, value_name = "DEVICE")]
    device: Option<DeviceChoice>,
    /// Precision of the layers: float32, float64, bfloat16, or auto, the fastest
    /// of this machine [default: float32]
    #[arg(long, value_name = "PRECISION")]
    precision: Option<Precision>,
    /// Threads of libtorch's CPU operations [default: one for each core]
    #[arg(long, value_name = "N", value_parser = numbers::threads())]
    threads: Option<usize>,
    /// Sets any field of the configuration, by its dotted name; may be given
    /// several times. `lcl config` lists them
    #[arg(long, value_name = "FIELD=VALUE")]
    set: Vec<Assignment>,
    /// Continues the run in --out, or else in runs/latest
    #[arg(long)]
    resume: bool,
    /// Trains with so many processes on this machine, each with its part of a
    /// batch
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    nproc: Option<u16>,
    #[command(flatten)]
    limits: ImageLimits,
}

/// Returns the error of this build.
#[cfg(not(feature = "torch"))]
pub fn run(_: &Args) -> Result<()> {
    Err(super::libtorch::WithoutLibtorch.into())
}

fn after_help() -> String {
    let line = |shipped: &Shipped| format!("  {:<24}{}", shipped.name, shipped.summary());
    let lines: Vec<String> = SHIPPED.iter().map(line).collect();
    format!("{EXAMPLES}\n{}", lines.join("\n"))
}
