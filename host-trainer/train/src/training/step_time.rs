//! The time of one step, for benchmarks.

use std::time::{Duration, Instant};

use rand::Rng;

use super::{
    TrainError,
    gradients::{Signals, update},
    learner::Learner,
    optimiser::Optimiser,
    session::set_threads,
    start::initial,
    validation::{DeviceBatch, finite},
};
use crate::{
    model::{Occasion, resolve},
    workers::Ranks,
};
use lcl_artefacts::random::{Purpose, stream};
use lcl_run::{config::Config, loader::Batch};

/// Returns how long each of `repeats` steps took: forward, loss, backward and
/// update of both stages, for a batch of noise that lies in memory.
///
/// One step comes before, which is not measured.
///
/// # Errors
///
/// When the configuration or the device cannot be used.
pub fn step_times(config: &Config, repeats: usize) -> Result<Vec<Duration>, TrainError> {
    config.validate()?;
    let device = resolve(config.training.device)?;
    set_threads(config.training.threads, 1);
    let config = &config.clone().resolved();
    let labels = config.recognition.network.map(|_| CLASSES);
    let classes = labels.map(|count| (0..count).map(|class| class.to_string()).collect());
    let learner = Learner::new(&initial(config, classes)?, config, device)?;
    let mut optimiser = Optimiser::new(learner.parameters(), config.optimiser)?;
    let batch = DeviceBatch::new(&noise(config), device, config.training.precision)?;
    let (mut times, mut signals) = (Vec::new(), Signals::default());
    for repeat in 0..=repeats {
        let start = Instant::now();
        let (seed, step) = (config.training.seed, repeat as u64);
        learner.begin_step(Occasion { seed, step, first_image: 0 });
        let answer = update(&learner, &batch, &mut optimiser, Ranks::ALONE, &mut signals)?;
        // It waits until the device is done.
        finite(&answer.losses, repeat as u64)?;
        if repeat > 0 {
            times.push(start.elapsed());
        }
    }
    Ok(times)
}

/// Classes of the noise in recognition, as many as ImageNet has.
const CLASSES: usize = 1000;

fn noise(config: &Config) -> Batch {
    let images = config.training.batch;
    let classes = if config.recognition.network.is_some() { CLASSES } else { 0 };
    let labels = (0..images).filter(|_| classes > 0);
    let labels = labels.map(|image| i64::try_from(image % classes).unwrap_or_default()).collect();
    let sides = [0, 1].map(|stage| config.views.stages[stage].size as usize);
    let views = [0, 1].map(|stage| {
        [0, 1].map(|view| {
            let key = [stage as u64, view];
            let mut rng = stream(config.training.seed, Purpose::TrainingView, key);
            let values = images * sides[stage] * sides[stage] * 3;
            let values = (0..values).map(|_| rng.random_range(-2.0..2.0)).collect::<Vec<f32>>();
            values.into()
        })
    });
    Batch { images, sides, views, labels }
}
