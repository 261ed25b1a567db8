//! `lcl train`

use std::path::PathBuf;

use anyhow::{Context, Result};
use host_trainer::{
    config::{Config, Length},
    data::Source,
    device::DeviceChoice,
    run::{RunFolder, RunSummary, Start},
    training,
};

use super::progress::Console;

/// Trains the model on images, without labels.
///
/// Without --data it trains on built-in images, without --out in a folder of
/// its own, runs/1, runs/2 and so on; runs/latest is a link to the newest.
/// Options override the file given with --config, and that the defaults. With
/// --resume the run's own config.toml takes the place of the file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lcl train
  lcl train --data photos --steps 300
  lcl train --data photos more-photos --out runs/photos --epochs 100 --device cuda:0
  lcl train --out runs/photos --resume --epochs 200")]
pub struct Args {
    /// Images: a folder, an image or synthetic[:N[:SEED]]; several are joined
    #[arg(long, value_name = "SRC", num_args = 1..)]
    data: Vec<Source>,
    /// Folder of the run [default: the first free runs/N]
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    /// Configuration to start from, as in a run's config.toml
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    config: Option<PathBuf>,
    /// Updates of the weights
    #[arg(long, value_name = "N", conflicts_with = "epochs")]
    steps: Option<u64>,
    /// Times that every image is seen, instead of --steps
    #[arg(long, value_name = "N")]
    epochs: Option<u64>,
    /// Images in a batch
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    batch: Option<usize>,
    /// Seed of weights, split, order and views
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    seed: Option<u64>,
    /// Where to compute: auto, cpu or cuda:N [default: auto]
    #[arg(long, value_name = "DEVICE")]
    device: Option<DeviceChoice>,
    /// Continues the run in --out, or else in runs/latest
    #[arg(long, conflicts_with = "data")]
    resume: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let (run, config, start) = prepare(args)?;
    let mut console = Console::new(run.path());
    let summary = training::train(&config, &run, start, &mut console);
    console.finish();
    let summary = summary?;
    finish(&run, &summary);
    Ok(())
}

fn prepare(args: &Args) -> Result<(RunFolder, Config, Start)> {
    if args.resume {
        let run = RunFolder::resume(args.out.as_deref())?;
        let config = Config::read(&run.config()).context("reading the run's configuration")?;
        let config = overridden(config, args)?;
        return Ok((run, config, Start::Resume));
    }
    let config = match &args.config {
        Some(path) => Config::read(path)?,
        None => Config::default(),
    };
    let config = overridden(config, args)?;
    Ok((RunFolder::fresh(args.out.as_deref())?, config, Start::Fresh))
}

fn overridden(mut config: Config, args: &Args) -> Result<Config> {
    if !args.data.is_empty() {
        config.data.sources.clone_from(&args.data);
    }
    let training = &mut config.training;
    if let Some(steps) = args.steps {
        training.length = Length::Steps(steps);
    }
    if let Some(epochs) = args.epochs {
        training.length = Length::Epochs(epochs);
    }
    training.batch = args.batch.unwrap_or(training.batch);
    training.seed = args.seed.unwrap_or(training.seed);
    training.device = args.device.unwrap_or(training.device);
    config.validate()?;
    Ok(config)
}

/// Tells what a finished run came to.
fn finish(run: &RunFolder, summary: &RunSummary) {
    let RunSummary {
        start,
        end,
        best,
        best_step,
        steps,
        ..
    } = *summary;
    println!();
    println!("loss on held-out images   start        end");
    for stage in 0..2 {
        let (before, after) = (start.stages[stage], end.stages[stage]);
        println!(
            "  stage {} (V{0})     {before:>12.2} {after:>10.2}",
            stage + 1
        );
    }
    println!(
        "least summed loss        {:.2} at step {best_step}",
        best.total()
    );
    let early = if summary.stopped_early {
        ", stopped as it no longer improved"
    } else {
        ""
    };
    println!("steps                    {steps}{early}");
    println!(
        "time                     {:.0} s",
        summary.elapsed.as_secs_f64()
    );
    if summary.skipped_images > 0 {
        println!("images skipped           {}", summary.skipped_images);
    }
    println!("written                  {}", run.checkpoint().display());
    println!("                         {}", run.best().display());
    println!("                         {}", run.metrics().display());
    println!("                         {}", run.config().display());
}
