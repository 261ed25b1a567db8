//! `lcl step`: the time of a training step, for `cargo xtask bench --train`.

use anyhow::Result;
use host_trainer::device::{DeviceChoice, Precision};

use super::numbers;

/// Prints the least time of a training step of both stages, as JSON.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Images in the batch
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = numbers::count(2..=65536))]
    batch: usize,
    /// Precision of the layers: float32, float64 or bfloat16
    #[arg(long, value_name = "PRECISION", default_value = "float32")]
    precision: Precision,
    /// Threads of libtorch's CPU operations
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = numbers::threads())]
    threads: usize,
    /// Where to compute: auto, cpu or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    device: DeviceChoice,
    /// Steps to measure
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = numbers::count(1..=100_000))]
    repeats: usize,
}

/// Returns the error of this build.
#[cfg(not(feature = "torch"))]
pub fn run(_: &Args) -> Result<()> {
    Err(super::libtorch::WithoutLibtorch.into())
}

/// Runs the command.
#[cfg(feature = "torch")]
pub fn run(args: &Args) -> Result<()> {
    use host_trainer::{config::Config, say, training::step_times};
    use serde_json::json;

    let mut config = Config::default();
    config.training.batch = args.batch;
    config.training.precision = args.precision;
    config.training.threads = args.threads;
    config.training.device = args.device;
    let times = step_times(&config, args.repeats)?;
    let milliseconds = times.iter().map(|time| time.as_secs_f64() * 1e3);
    say!("{}", json!({ "milliseconds": milliseconds.fold(f64::INFINITY, f64::min) }));
    Ok(())
}
