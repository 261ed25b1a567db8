//! Trains with libtorch, quantises what comes of it and says what it came to.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use host_trainer::{
    config::Config,
    console::{Speech, set_speech},
    report::Outcome,
    run::{RunFolder, RunSummary, Start},
    say, shell, tell,
    training::{self, Finished},
    workers::{Told, Workers},
};

use super::{
    Args,
    interrupt::{self, INTERRUPTED, Interrupt},
    launch,
    progress::Console,
};

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
    let timeout = Duration::from_secs(args.at_hand()?.workers.timeout_seconds);
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
    if config.recognition.network.is_some() && !summary.interrupted {
        print_recognised(&run, &summary);
        return Ok(());
    }
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
    match training::finish(&run, &config, &mut summary)? {
        Finished::Quantised(concerns) => {
            for concern in concerns {
                say!("warning: {concern}");
            }
        }
        Finished::Float(reason) => say!("note: {reason}"),
    }
    print_summary(&run, &summary);
    Ok(())
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
        let config = args.overridden(args.configuration()?)?;
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
    let of_run =
        match workers.of_leader(Told::Configuration, of_run.as_ref().map(Config::to_toml))? {
            Some(text) => toml::from_str(&text).context("reading the configuration of rank 0")?,
            None => of_run.unwrap_or_default(),
        };
    let config = args.overridden(if args.config.is_some() {
        args.configuration()?
    } else {
        of_run.clone()
    })?;
    config.check_resumes(&of_run)?;
    Ok((config, run.map(|run| (run, Start::Resume))))
}

/// Says what a run of recognition came to. Its blob is made by a command of its
/// own, which asks for images of the size that a chip sees.
fn print_recognised(run: &RunFolder, summary: &RunSummary) {
    let RunSummary { best, best_step, steps, .. } = *summary;
    let line = summary.report.metrics.iter().find(|line| line.step == best_step);
    say!("");
    say!("steps   {steps}; least held-out loss {:.3} at step {best_step}", best.total());
    if let Some((top1, top5)) = line.and_then(|line| line.val_top1.zip(line.val_top5)) {
        say!(
            "top-1   {:.1} %, top-5 {:.1} % of the held-out images there",
            100.0 * top1,
            100.0 * top5
        );
    }
    say!("time    {:.0} s", summary.elapsed.as_secs_f64());
    if summary.skipped_images > 0 {
        say!("skipped {} images that could not be used", summary.skipped_images);
    }
    for path in [run.best(), run.checkpoint(), run.metrics(), run.config(), run.manifest()] {
        say!("        {}", path.display());
    }
    say!("report  {}", run.report().display());
    let best = shell::quoted(&run.best());
    say!("next    lcl evaluate accuracy --model {best} --data FOLDER");
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
    let quantised = summary.report.quantisation.as_ref();
    match quantised {
        Some(quantised) => {
            say!("blob    {} ({} bytes)", run.blob().display(), quantised.blob_len);
        }
        None => say!("blob    none"),
    }
    for path in [run.best(), run.checkpoint(), run.metrics(), run.config(), run.manifest()] {
        say!("        {}", path.display());
    }
    say!("report  {}", run.report().display());
    if quantised.is_some() {
        say!("next    {}", next_command(run));
    }
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
