//! `lcl evaluate`: how brain-like a model is. One file for each evaluation.

mod accuracy;
mod behaviour;
pub mod console;
mod neural;
mod population;
mod probe;
mod receptive_fields;
mod texture;
mod tuning;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::Subcommand;
use host_trainer::{
    device::DeviceChoice,
    evaluate::{EvaluatedModel, Findings, ModelChoice},
    say, tell,
};

use super::{libtorch::float_network, names, numbers, output};

/// Evaluates a checkpoint or a blob as vision scientists do
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    evaluation: Evaluation,
}

#[derive(Debug, Subcommand)]
enum Evaluation {
    Accuracy(accuracy::Args),
    Behaviour(behaviour::Args),
    Texture(texture::Args),
    Neural(neural::Args),
    Population(population::Args),
    Probe(probe::Args),
    ReceptiveFields(receptive_fields::Args),
    Tuning(tuning::Args),
}

/// What every evaluation is told.
#[derive(Debug, clap::Args)]
struct Common {
    /// Prints one JSON object instead of tables
    #[arg(long)]
    json: bool,
    /// Folder for a page with pictures and the JSON object; made where it is not
    /// there
    #[arg(long, value_name = "FOLDER", value_parser = names::folder())]
    out: Option<PathBuf>,
    /// Where float networks run: auto, cpu or cuda:N
    #[arg(long, value_name = "DEVICE", default_value_t)]
    device: DeviceChoice,
}

/// Runs the command.
///
/// # Errors
///
/// As of the evaluation.
pub fn run(args: &Args) -> Result<()> {
    match &args.evaluation {
        Evaluation::Accuracy(args) => accuracy::run(args),
        Evaluation::Behaviour(args) => behaviour::run(args),
        Evaluation::Texture(args) => texture::run(args),
        Evaluation::Neural(args) => neural::run(args),
        Evaluation::Population(args) => population::run(args),
        Evaluation::Probe(args) => probe::run(args),
        Evaluation::ReceptiveFields(args) => receptive_fields::run(args),
        Evaluation::Tuning(args) => tuning::run(args),
    }
}

impl Common {
    /// Opens a model; float networks run on the device that was asked for.
    fn open(&self, choice: &ModelChoice) -> Result<EvaluatedModel> {
        EvaluatedModel::open(choice, |checkpoint| float_network(checkpoint, self.device))
    }

    /// Checks beforehand that [`show`](Self::show) can write its files, and that
    /// they are none of the inputs.
    fn check(&self, name: &str, inputs: &[&Path]) -> Result<()> {
        let Some(folder) = &self.out else {
            return Ok(());
        };
        if !folder.exists() {
            return Ok(());
        }
        for ending in ["html", "json"] {
            output::check(&folder.join(name).with_extension(ending), inputs)?;
        }
        Ok(())
    }

    /// Prints what was found, and writes `NAME.html` and `NAME.json` where a
    /// folder was given.
    fn show(&self, name: &str, findings: &impl Findings) -> Result<()> {
        if let Some(folder) = &self.out {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
            for path in host_trainer::evaluate::write_page(findings, name, folder)? {
                // The one object on standard output stays alone.
                tell!("wrote {}", path.display());
            }
        }
        if self.json {
            say!("{}", serde_json::to_string(findings)?);
            return Ok(());
        }
        for table in findings.tables() {
            say!("{table}");
        }
        for note in findings.notes() {
            say!("note: {note}");
        }
        Ok(())
    }
}
