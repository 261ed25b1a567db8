//! `lcl train`

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use host_trainer::{
    checkpoint::Checkpoint,
    config::{Assignment, Config, Length, SHIPPED, Shipped},
    console::{Speech, set_speech},
    data::{ImageSet, Source, images_at_size},
    device::{DeviceChoice, Precision},
    evaluate::receptive_fields::{Oriented, Rule},
    loader::Split,
    model::FloatNetwork,
    passes::{calibrate, compare_channels},
    quantise::{concerns, quantise},
    report::{Filters, Orientedness, Outcome, QuantisationError},
    run::{RunFolder, RunManifest, RunSummary, Start},
    say, shell, tell, training,
    workers::Workers,
};

use super::{
    images::ImageLimits,
    interrupt::{self, INTERRUPTED, Interrupt},
    launch, names, numbers,
    progress::Console,
};

/// Most images that the blob is calibrated on, and as many that it is compared
/// on.
const QUANTISATION_IMAGES: usize = 256;

/// Width and height of these images: those of stage 2's views.
const QUANTISATION_SIZE: u32 = 96;

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
  lcl train --out runs/photos --resume --epochs 200
  lcl train --nproc 2 --data photos
  torchrun --no-python --nproc-per-node 4 lcl train --data photos

Configurations that come with the program, for --config:";

/// Trains the model on images, without labels.
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
    /// Precision of the layers: float32, float64 or bfloat16 [default: float32]
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

/// What the worker that leads leaves for after training.
struct Trained {
    run: RunFolder,
    config: Config,
    summary: RunSummary,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    args.limits.apply();
    // A run is for its files.
    set_speech(Speech::Aside);
    let timeout = Duration::from_secs(config_at_hand(args)?.workers.timeout_seconds);
    if let Some(count) = args.nproc {
        return launch::workers(usize::from(count), timeout);
    }
    let workers = Workers::from_environment(timeout)?;
    let interrupt = Interrupt::listen(workers.leads())?;
    launch::follow(&interrupt, timeout);
    let trained = workers.run(|workers| train(args, workers, &interrupt))?;
    let Some(Trained { run, config, mut summary }) = trained else {
        return Ok(());
    };
    let resume = format!("lcl train --out {} --resume", shell::quoted(run.path()));
    if summary.interrupted {
        let step = summary.steps;
        tell!("stopped at step {step}; everything is saved, continue with `{resume}`");
        interrupt::exit(INTERRUPTED);
    }
    let unquantised = format!(
        "stopped before the model was quantised; its weights are saved in {}, go on with \
         `{resume}`",
        run.best().display()
    );
    if interrupt.asked() {
        // In the last step, after which there is none to finish.
        tell!("{unquantised}");
        interrupt::exit(INTERRUPTED);
    }
    interrupt.ends_at_once(unquantised);
    say!("\nquantising {}", run.best().display());
    let checkpoint = Checkpoint::read(&run.best())?;
    let quantised = quantise_best(&run, &config, &checkpoint)?;
    let Oriented { filters, oriented, r2_median } = Oriented::of(&checkpoint);
    let go_on = longer_command(&run, &config, &summary);
    let report = &mut summary.report;
    report.filters = Some(Filters::of(&checkpoint));
    report.orientedness = r2_median.map(|median_r2| Orientedness {
        oriented,
        filters,
        r2_from: Rule::default().least_r2,
        median_r2,
    });
    report.sqnr_on = Some(compared_on(&config, &quantised));
    report.go_on = Some(go_on);
    report.quantisation = Some(quantised);
    report.write(&run.report())?;
    print_summary(&run, &summary);
    Ok(())
}

/// Says what images the blob was compared on.
fn compared_on(config: &Config, quantised: &QuantisationError) -> String {
    let QuantisationError { images, size, .. } = quantised;
    let named = |sources: &[Source]| {
        let names: Vec<String> = sources.iter().map(ToString::to_string).collect();
        names.join(", ")
    };
    let data = &config.data;
    let from = match &data.validation_sources[..] {
        [] => format!("held out from {}", named(&data.sources)),
        sources => format!("of {}", named(sources)),
    };
    format!("{images} images of {size} pixels {from}")
}

/// Trains with all workers; what comes of it is that of the one that leads.
fn train(args: &Args, workers: &Workers, interrupt: &Arc<Interrupt>) -> Result<Option<Trained>> {
    let (config, lead) = prepare(args, workers)?;
    let run = lead.as_ref().map(|(run, _)| run.path());
    let mut console = Console::new(run, Arc::clone(interrupt));
    let part = lead.as_ref().map(|(run, start)| (run, *start));
    let summary = training::train(&config, workers, part, &mut console);
    console.finish();
    let summary = summary?;
    Ok(lead.zip(summary).map(|((run, _), summary)| Trained { run, config, summary }))
}

/// Returns the configuration, and for the worker that leads the run's folder.
fn prepare(args: &Args, workers: &Workers) -> Result<(Config, Option<(RunFolder, Start)>)> {
    if !args.resume {
        let mut config = overridden(configuration(args)?.unwrap_or_default(), args)?;
        if is_first_run(args) {
            config.training.precision = Precision::fastest(config.training.device);
        }
        let folder = || RunFolder::fresh(args.out.as_deref());
        let run = workers.leads().then(folder).transpose()?;
        return Ok((config, run.map(|run| (run, Start::Fresh))));
    }
    let folder = || RunFolder::resume(args.out.as_deref());
    let run = workers.leads().then(folder).transpose()?;
    let read = RunFolder::read_config;
    let of_run = run.as_ref().map(read).transpose().context("reading the run's configuration")?;
    let of_run = of_run.map(|(config, warning)| {
        if let Some(warning) = warning {
            tell!("warning: {warning}");
        }
        config
    });
    let of_run = match workers.config_of_leader(of_run.as_ref().map(Config::to_toml))? {
        Some(text) => toml::from_str(&text).context("reading the configuration of rank 0")?,
        None => of_run.unwrap_or_default(),
    };
    let config = overridden(configuration(args)?.unwrap_or_else(|| of_run.clone()), args)?;
    config.check_resumes(&of_run)?;
    Ok((config, run.map(|run| (run, Start::Resume))))
}

/// Returns whether nothing was said of how to train, so that the program may
/// choose what is fastest on this machine.
fn is_first_run(args: &Args) -> bool {
    let Args { data, config, precision, set, .. } = args;
    data.is_empty() && config.is_none() && precision.is_none() && set.is_empty()
}

/// Reads what --config names.
fn configuration(args: &Args) -> Result<Option<Config>> {
    Ok(args.config.as_deref().map(Config::find).transpose()?)
}

/// Returns what is known of the configuration before the workers have met.
fn config_at_hand(args: &Args) -> Result<Config> {
    let of_run = || {
        let out = args.out.as_deref().filter(|_| args.resume)?;
        Config::read(&out.join("config.toml")).ok()
    };
    Ok(configuration(args)?.or_else(of_run).unwrap_or_default().with(&args.set)?)
}

fn after_help() -> String {
    let line = |shipped: &Shipped| format!("  {:<24}{}", shipped.name, shipped.summary());
    let lines: Vec<String> = SHIPPED.iter().map(line).collect();
    format!("{EXAMPLES}\n{}", lines.join("\n"))
}

fn overridden(mut config: Config, args: &Args) -> Result<Config> {
    if !args.data.is_empty() {
        config.data.sources.clone_from(&args.data);
    }
    if !args.validation.is_empty() {
        config.data.validation_sources.clone_from(&args.validation);
    }
    let training = &mut config.training;
    if args.init.is_some() {
        training.init.clone_from(&args.init);
    }
    training.patience = args.patience.unwrap_or(training.patience);
    training.min_improvement = args.min_improvement.unwrap_or(training.min_improvement);
    if let Some(steps) = args.steps {
        training.length = Length::Steps(steps);
    }
    if let Some(epochs) = args.epochs {
        training.length = Length::Epochs(epochs);
    }
    training.batch = args.batch.unwrap_or(training.batch);
    training.seed = args.seed.unwrap_or(training.seed);
    training.device = args.device.unwrap_or(training.device);
    training.precision = args.precision.unwrap_or(training.precision);
    training.threads = args.threads.unwrap_or(training.threads);
    config.validate()?;
    let config = config.with(&args.set)?;
    check_names(&config.data.sources)?;
    if config.training.threads > numbers::cores() {
        let (threads, cores) = (config.training.threads, numbers::cores());
        tell!(
            "warning: training.threads is {threads}; this machine has {cores} cores, so that \
               {cores} are used"
        );
    }
    Ok(config)
}

/// Checks that the configuration of a run, which is text, can hold the names of
/// its sources.
fn check_names(sources: &[Source]) -> Result<()> {
    for source in sources {
        let Source::Path(path) = source else {
            continue;
        };
        ensure!(
            path.to_str().is_some(),
            "{} is not UTF-8, which the run's config.toml cannot hold; rename it, or make a link \
             to it",
            path.display()
        );
    }
    Ok(())
}

/// Quantises the best checkpoint, calibrated on images that it was trained on
/// and compared on held-out ones.
fn quantise_best(
    run: &RunFolder,
    config: &Config,
    checkpoint: &Checkpoint,
) -> Result<QuantisationError> {
    let sources = [&config.data.sources[..], &config.data.validation_sources].concat();
    let began = RunManifest::read(&run.manifest())?.images;
    let sources = RunManifest::located(&began.sources, &sources);
    let images = ImageSet::open_like(&sources, Some(&began.fingerprint))?;
    let split = Split::of_run(&images, config)?;
    let at_size = |indices: &[usize]| {
        let indices = indices.iter().copied().take(QUANTISATION_IMAGES);
        let images = Arc::new(images.subset(indices));
        move || images_at_size(Arc::clone(&images), QUANTISATION_SIZE)
    };
    let network = FloatNetwork::new(checkpoint, config.training.device)?;
    let architecture = checkpoint.architecture();
    let calibration = calibrate(&network, architecture, at_size(&split.training))?;
    let model = quantise(checkpoint, &calibration)?;
    let file = model.to_blob()?;
    file.write(&run.blob())?;
    let areas = compare_channels(&network, &file.open()?, at_size(&split.validation)())?;
    for concern in concerns(&calibration, &model, &areas) {
        say!("warning: {concern}");
    }
    Ok(QuantisationError {
        areas,
        blob_len: file.bytes().len(),
        images: split.validation.len().min(QUANTISATION_IMAGES),
        size: QUANTISATION_SIZE,
    })
}

fn print_summary(run: &RunFolder, summary: &RunSummary) {
    let RunSummary { start, end, best, best_step, steps, .. } = *summary;
    say!("");
    say!("held-out images   loss at start   loss at end");
    for stage in 0..2 {
        let (start, end) = (start.stages[stage], end.stages[stage]);
        say!("  stage {} (V{0})   {start:>13.2} {end:>13.2}", stage + 1);
    }
    for Outcome { about, text } in summary.report.outcome() {
        // The next command is the one that runs the model.
        let about = if about == "next" { "go on" } else { about };
        say!("{about:<7} {text}");
    }
    let early = if summary.stopped_early { ", stopped as it no longer improved" } else { "" };
    let least = best.total();
    say!("steps   {steps}{early}; least summed loss {least:.2} at step {best_step}");
    say!("time    {:.0} s", summary.elapsed.as_secs_f64());
    if summary.skipped_images > 0 {
        say!("skipped {} images that could not be used", summary.skipped_images);
    }
    let bytes = summary.report.quantisation.as_ref().map_or(0, |quantised| quantised.blob_len);
    say!("blob    {} ({bytes} bytes)", run.blob().display());
    for path in [run.best(), run.checkpoint(), run.metrics(), run.config(), run.manifest()] {
        say!("        {}", path.display());
    }
    say!("report  {}", run.report().display());
    say!("next    {}", next_command(run));
}

/// Returns the command that trains on.
fn longer_command(run: &RunFolder, config: &Config, summary: &RunSummary) -> String {
    let longer = if summary.stopped_early {
        format!("--patience {}", config.training.patience.saturating_mul(2))
    } else {
        match config.training.length {
            Length::Steps(steps) => format!("--steps {}", steps.max(1).saturating_mul(2)),
            Length::Epochs(epochs) => format!("--epochs {}", epochs.max(1).saturating_mul(2)),
        }
    };
    format!("lcl train --out {} --resume {longer}", shell::quoted(run.path()))
}

/// Returns the command to type next; the newest of `runs` needs no naming.
fn next_command(run: &RunFolder) -> String {
    let emulate = "cargo xtask emulate --board mps2-an386 --example features";
    if run.is_in_runs() {
        emulate.to_owned()
    } else {
        format!("{emulate} --model {}", shell::quoted(&run.blob()))
    }
}
