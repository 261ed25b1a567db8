//! The commands of `lcl`, one file each.

mod apply;
mod compare;
mod completions;
mod config;
mod decide;
mod default_model;
mod environment;
mod evaluate;
mod export;
mod features;
mod fit;
mod frames;
mod images;
mod inspect;
pub mod libtorch;
mod names;
mod numbers;
mod output;
mod population;
mod prepare;
mod quantise;
mod recogniser;
mod show;
mod step;
mod train;
pub mod usage;
mod watch;

use anyhow::Result;
use clap::{Parser, Subcommand};
pub use environment::prepare_environment;

/// Trains, quantises and measures LCL-V2, a model of cortical areas V1 and V2.
#[derive(Debug, Parser)]
#[command(name = "lcl", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Train(train::Args),
    Fit(fit::Args),
    Prepare(prepare::Args),
    Quantise(quantise::Args),
    Features(features::Args),
    Compare(compare::Args),
    Inspect(inspect::Args),
    Export(export::Args),
    Evaluate(evaluate::Args),
    Decide(decide::Args),
    Show(show::Args),
    Watch(watch::Args),
    Config(config::Args),
    Completions(completions::Args),
    #[command(hide = true)]
    Apply(apply::Args),
    #[command(hide = true)]
    Step(step::Args),
    #[command(hide = true)]
    Frames(frames::FramesArgs),
    #[command(hide = true)]
    Collect(frames::CollectArgs),
}

impl Cli {
    /// Runs the command that was given.
    pub fn run(self) -> Result<()> {
        match self.command {
            Command::Train(args) => train::run(&args),
            Command::Fit(args) => fit::run(&args),
            Command::Prepare(args) => prepare::run(&args),
            Command::Quantise(args) => quantise::run(&args),
            Command::Features(args) => features::run(&args),
            Command::Compare(args) => compare::run(&args),
            Command::Inspect(args) => inspect::run(&args),
            Command::Export(args) => export::run(&args),
            Command::Evaluate(args) => evaluate::run(&args),
            Command::Decide(args) => decide::run(&args),
            Command::Show(args) => show::run(&args),
            Command::Watch(args) => watch::run(&args),
            Command::Config(args) => config::run(&args),
            Command::Completions(args) => completions::run(&args),
            Command::Apply(args) => apply::run(&args),
            Command::Step(args) => step::run(&args),
            Command::Frames(args) => frames::run_frames(&args),
            Command::Collect(args) => frames::run_collect(&args),
        }
    }
}
