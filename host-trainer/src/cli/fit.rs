//! `lcl fit`: a core and readouts for populations of neurons.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
#[cfg(feature = "torch")]
use host_trainer::{
    checkpoint::{Checkpoint, InputConfig, ModelConfig},
    console::{Speech, set_speech},
    evaluate::Findings,
    population::{PopulationFindings, findings::Epoch},
    tell,
};
use host_trainer::{
    evaluate::ModelChoice,
    population::{FitConfig, PopulationSource},
    say,
};

use super::{names, numbers, output};

/// Fits a core and a readout for each neuron to recorded or simulated populations
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A session is a folder as Sensorium and Lurz et al. publish them, or a simulated animal,
synthetic-population:NEURONS:IMAGES:SEED. The same command goes on after the last whole epoch.

Examples:
  lcl fit --data synthetic-population:100:2000:1 --out fits/first --epochs 20
  lcl fit --data mouse1 mouse2 --config fit.toml --out fits/mice
  lcl fit --data mouse1 --config v1.toml --checkpoint models/lcl-v2/checkpoint.safetensors --out fits/v1
  lcl fit --print-config > fit.toml")]
pub struct Args {
    /// Sessions, one for each animal
    #[arg(long, value_name = "SESSION", num_args = 1.., required_unless_present = "print_config",
        value_parser = names::population())]
    data: Vec<PopulationSource>,
    /// Folder for the state, the fitted population and its predictions
    #[arg(long, value_name = "FOLDER", required_unless_present = "print_config",
        value_parser = names::folder())]
    out: Option<PathBuf>,
    /// Configuration, TOML; fields that are missing have their defaults
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Checkpoint of the core where it is LCL-V2's: a file, or untrained[:SEED]
    #[arg(long, value_name = "MODEL", default_value = "untrained", value_parser = names::model())]
    checkpoint: ModelChoice,
    /// Epochs at most, in place of the configuration's
    #[arg(long, value_name = "N")]
    epochs: Option<u32>,
    /// Seed of weights, order and sampled positions, in place of the configuration's
    #[arg(long, value_name = "N", value_parser = numbers::whole())]
    seed: Option<u64>,
    /// Threads of libtorch; 0 for one on each core
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = numbers::threads())]
    threads: usize,
    /// Prints the configuration that the other arguments make, and ends
    #[arg(long)]
    print_config: bool,
}

/// Runs the command.
///
/// # Errors
///
/// When a session, the configuration or the checkpoint cannot be used, or a file cannot
/// be written.
pub fn run(args: &Args) -> Result<()> {
    let config = args.configuration()?;
    if args.print_config {
        say!("{}", config.to_toml().trim_end());
        return Ok(());
    }
    let folder = args.out.as_deref().unwrap_or(Path::new("."));
    let inputs: Vec<&Path> = args
        .data
        .iter()
        .filter_map(|source| match source {
            PopulationSource::Folder(folder) => Some(folder.as_path()),
            PopulationSource::Synthetic(_) => None,
        })
        .collect();
    output::check_folder(folder, &inputs)?;
    fit(args, &config, folder)
}

impl Args {
    fn configuration(&self) -> Result<FitConfig> {
        let mut config = match &self.config {
            None => FitConfig::default(),
            Some(path) => {
                let reading = || format!("reading {}", path.display());
                let text = std::fs::read_to_string(path).with_context(reading)?;
                FitConfig::parse(&text).with_context(reading)?
            }
        };
        config.epochs = self.epochs.unwrap_or(config.epochs);
        config.seed = self.seed.unwrap_or(config.seed);
        config.check()?;
        Ok(config)
    }

    #[cfg(feature = "torch")]
    fn checkpoint(&self) -> Result<Checkpoint> {
        match &self.checkpoint {
            ModelChoice::File(path) => Ok(Checkpoint::read(path)?),
            ModelChoice::Untrained(seed) => {
                Ok(Checkpoint::initial(ModelConfig::default(), InputConfig::default(), *seed))
            }
            ModelChoice::SteerablePyramid => {
                anyhow::bail!("{} has no weights; give a checkpoint or untrained", self.checkpoint)
            }
        }
    }
}

#[cfg(not(feature = "torch"))]
fn fit(args: &Args, _: &FitConfig, _: &Path) -> Result<()> {
    let _ = (&args.data, &args.checkpoint, args.threads);
    Err(super::libtorch::WithoutLibtorch.into())
}

#[cfg(feature = "torch")]
fn fit(args: &Args, config: &FitConfig, folder: &Path) -> Result<()> {
    use host_trainer::fitting;

    // A fit is for its files.
    set_speech(Speech::Aside);
    let threads = if args.threads == 0 { numbers::cores() } else { args.threads };
    fitting::set_threads(threads);
    let checkpoint = args.checkpoint()?;
    let mut sessions = Vec::new();
    for source in &args.data {
        let session = source.open()?;
        let (neurons, excluded) = (session.neurons(), session.excluded);
        say!("{}: {neurons} neurons, {} trials", session.name, session.trials.len());
        if excluded.not_finite + excluded.silent > 0 {
            tell!(
                "warning: {}: left out are {} neurons with responses that are not finite and {} that \
                 never fire",
                session.name,
                excluded.not_finite,
                excluded.silent
            );
        }
        sessions.push(session);
    }
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let core = (&*args.checkpoint.to_string(), &checkpoint);
    let scored = fitting::fit(&sessions, config, core, folder, &mut Console)?;
    let findings = PopulationFindings::new(&scored);
    for table in findings.tables() {
        say!("{table}");
    }
    say!("next: lcl evaluate population --run {} --out page", host_trainer::shell::quoted(folder));
    Ok(())
}

/// Says each epoch.
#[cfg(feature = "torch")]
struct Console;

#[cfg(feature = "torch")]
impl host_trainer::fitting::Control for Console {
    fn begin(&mut self, _: u32, _: usize) {}

    fn batch(&mut self) -> bool {
        true
    }

    fn end(&mut self, epoch: &Epoch, best: bool) {
        let Epoch { epoch, loss, correlation, rate, seconds } = epoch;
        let mark = if best { " *" } else { "" };
        say!(
            "epoch {epoch}: loss {loss:.1}, validation correlation {correlation:.4}, rate \
             {rate:.1e}, {seconds:.1} s{mark}"
        );
    }
}
