//! The training loop.

use std::{sync::Arc, time::Instant};

use tch::Device;

use super::{
    Adam, StopRule, TrainError,
    state::State,
    validation::{DeviceBatch, finite, validate},
};
use crate::{
    checkpoint::Checkpoint,
    config::Config,
    data::{Centres, ImageSet},
    loader::{Loader, LoaderError, Order, Split, ViewSource, probe},
    loss::BarlowTwins,
    model::{Mode, Network, device_name, resolve},
    run::{Metrics, MetricsLog, Progress, RunFolder, RunPlan, RunSummary, Start},
    views::ViewMaker,
};

/// Trains as `config` says and leaves everything in `run`.
///
/// Line `step` of the log, and the checkpoint of that step, are of the network
/// after `step` updates. A resumed run gives what an uninterrupted one would
/// have given, up to the order of libtorch's sums.
///
/// # Errors
///
/// When the configuration, the images, the device or the folder cannot be used,
/// or the loss is no longer finite.
pub fn train(
    config: &Config,
    run: &RunFolder,
    start: Start,
    progress: &mut dyn Progress,
) -> Result<RunSummary, TrainError> {
    let started = Instant::now();
    let Session {
        network,
        loss,
        mut adam,
        loader,
        held_out,
        centres,
        plan,
        device,
        mut state,
        mut log,
    } = Session::prepare(config, run, start)?;
    progress.started(&plan);
    let mut step = plan.first_step;
    let mut last_line = Instant::now();
    loop {
        let at_end = step >= plan.last_step;
        let validation = if at_end || step % config.training.validate_every == 0 {
            state.step = step;
            let checkpoint = network.checkpoint(step, config.to_toml())?;
            state.write(&run.optimiser(), &adam)?;
            checkpoint.write(&run.checkpoint())?;
            let losses = validate(&network, loss, &held_out, step)?;
            state.start.get_or_insert(losses);
            if state.stop_rule.observe(step, losses) {
                checkpoint.write(&run.best())?;
            }
            Some(losses)
        } else {
            None
        };

        let batch = DeviceBatch::new(&loader.next_batch()?, device)?;
        let [loss_stage1, loss_stage2] = batch.losses(&network, loss, Mode::Training)?;
        let total = loss_stage1.f_add(&loss_stage2)?;
        let losses = finite(&[loss_stage1, loss_stage2], step)?;
        if !at_end {
            adam.zero_grad();
            total.f_backward()?;
            adam.step()?;
        }

        let images_per_second = config.training.batch as f64 / last_line.elapsed().as_secs_f64();
        last_line = Instant::now();
        let metrics = Metrics::new(step, losses, validation, images_per_second);
        log.append(&metrics)?;
        progress.logged(&metrics);

        let stopped_early = validation.is_some() && state.stop_rule.says_stop();
        if let Some(end) = validation.filter(|_| at_end || stopped_early) {
            let (best_step, best) = state.stop_rule.best().unwrap_or((step, end));
            return Ok(RunSummary {
                start: state.start.unwrap_or(end),
                end,
                best_step,
                best,
                steps: step,
                stopped_early: stopped_early && !at_end,
                skipped_images: centres.skipped(),
                elapsed: started.elapsed(),
            });
        }
        step += 1;
    }
}

/// Everything that the loop works with.
struct Session {
    network: Network,
    loss: BarlowTwins,
    adam: Adam,
    loader: Loader,
    held_out: DeviceBatch,
    centres: Arc<Centres>,
    plan: RunPlan,
    device: Device,
    state: State,
    log: MetricsLog,
}

impl Session {
    fn prepare(config: &Config, run: &RunFolder, start: Start) -> Result<Self, TrainError> {
        config.validate()?;
        let device = resolve(config.training.device)?;
        set_threads(config.training.threads);
        let training = &config.training;

        let limit_bytes = config.data.memory_limit_mib << 20;
        let centres = Arc::new(Centres::new(ImageSet::open(&config.data.sources)?, limit_bytes));
        let held_out = config.data.validation_images;
        let split = Split::new(centres.len(), held_out, training.batch, training.seed)?;
        probe(&centres, &split)?;
        let maker = ViewMaker::new(config.views.clone(), config.input);
        let source = Arc::new(ViewSource::new(Arc::clone(&centres), maker));
        let held_out = source.validation_batch(&split.validation, training.seed)?;
        if held_out.images < 2 {
            let needed = "validation (the others held out are damaged)".to_owned();
            return Err(LoaderError::TooFewImages { images: held_out.images, needed }.into());
        }

        let checkpoint = match start {
            Start::Fresh => Checkpoint::initial(config.model, config.input, training.seed),
            Start::Resume => Checkpoint::read(&run.checkpoint())?,
        };
        let network = Network::new(&checkpoint, device)?;
        let mut adam = Adam::new(network.parameters(), config.optimiser)?;
        let stop_rule = StopRule::new(training.patience, training.min_improvement);
        let state = match start {
            Start::Fresh => State { step: 0, start: None, stop_rule },
            Start::Resume => State::read(&run.optimiser(), &mut adam, checkpoint.step)?,
        };
        if start == Start::Fresh {
            run.make()?;
        }
        config.write(&run.config())?;
        let log = match start {
            Start::Fresh => MetricsLog::create(&run.metrics())?,
            Start::Resume => MetricsLog::resume(&run.metrics(), checkpoint.step)?,
        };

        let order = Order::new(&split.training, training.seed);
        let plan = RunPlan {
            training_images: split.training.len(),
            validation_images: held_out.images,
            batch: training.batch,
            first_step: checkpoint.step,
            last_step: training.length.steps(split.training.len(), training.batch),
            device: device_name(device),
        };
        Ok(Self {
            network,
            loss: BarlowTwins::new(config.loss),
            adam,
            loader: Loader::start(source, order, training.batch, checkpoint.step),
            held_out: DeviceBatch::new(&held_out, device)?,
            centres,
            plan,
            device,
            state,
            log,
        })
    }
}

fn set_threads(threads: usize) {
    let all = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if threads == 0 { all() } else { threads };
    tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
}
