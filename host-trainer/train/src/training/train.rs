//! The training loop.

use std::time::Instant;

use tch::no_grad;

use super::{
    TrainError,
    gradients::{Signals, update},
    ledger::Ledger,
    session::Session,
    validation::{DeviceBatch, finite},
};
use crate::{
    model::{Mode, Occasion},
    workers::Workers,
};
use lcl_run::{
    config::Config,
    report::RunState,
    run::{Losses, Metrics, Progress, RunFolder, RunSummary, Start},
};

/// Trains as `config` says, with all `workers` together, and leaves everything
/// in the folder of the run. That is `lead`, with where the run starts from, for
/// the worker that leads or is alone, and `None` for all others, which get no
/// summary either.
///
/// Line `step` of the log, and the checkpoint of that step, are of the network
/// after `step` updates. A resumed run gives what an uninterrupted one would
/// have given, to the last bit where libtorch, threads, workers and processor
/// are the same; where they are not, `progress` is warned.
///
/// # Errors
///
/// When the configuration, the images, the device or the folder cannot be used,
/// configuration or images are not those of a run that is resumed or of the
/// other workers, the loss is no longer finite, or a worker is gone.
pub fn train(
    config: &Config,
    workers: &Workers,
    lead: Option<(&RunFolder, Start)>,
    progress: &mut dyn Progress,
) -> Result<Option<RunSummary>, TrainError> {
    let config = &config.clone().resolved();
    let Session { learner, mut optimiser, loader, centres, plan, device, mut ledger } =
        Session::prepare(config, workers, lead, progress)?;
    progress.started(&plan);
    let ranks = workers.ranks();
    let mut step = plan.first_step;
    let mut last_line = Instant::now();
    let ended = loop {
        workers.at_step(step)?;
        let at_end = step >= plan.last_step;
        let mut validation = None;
        if at_end || step % config.training.validate_every == 0 {
            if let Some(ledger) = &mut ledger {
                validation = Some(ledger.validate(&learner, &optimiser, step)?);
            }
            workers.await_validation(step)?;
            // Machines that round in other ways would drift apart.
            ranks.copy_from_leader(&mut learner.tensors())?;
        }

        if let Some(ledger) = &ledger {
            ledger.keep(&learner, step)?;
        }

        let (seed, first_image) = (config.training.seed, ranks.share(config.training.batch).start);
        learner.begin_step(Occasion { seed, step, first_image });
        let batch = DeviceBatch::new(&loader.next_batch()?, device, config.training.precision)?;
        let stops = validation.is_some() && ledger.as_ref().is_some_and(Ledger::says_stop);
        let mut signals = Signals { interrupted: progress.interrupted(), stops };
        let learning_rate = optimiser.learning_rate();
        let answer = if at_end {
            no_grad(|| learner.answer(&batch, Mode::Training(ranks)))?
        } else {
            update(&learner, &batch, &mut optimiser, ranks, &mut signals)?
        };
        let losses = finite(&answer.losses, step).map_err(|error| match &ledger {
            Some(ledger) => ledger.with_last_good(error),
            None => error,
        })?;

        if let Some(ledger) = &mut ledger {
            let seconds = last_line.elapsed().as_secs_f64();
            last_line = Instant::now();
            let waited = loader.take_waited().as_secs_f64();
            let held_out = validation.map(|(losses, _)| losses);
            let mut metrics = line(step, losses, held_out, seconds, waited, config, workers);
            if let Some(accuracy) = answer.accuracy()? {
                let held_out = validation.and_then(|(_, accuracy)| accuracy);
                metrics = metrics.with_accuracy(accuracy, held_out);
            }
            metrics.learning_rate = Some(learning_rate);
            if validation.is_some() && !at_end {
                metrics.gradient_norm = Some(optimiser.gradient_norm()?);
            }
            ledger.log(metrics, progress)?;
        }
        if at_end {
            break RunState::Finished;
        }
        if signals.stops {
            break RunState::StoppedEarly;
        }
        step += 1;
        if signals.interrupted {
            if let Some(ledger) = &mut ledger {
                ledger.save(&learner, &optimiser, step)?;
            }
            break RunState::Interrupted;
        }
    };
    ledger.map(|ledger| ledger.finish(ended, step, centres.skipped())).transpose()
}

/// Returns a line of the log, `seconds` after the last one, of which `waited`
/// were spent waiting for images.
fn line(
    step: u64,
    losses: Losses,
    validation: Option<Losses>,
    seconds: f64,
    waited: f64,
    config: &Config,
    workers: &Workers,
) -> Metrics {
    let images_per_second = config.training.batch as f64 / seconds;
    let mut metrics = Metrics::new(step, losses, validation, images_per_second);
    metrics.data_wait = waited / seconds;
    if let Some(traffic) = workers.take_traffic() {
        metrics.network_wait = Some(traffic.waited.as_secs_f64() / seconds);
        metrics.network_bytes = Some(traffic.bytes);
    }
    metrics
}
