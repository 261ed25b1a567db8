//! What the loop works with, made ready before its first step.

use std::{sync::Arc, time::Instant};

use tch::{Device, Tensor};

use super::{
    Adam, StopRule, TrainError,
    ledger::Ledger,
    recording::Record,
    reporting::Reporter,
    state::{State, remembered},
    validation::DeviceBatch,
};
use crate::{
    checkpoint::Checkpoint,
    config::{Config, ObjectiveName},
    data::{Centres, ImageSet},
    device::DeviceChoice,
    loader::{Loader, LoaderError, Order, Split, ViewSource, probe},
    loss::Objective,
    model::{ModelError, Network, device_name, resolve},
    run::{EventLog, MetricsLog, Progress, RunFolder, RunManifest, RunPlan, Start},
    views::ViewMaker,
    workers::Workers,
};

/// Everything that the loop works with.
pub(super) struct Session<'r> {
    pub(super) network: Network,
    pub(super) objective: Objective,
    pub(super) adam: Adam,
    pub(super) loader: Loader,
    pub(super) centres: Arc<Centres>,
    pub(super) plan: RunPlan,
    pub(super) device: Device,
    /// That of the worker that leads.
    pub(super) ledger: Option<Ledger<'r>>,
}

impl<'r> Session<'r> {
    pub(super) fn prepare(
        config: &'r Config,
        workers: &Workers,
        lead: Option<(&'r RunFolder, Start)>,
        progress: &mut dyn Progress,
    ) -> Result<Self, TrainError> {
        let started = Instant::now();
        config.validate()?;
        if let Some((run, Start::Resume)) = lead {
            config.check_resumes(&Config::read(&run.config())?)?;
        }
        // Killed before its first checkpoint, a run begins again.
        let lead = lead.map(|(run, start)| {
            (run, if run.checkpoint().exists() { start } else { Start::Fresh })
        });
        let device = device_of(config.training.device, workers)?;
        set_threads(config.training.threads, workers.local_size());
        let training = &config.training;

        let checkpoint = match lead {
            Some((run, Start::Resume)) => Checkpoint::read(&run.checkpoint())?,
            // That of the worker that leads takes its place.
            _ => initial(config),
        };
        let began = workers.images_of_leader(lead.and_then(fingerprint))?;
        let set = ImageSet::open_like(&config.data.sources, began.as_deref())?;
        let record = Record::new(&set, device, workers.size())?;
        workers.agree(&record.greeting(config), training.batch, device)?;
        if let Some((run, Start::Resume)) = lead {
            if let Some(warning) = record.resume(run, checkpoint.step)? {
                progress.warned(&warning);
            }
        }
        let limit_bytes = config.data.memory_limit_mib << 20;
        let centres = Arc::new(Centres::new(set, config.views.kept_side, limit_bytes)?);
        let held_out = config.data.validation_images;
        let split = Split::new(centres.len(), held_out, training.batch, training.seed)?;
        let maker = ViewMaker::new(config.views.clone(), config.input);
        let source = Arc::new(ViewSource::new(Arc::clone(&centres), maker));
        let held_out = lead
            .map(|_| {
                probe(&centres, &split)?;
                let held_out = source.validation_batch(&split.validation, training.seed)?;
                if held_out.images < 2 {
                    let needed = "validation (the others held out are damaged)".to_owned();
                    return Err(LoaderError::TooFewImages { images: held_out.images, needed });
                }
                Ok(held_out)
            })
            .transpose()?;

        let network = Network::new(&checkpoint, device, training.precision)?;
        let mut adam = Adam::new(network.parameters(), config.optimiser)?;
        let stop_rule = StopRule::new(training.patience, training.min_improvement);
        let state = match lead {
            Some((run, Start::Resume)) => {
                let path = run.optimiser(checkpoint.step);
                State::read(&path, &mut remembered(&network, &adam), checkpoint.step)?
            }
            _ => State { step: 0, start: None, stop_rule },
        };
        let first_step = start_together(workers, &network, &mut adam, checkpoint.step)?;

        let plan = RunPlan {
            training_images: split.training.len(),
            validation_images: held_out.as_ref().map_or(0, |batch| batch.images),
            batch: training.batch,
            first_step,
            last_step: training.length.steps(split.training.len(), training.batch),
            device: device_name(device),
            workers: workers.size(),
        };
        let order = Order::new(&split.training, training.seed);
        let ledger = match (lead, &held_out) {
            (Some((run, start)), Some(held_out)) => {
                let step = checkpoint.step;
                let (log, events) = open_logs(config, run, start, step, |run| {
                    record.begin(run, split.validation.len())
                })?;
                let metrics = MetricsLog::lines(&run.metrics())?;
                Some(Ledger {
                    run,
                    config,
                    state,
                    log,
                    events,
                    reporter: Reporter::new(run, config, plan.clone(), held_out, metrics),
                    held_out: DeviceBatch::new(held_out, device, training.precision)?,
                    last_good: (step > 0).then_some(step),
                    last_validation: None,
                    started,
                })
            }
            _ => None,
        };
        let share = workers.ranks().share(training.batch);
        Ok(Self {
            network,
            objective: Objective::new(config.loss),
            adam,
            loader: Loader::start(source, order, training.batch, share, first_step),
            centres,
            plan,
            device,
            ledger,
        })
    }
}

/// Returns the fingerprint of the images that a run began with. A manifest that
/// cannot be read is an error later, when it is checked.
fn fingerprint((run, start): (&RunFolder, Start)) -> Option<String> {
    let manifest = (start == Start::Resume).then(|| RunManifest::read(&run.manifest()).ok());
    manifest.flatten().map(|manifest| manifest.images.fingerprint)
}

/// Makes the folder of a fresh run and opens the logs.
fn open_logs(
    config: &Config,
    run: &RunFolder,
    start: Start,
    step: u64,
    begin: impl FnOnce(&RunFolder) -> Result<(), TrainError>,
) -> Result<(MetricsLog, EventLog), TrainError> {
    if start == Start::Fresh {
        run.make()?;
    }
    config.write(&run.config())?;
    if start == Start::Fresh {
        begin(run)?;
    }
    run.tidy(step);
    Ok(match start {
        Start::Fresh => (MetricsLog::create(&run.metrics())?, EventLog::create(&run.events())?),
        Start::Resume => {
            (MetricsLog::resume(&run.metrics(), step)?, EventLog::resume(&run.events(), step)?)
        }
    })
}

/// Gives the weights, the optimiser's state and the step of the worker that
/// leads to all, and returns that step.
fn start_together(
    workers: &Workers,
    network: &Network,
    adam: &mut Adam,
    own_step: u64,
) -> Result<u64, TrainError> {
    let step = workers.start_of_leader(own_step)?;
    let moments = adam.named_moments().into_iter().map(|(_, tensor)| tensor);
    let mut tensors: Vec<Tensor> = moments.chain(network.tensors()).collect();
    workers.ranks().copy_from_leader(&mut tensors)?;
    adam.resume_at(step);
    Ok(step)
}

/// Returns the device of this worker: of the GPUs of its machine, one each.
fn device_of(choice: DeviceChoice, workers: &Workers) -> Result<Device, ModelError> {
    match (choice, resolve(choice)?) {
        (DeviceChoice::Auto, Device::Cuda(_)) => resolve(DeviceChoice::Cuda(workers.local_rank())),
        (_, device) => Ok(device),
    }
}

/// Draws the weights that a run starts with.
pub(super) fn initial(config: &Config) -> Checkpoint {
    let seed = config.training.seed;
    let checkpoint = Checkpoint::initial(config.model, config.input, seed);
    match config.loss.objective {
        ObjectiveName::BarlowTwins | ObjectiveName::Simclr => checkpoint,
        ObjectiveName::Simsiam => checkpoint.with_predictors(config.model.embedding_dim, seed),
    }
}

/// Sets the threads of libtorch's CPU operations; 0 takes one for each core, of
/// which each of the machine's workers has its share.
pub(super) fn set_threads(threads: usize, local_workers: usize) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // More of them than cores would wait for one another.
    let threads = if threads == 0 { (cores / local_workers).max(1) } else { threads.min(cores) };
    tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
}
