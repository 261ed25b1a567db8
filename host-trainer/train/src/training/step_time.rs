//! The time of one step, for benchmarks.

use std::time::{Duration, Instant};

use rand::Rng;

use super::{
    Adam, TrainError,
    gradients::{Signals, update},
    session::set_threads,
    start::initial,
    validation::{DeviceBatch, finite},
};
use crate::{
    loss::Objective,
    model::{Network, resolve},
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
    let network = Network::new(&initial(config), device, config.training.precision)?;
    let objective = Objective::new(config.loss);
    let mut adam = Adam::new(network.parameters(), config.optimiser)?;
    let batch = DeviceBatch::new(&noise(config), device, config.training.precision)?;
    let (mut times, mut signals) = (Vec::new(), Signals::default());
    for repeat in 0..=repeats {
        let start = Instant::now();
        let losses = update(&network, objective, &batch, &mut adam, Ranks::ALONE, &mut signals)?;
        // It waits until the device is done.
        finite(&losses, repeat as u64)?;
        if repeat > 0 {
            times.push(start.elapsed());
        }
    }
    Ok(times)
}

fn noise(config: &Config) -> Batch {
    let images = config.training.batch;
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
    Batch { images, sides, views }
}
