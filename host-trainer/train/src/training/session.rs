//! What the loop works with, made ready before its first step.

use std::{sync::Arc, time::Instant};

use tch::{Device, Tensor};

use super::{
    StopRule, TrainError,
    learner::Learner,
    ledger::Ledger,
    optimiser::Optimiser,
    recording::Record,
    reporting::Reporter,
    resume::Resumed,
    start::{from_weights, initial},
    state::{State, remembered},
    validation::DeviceBatch,
};
use crate::{
    model::{ModelError, device_name, resolve},
    workers::{Told, Workers},
};
use lcl_artefacts::saved::Saved;
use lcl_images::{Centres, Classes, ImageSet, Source, SourceRecord};
use lcl_run::{
    config::Config,
    device::DeviceChoice,
    loader::{Loader, LoaderError, Order, Split, ViewSource, probe},
    run::{EventLog, MetricsLog, Progress, RunFolder, RunManifest, RunPlan, Start, States},
    views::ViewMaker,
};

/// Everything that the loop works with.
pub(super) struct Session<'r> {
    pub(super) learner: Learner,
    pub(super) optimiser: Optimiser,
    pub(super) loader: Loader,
    pub(super) centres: Arc<Centres>,
    pub(super) plan: RunPlan,
    pub(super) device: Device,
    /// That of the worker that leads.
    pub(super) ledger: Option<Ledger<'r>>,
}

impl<'r> Session<'r> {
    #[expect(clippy::too_many_lines, reason = "one thing after the other, each from the last")]
    pub(super) fn prepare(
        config: &'r Config,
        workers: &Workers,
        lead: Option<(&'r RunFolder, Start)>,
        progress: &mut dyn Progress,
    ) -> Result<Self, TrainError> {
        let started = Instant::now();
        config.validate()?;
        let resumed = match lead {
            Some((run, Start::Resume)) => Resumed::find(run, progress)?,
            _ => None,
        };
        // Killed before its first checkpoint, a run begins again.
        let start = if resumed.is_some() { Start::Resume } else { Start::Fresh };
        let lead = lead.map(|(run, _)| run);
        if let Some(Resumed { saved, .. }) = &resumed {
            check_began(config, saved)?;
        }
        let device = device_of(config.training.device, workers)?;
        set_threads(config.training.threads, workers.local_size());
        let training = &config.training;

        let (data, run) = (&config.data, lead.filter(|_| start == Start::Resume));
        let sources = [&data.sources[..], &data.validation_sources].concat();
        let began = workers.of_leader(Told::Images, run.and_then(fingerprint))?;
        let set = ImageSet::open_like(&located(run, workers, &sources)?, began.as_deref())?;
        let classes =
            config.recognition.network.map(|_| Classes::of(&set, &sources, data.sources.len()));
        let classes = classes.transpose()?;
        let saved = match (&resumed, lead, &training.init) {
            (Some(resumed), ..) => resumed.saved.clone(),
            (None, Some(_), Some(path)) => {
                if let Some(network) = config.recognition.network {
                    let network = network.name();
                    return Err(TrainError::InitOfRecogniser { network });
                }
                let (checkpoint, warning) = from_weights(path, config)?;
                if let Some(warning) = warning {
                    progress.warned(&warning);
                }
                Saved::Layers(Box::new(checkpoint))
            }
            // That of the worker that leads takes its place.
            _ => initial(config, classes.as_ref().map(|classes| classes.names.clone()))?,
        };
        let record = Record::new(&set, &sources, device, workers.size())?;
        workers.agree(&record.greeting(config), training.batch, device)?;
        let split = Split::of_run(&set, config);
        if let Some(run) = run {
            // First, as other images are why there may be too few.
            let held_out = split.as_ref().map_or(0, |split| split.validation.len());
            for warning in record.resume(run, held_out, saved.step())? {
                progress.warned(&warning);
            }
        } else if lead.is_some() {
            record.split_warning(data.sources.len()).iter().for_each(|w| progress.warned(w));
        }
        let split = split?;
        let limit_bytes = config.data.memory_limit_mib << 20;
        let centres = Arc::new(Centres::new(set, config.views.kept_side, limit_bytes)?);
        let maker = ViewMaker::new(config.views.clone(), config.input);
        let source = ViewSource::new(Arc::clone(&centres), maker);
        let source = Arc::new(match classes {
            Some(classes) => source.with_labels(classes.of_image.into()),
            None => source,
        });
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

        let learner = Learner::new(&saved, config, device)?;
        let mut optimiser = Optimiser::new(learner.parameters(), config.optimiser)?;
        let (patience, threshold) = (training.patience, training.min_improvement);
        let (mut state, states) = if let (Some(resumed), Some(run)) = (resumed, lead) {
            let path = run.optimiser(saved.step());
            let mut remembered = remembered(&learner, &optimiser);
            let mut state = State::read(&path, &mut remembered, saved.step())?;
            resumed.check_best(run, &mut state.stop_rule, progress);
            (state, resumed.states)
        } else {
            let stop_rule = StopRule::new(patience, threshold);
            (State { step: 0, start: None, stop_rule }, States::default())
        };
        state.stop_rule = state.stop_rule.with_limits(patience, threshold);
        let first_step = start_together(workers, &learner, &mut optimiser, saved.step())?;

        let plan = RunPlan {
            training_images: split.training.len(),
            validation_images: held_out.as_ref().map_or(0, |batch| batch.images),
            batch: training.batch,
            first_step,
            last_step: training.length.steps(split.training.len(), training.batch),
            device: device_name(device),
            workers: workers.size(),
        };
        optimiser.set_length(plan.last_step);
        let order = Order::new(&split.training, training.seed);
        let ledger = match (lead, &held_out) {
            (Some(run), Some(held_out)) => {
                let mut states = states;
                if start == Start::Fresh {
                    run.make()?;
                }
                config.write(&run.config())?;
                if start == Start::Fresh {
                    record.begin(run, split.validation.len())?;
                }
                states.tidy(run);
                let (log, events) = open_logs(config, run, start, saved.step(), progress)?;
                let metrics = MetricsLog::lines(&run.metrics())?;
                Some(Ledger {
                    run,
                    config,
                    state,
                    log,
                    events,
                    reporter: Reporter::new(run, config, plan.clone(), held_out, metrics),
                    held_out: DeviceBatch::new(held_out, device, training.precision)?,
                    states,
                    last_validation: None,
                    started,
                })
            }
            _ => None,
        };
        let share = workers.ranks().share(training.batch);
        Ok(Self {
            learner,
            optimiser,
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
fn fingerprint(run: &RunFolder) -> Option<String> {
    Some(RunManifest::read(&run.manifest()).ok()?.images.fingerprint)
}

/// Checks that the configuration is the one that a run began with, as its
/// checkpoint has it: its `config.toml` may have been edited.
fn check_began(config: &Config, saved: &Saved) -> Result<(), TrainError> {
    let began = saved.config().map(toml::from_str::<Config>);
    // What cannot be read is of another version, or was made elsewhere.
    match began {
        Some(Ok(began)) => Ok(config.check_resumes(&began)?),
        _ => Ok(()),
    }
}

/// Returns where the sources are, for all workers as the one that leads knows.
fn located(
    run: Option<&RunFolder>,
    workers: &Workers,
    sources: &[Source],
) -> Result<Vec<Source>, TrainError> {
    let manifest = run.and_then(|run| RunManifest::read(&run.manifest()).ok());
    let records = manifest.map(|manifest| manifest.images.sources).unwrap_or_default();
    let own = serde_json::to_string(&records).unwrap_or_default();
    let text = workers.of_leader(Told::Places, Some(own))?.unwrap_or_default();
    let records: Vec<SourceRecord> = serde_json::from_str(&text).unwrap_or_default();
    Ok(RunManifest::located(&records, sources))
}

/// Opens the logs.
fn open_logs(
    config: &Config,
    run: &RunFolder,
    start: Start,
    step: u64,
    progress: &mut dyn Progress,
) -> Result<(MetricsLog, EventLog), TrainError> {
    let (metrics, events) = (run.metrics(), run.events());
    if start == Start::Fresh {
        let mut events = EventLog::create(&events)?;
        describe(&mut events, config)?;
        return Ok((MetricsLog::create(&metrics)?, events));
    }
    if !metrics.exists() {
        progress.warned(&format!("{} is missing; it begins anew", metrics.display()));
    }
    let (log, damaged) = MetricsLog::resume(&metrics, step)?;
    if damaged > 0 {
        let path = metrics.display();
        progress.warned(&format!("{damaged} lines of {path} are damaged and left out"));
    }
    let mut events = EventLog::resume(&events, step)?;
    if step == 0 {
        // It was of that step, too.
        describe(&mut events, config)?;
    }
    Ok((log, events))
}

/// Shows the configuration in TensorBoard, as code.
fn describe(events: &mut EventLog, config: &Config) -> Result<(), TrainError> {
    let text = config.to_toml();
    let lines: Vec<String> = text.lines().map(|line| format!("    {line}\n")).collect();
    Ok(events.append_text(0, "configuration", &lines.concat())?)
}

/// Gives the weights, the optimiser's state and the step of the worker that
/// leads to all, and returns that step.
fn start_together(
    workers: &Workers,
    learner: &Learner,
    optimiser: &mut Optimiser,
    own_step: u64,
) -> Result<u64, TrainError> {
    let told = workers.of_leader(Told::Start, Some(own_step.to_string()))?;
    let step = told.and_then(|step| step.parse().ok()).unwrap_or(own_step);
    let moments = optimiser.named_moments().into_iter().map(|(_, tensor)| tensor);
    let mut tensors: Vec<Tensor> = moments.chain(learner.tensors()).collect();
    workers.ranks().copy_from_leader(&mut tensors)?;
    optimiser.resume_at(step);
    Ok(step)
}

/// Returns the device of this worker: of the GPUs of its machine, one each.
fn device_of(choice: DeviceChoice, workers: &Workers) -> Result<Device, ModelError> {
    match (choice, resolve(choice)?) {
        (DeviceChoice::Auto, Device::Cuda(_)) => resolve(DeviceChoice::Cuda(workers.local_rank())),
        (_, device) => Ok(device),
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
