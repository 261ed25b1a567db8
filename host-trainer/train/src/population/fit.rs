//! The loop of \[Lurz\]: one Adam step after a batch of each session, a rate that
//! falls and early stopping in rounds by the validation correlation.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use lcl_artefacts::{
    checkpoint::Checkpoint,
    random::{Purpose, stream},
    tensor_file::TensorFile,
};
use lcl_population::{
    CoreChoice, DataError, FitConfig, Fitted, Readout, ReadoutKind, Session, Tier,
    findings::{Epoch, Scored, ScoredSession},
    fitted::Field,
    measures::correlation,
    plateau::{Next, RateRule, StopRule},
};
use lcl_run::config::OptimiserConfig;
use rand::{Rng, seq::SliceRandom};
use tch::{Device, Kind, TchError, Tensor, no_grad};

use super::{
    FitError,
    batches::{Batch, Material, epoch, images, targets},
    core::{Core, Phase},
    factorised::FactorisedReadout,
    gaussian::{GaussianReadout, Given},
    state::{self, Progress},
};
use crate::{
    model::{Parameter, length, shape, values},
    training::Adam,
};

/// Added to predictions in the logarithm of the loss.
const LOSS_EPSILON: f64 = 1e-8;

/// Names of the files of a fit's folder.
const STATE: &str = "state.safetensors";
const FITTED: &str = "population.safetensors";
const PREDICTIONS: &str = "predictions.json";

/// Hears how a fit goes, and ends it.
pub trait Control {
    /// An epoch of so many batches begins.
    fn begin(&mut self, epoch: u32, batches: usize);

    /// A batch is done. Returns whether the fit goes on; else what was not saved
    /// with the last epoch is given up.
    fn batch(&mut self) -> bool;

    /// An epoch is done and saved.
    fn end(&mut self, epoch: &Epoch, best: bool);
}

/// Hears nothing and never ends.
impl Control for () {
    fn begin(&mut self, _: u32, _: usize) {}

    fn batch(&mut self) -> bool {
        true
    }

    fn end(&mut self, _: &Epoch, _: bool) {}
}

/// Fits a population, and writes to `folder` after each epoch what the same call goes
/// on from, and at the end `population.safetensors` and `predictions.json`.
///
/// `checkpoint` is that of the core where it is LCL-V2's, of a name.
///
/// # Errors
///
/// When a session or the configuration cannot be used, a file cannot be written, the
/// loss is no number, or `control` ends the fit.
pub fn fit(
    sessions: &[Session],
    config: &FitConfig,
    (checkpoint_name, checkpoint): (&str, &Checkpoint),
    folder: &Path,
    control: &mut dyn Control,
) -> Result<Scored, FitError> {
    config.check()?;
    check(sessions)?;
    let mut population = Population::new(sessions, config, checkpoint)?;
    let mut sources: Vec<String> = sessions.iter().map(|session| session.name.clone()).collect();
    if matches!(config.core, CoreChoice::LclV1 | CoreChoice::LclV2) {
        sources.push(checkpoint_name.to_owned());
    }
    population.go_on(sources, folder)?;
    while !population.progress.stop.ended() {
        population.epoch(control)?;
        population.save(folder)?;
        if let Some(last) = population.progress.epochs.last() {
            let best = last.correlation >= population.progress.stop.best;
            control.end(last, best);
        }
    }
    population.restore()?;
    let name = folder.display().to_string();
    let scored = population.scored(name)?;
    population.fitted()?.write(&folder.join(FITTED))?;
    scored.write(&folder.join(PREDICTIONS))?;
    Ok(scored)
}

/// Checks sessions for themselves and against the first.
fn check(sessions: &[Session]) -> Result<(), FitError> {
    for session in sessions {
        session.check()?;
        let (expected, got) =
            ((sessions[0].height, sessions[0].width), (session.height, session.width));
        if expected != got {
            let (session, first) = (session.name.clone(), sessions[0].name.clone());
            return Err(DataError::ImageSize { session, first, expected, got }.into());
        }
    }
    Ok(())
}

/// A readout of any kind.
#[derive(Debug)]
enum SessionReadout {
    Gaussian(GaussianReadout),
    Factorised(FactorisedReadout),
}

impl SessionReadout {
    /// Returns predictions, `ELU(r) + 1`, `[N, neurons]`.
    fn forward(&self, map: &Tensor, noise: Option<&Tensor>) -> Result<Tensor, TchError> {
        let drive = match self {
            Self::Gaussian(readout) => readout.forward(map, noise)?,
            Self::Factorised(readout) => readout.forward(map)?,
        };
        drive.f_elu()?.f_add_scalar(1.0)
    }

    fn magnitude(&self) -> Result<Option<Tensor>, TchError> {
        match self {
            Self::Gaussian(readout) => readout.magnitude(),
            Self::Factorised(readout) => readout.magnitude().map(Some),
        }
    }

    fn bias(&self) -> &Tensor {
        match self {
            Self::Gaussian(readout) => &readout.bias,
            Self::Factorised(readout) => &readout.bias,
        }
    }

    fn samples(&self) -> bool {
        matches!(self, Self::Gaussian(readout) if readout.samples())
    }

    fn parameters(&self, prefix: &str) -> Vec<Parameter> {
        match self {
            Self::Gaussian(readout) => readout.parameters(prefix),
            Self::Factorised(readout) => readout.parameters(prefix),
        }
    }
}

/// A fit under way.
struct Population<'a> {
    sessions: &'a [Session],
    scales: Vec<Vec<f64>>,
    material: Vec<Material>,
    config: &'a FitConfig,
    core: Core,
    field: Field,
    readouts: Vec<SessionReadout>,
    adam: Adam,
    progress: Progress,
    /// Everything that a fit changes, by name, and its best values.
    tensors: Vec<(String, Tensor)>,
    best: Vec<Tensor>,
}

impl<'a> Population<'a> {
    fn new(
        sessions: &'a [Session],
        config: &'a FitConfig,
        checkpoint: &Checkpoint,
    ) -> Result<Self, FitError> {
        let core = Core::new(config, checkpoint)?;
        let first = sessions.first().map_or((0, 0), |one| (one.height, one.width));
        let field = core.field(first)?;
        let scales: Vec<Vec<f64>> = sessions.iter().map(Session::response_scale).collect();
        let material: Vec<Material> =
            sessions.iter().map(|session| Material::new(session, config.data_share)).collect();
        let mut readouts: Vec<SessionReadout> = Vec::new();
        for (index, session) in sessions.iter().enumerate() {
            let readout = readout(config, field, (index, session), (sessions, &readouts))?;
            // The mean response of the first batch that will be trained on.
            let batches = epoch(&material, config.batch_size, config.seed, 0);
            let first = batches.iter().find(|batch| batch.session == index);
            let trials = first.map_or(&[][..], |batch| &batch.trials);
            let mean = targets(session, &scales[index], trials)?.f_mean_dim(
                [0].as_slice(),
                false,
                Kind::Float,
            )?;
            no_grad(|| readout.bias().shallow_clone().f_copy_(&mean))?;
            readouts.push(readout);
        }
        let mut parameters = Vec::new();
        let core_parameters = core.parameters();
        let mut tensors: Vec<(String, Tensor)> = core_parameters
            .iter()
            .map(|one| (format!("core.{}", one.name), one.tensor.shallow_clone()))
            .collect();
        if !config.frozen {
            parameters.extend(core_parameters);
        }
        for (index, readout) in readouts.iter().enumerate() {
            let own = readout.parameters(&format!("readout.{index}"));
            tensors.extend(own.iter().map(|one| (one.name.clone(), one.tensor.shallow_clone())));
            parameters.extend(own);
        }
        let statistics = core.statistics().into_iter();
        tensors.extend(statistics.map(|(name, tensor)| (format!("core.{name}"), tensor)));
        for parameter in &parameters {
            let _ = parameter.tensor.f_set_requires_grad(true)?;
        }
        let optimiser = OptimiserConfig {
            learning_rate: config.learning_rate,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            warmup_steps: 0,
            weight_decay: 0.0,
            ..OptimiserConfig::default()
        };
        let adam = Adam::new(parameters, optimiser)?;
        let FitConfig { learning_rate, least_rate, patience, rounds, epochs, threshold, .. } =
            *config;
        let progress = Progress {
            config: FitConfig { epochs: 1, ..config.clone() }.to_toml(),
            sources: Vec::new(),
            rate: RateRule::new(learning_rate, patience, threshold, least_rate),
            stop: StopRule::new(patience, threshold, rounds, epochs),
            updates: 0,
            epochs: Vec::new(),
        };
        let best = copies(&tensors)?;
        Ok(Self {
            sessions,
            scales,
            material,
            config,
            core,
            field,
            readouts,
            adam,
            progress,
            tensors,
            best,
        })
    }

    /// Goes on from the state in a folder, if there is one, of this very fit.
    fn go_on(&mut self, sources: Vec<String>, folder: &Path) -> Result<(), FitError> {
        self.progress.sources = sources;
        let path = folder.join(STATE);
        if !path.exists() {
            return Ok(());
        }
        let file = TensorFile::read(&path)?;
        let mut found = state::progress(&path, &file)?;
        let other = |what| FitError::OtherFit { path: path.display().to_string(), what };
        if found.config != self.progress.config {
            return Err(other("configuration"));
        }
        if found.sources != self.progress.sources {
            return Err(other("data"));
        }
        state::load(&path, &file, &self.named())?;
        found.stop.allow(self.config.epochs);
        self.adam.resume_at(found.updates);
        self.adam.set_learning_rate(found.rate.rate);
        self.progress = found;
        Ok(())
    }

    /// Returns all tensors of a state by name.
    fn named(&self) -> Vec<(String, Tensor)> {
        let shared = |(name, tensor): &(String, Tensor)| (name.clone(), tensor.shallow_clone());
        let best = self.tensors.iter().zip(&self.best);
        let best = best.map(|((name, _), tensor)| (format!("best.{name}"), tensor.shallow_clone()));
        let moments = self.adam.named_moments().into_iter();
        let moments = moments.map(|(name, tensor)| (format!("adam.{name}"), tensor));
        self.tensors.iter().map(shared).chain(best).chain(moments).collect()
    }

    fn save(&self, folder: &Path) -> Result<(), FitError> {
        state::write(&folder.join(STATE), &self.progress, &self.named())
    }

    /// Copies the best values back.
    fn restore(&self) -> Result<(), FitError> {
        no_grad(|| {
            for ((_, tensor), best) in self.tensors.iter().zip(&self.best) {
                tensor.shallow_clone().f_copy_(best)?;
            }
            Ok(())
        })
    }

    /// Trains an epoch, scores it and follows the two rules.
    fn epoch(&mut self, control: &mut dyn Control) -> Result<(), FitError> {
        let start = Instant::now();
        let number = self.progress.stop.epochs + 1;
        let batches =
            epoch(&self.material, self.config.batch_size, self.config.seed, (number - 1).into());
        control.begin(number, batches.len());
        self.adam.zero_grad();
        let mut loss_sum = 0.0;
        for (at, batch) in batches.iter().enumerate() {
            let loss = self.loss(batch, [number.into(), at as u64])?;
            let value = loss.f_double_value(&[])?;
            if !value.is_finite() {
                return Err(FitError::NotFinite { epoch: number });
            }
            loss_sum += value;
            loss.f_backward()?;
            if (at + 1) % self.sessions.len() == 0 {
                self.adam.step()?;
                self.adam.zero_grad();
            }
            if !control.batch() {
                return Err(FitError::Stopped);
            }
        }
        let correlation = self.validation()?;
        let rate = self.progress.rate.rate;
        let took: Duration = start.elapsed();
        let loss = loss_sum / batches.len().max(1) as f64;
        let seconds = took.as_secs_f64();
        self.progress.epochs.push(Epoch { epoch: number, loss, correlation, rate, seconds });
        self.progress.updates = self.adam.updates();
        self.progress.rate.after(correlation);
        self.adam.set_learning_rate(self.progress.rate.rate);
        match self.progress.stop.after(correlation) {
            Next::Keep => self.best = copies(&self.tensors)?,
            Next::Restore | Next::End => self.restore()?,
            Next::Continue => {}
        }
        Ok(())
    }

    /// Returns the loss of a batch: `√(training images / batch) · Σ (ŷ - y ln(ŷ +
    /// 1e-8))` and the penalties of core and readout.
    fn loss(&self, batch: &Batch, key: [u64; 2]) -> Result<Tensor, FitError> {
        let (session, readout) = (&self.sessions[batch.session], &self.readouts[batch.session]);
        let shown: Vec<usize> =
            batch.trials.iter().map(|&trial| session.trials[trial].image).collect();
        let map = self.map(&images(session, &shown)?, Phase::Training)?;
        let noise = readout
            .samples()
            .then(|| noise(self.config.seed, key, [batch.trials.len(), session.neurons()]));
        let predicted = readout.forward(&map, noise.transpose()?.as_ref())?;
        let target = targets(session, &self.scales[batch.session], &batch.trials)?;
        let scale = (self.material[batch.session].len() as f64 / batch.trials.len() as f64).sqrt();
        let mut loss = poisson(&predicted, &target)?.f_mul_scalar(scale)?;
        if let Some(magnitude) = readout.magnitude()? {
            loss = loss.f_add(&magnitude.f_mul_scalar(self.config.gamma_readout)?)?;
        }
        if let Some(roughness) = if self.config.frozen { None } else { self.core.roughness()? } {
            loss = loss.f_add(&roughness.f_mul_scalar(self.config.gamma_core)?)?;
        }
        Ok(loss)
    }

    /// Returns the core's map; no gradient comes back from a frozen one, whose batch
    /// norms follow the images all the same.
    fn map(&self, images: &Tensor, phase: Phase) -> Result<Tensor, TchError> {
        if self.config.frozen {
            return no_grad(|| self.core.forward(images, phase))?.f_detach();
        }
        self.core.forward(images, phase)
    }

    /// Returns predictions of images, `[images, neurons]`, as evaluation makes them.
    fn predict(&self, index: usize, which: &[usize]) -> Result<Vec<f64>, TchError> {
        let session = &self.sessions[index];
        let mut predictions = Vec::new();
        for part in which.chunks(self.config.batch_size) {
            let predicted = no_grad(|| {
                let map = self.core.forward(&images(session, part)?, Phase::Evaluation)?;
                self.readouts[index].forward(&map, None)
            })?;
            predictions.extend(values(&predicted)?.into_iter().map(f64::from));
        }
        Ok(predictions)
    }

    /// Returns the single-trial correlation on the validation trials, the mean over
    /// the neurons of all sessions.
    fn validation(&self) -> Result<f64, TchError> {
        let (mut sum, mut count) = (0.0, 0);
        for (index, session) in self.sessions.iter().enumerate() {
            let trials = session.of_tier(Tier::Validation);
            let shown: Vec<usize> =
                trials.iter().map(|&trial| session.trials[trial].image).collect();
            let predictions = self.predict(index, &shown)?;
            let neurons = session.neurons();
            for neuron in 0..neurons {
                let predicted: Vec<f64> =
                    predictions.iter().skip(neuron).step_by(neurons).copied().collect();
                let recorded: Vec<f64> =
                    trials.iter().map(|&trial| session.response(trial)[neuron].into()).collect();
                let found = correlation(&recorded, &predicted);
                sum += if found.is_nan() { 0.0 } else { found };
            }
            count += neurons;
        }
        Ok(sum / count.max(1) as f64)
    }

    /// Returns positions, weights and numbers per neuron of a session's readout.
    #[expect(clippy::type_complexity, reason = "it is taken apart at once")]
    fn arrays(&self, index: usize) -> Result<(Vec<[f32; 2]>, Vec<f32>, f64), TchError> {
        let (neurons, readout) = (self.sessions[index].neurons(), &self.readouts[index]);
        let numbers: usize = readout.parameters("").iter().map(|one| one.tensor.numel()).sum();
        let each = numbers as f64 / neurons.max(1) as f64;
        Ok(match readout {
            SessionReadout::Gaussian(readout) => {
                let (mu, weight) = readout.arrays()?;
                (mu, weight, each)
            }
            SessionReadout::Factorised(readout) => (Vec::new(), readout.weights()?, each),
        })
    }

    fn fitted(&self) -> Result<Fitted, FitError> {
        let mut readouts = Vec::new();
        for (index, session) in self.sessions.iter().enumerate() {
            let (mu, weight, parameters) = self.arrays(index)?;
            readouts.push(Readout {
                session: session.name.clone(),
                ids: session.ids.clone(),
                mu,
                weight,
                bias: values(self.readouts[index].bias())?,
                response_scale: self.scales[index].clone(),
                parameters,
            });
        }
        let of_core = |(name, tensor): &(String, Tensor)| {
            let name = name.strip_prefix("core.")?.to_owned();
            Some(values(tensor).map(|values| (name, shape(tensor), values)))
        };
        let core = self.tensors.iter().filter_map(of_core).collect::<Result<_, _>>()?;
        Ok(Fitted { config: self.config.to_toml(), field: self.field, core, readouts })
    }

    fn scored(&self, name: String) -> Result<Scored, FitError> {
        let mut sessions = Vec::new();
        for (index, session) in self.sessions.iter().enumerate() {
            let repeated = session.repeated();
            let scale = &self.scales[index];
            let scaled = |values: &[f64]| -> Vec<f64> {
                values
                    .iter()
                    .zip(scale.iter().cycle())
                    .map(|(value, scale)| value / scale)
                    .collect()
            };
            let (mu, _, parameters_per_neuron) = self.arrays(index)?;
            let mu = match &self.readouts[index] {
                SessionReadout::Gaussian(_) => mu,
                SessionReadout::Factorised(readout) => {
                    readout.centres((self.field.height, self.field.width))?
                }
            };
            let double = |places: &[[f32; 2]]| -> Vec<[f64; 2]> {
                places.iter().map(|place| place.map(f64::from)).collect()
            };
            sessions.push(ScoredSession {
                session: session.name.clone(),
                ids: session.ids.clone(),
                repeats: repeated.repeats,
                responses: scaled(&repeated.responses),
                predictions: self.predict(index, &repeated.images)?,
                noiseless: session.truth.as_ref().map(|truth| scaled(&truth.noiseless)),
                learned: Some(mu.iter().map(|&at| self.field.pixel(at)).collect()),
                centres: session.truth.as_ref().map(|truth| double(&truth.centres)),
                cortex: session.cortical_plane().ok().map(|plane| double(&plane)),
                excluded: [session.excluded.not_finite, session.excluded.silent],
                left_out: [repeated.shown_once, repeated.surplus],
                parameters_per_neuron,
            });
        }
        let (config, epochs) = (self.config.to_toml(), self.progress.epochs.clone());
        Ok(Scored { name, config, epochs, sessions })
    }
}

/// Creates the readout of a session.
fn readout(
    config: &FitConfig,
    field: Field,
    (index, session): (usize, &Session),
    (sessions, before): (&[Session], &[SessionReadout]),
) -> Result<SessionReadout, FitError> {
    let size = [session.neurons(), field.channels];
    if config.readout == ReadoutKind::Factorised {
        let cells = field.height * field.width;
        let made = FactorisedReadout::new(config, index as u64, size, cells)?;
        return Ok(SessionReadout::Factorised(made));
    }
    let mut given = Given::default();
    if config.retinotopy {
        let mut plane = session.cortical_plane()?;
        if config.shuffle_positions {
            plane.shuffle(&mut stream(config.seed, Purpose::Readout, [u64::MAX - 1, index as u64]));
        }
        given.plane = Some(plane);
    }
    if let (true, Some(SessionReadout::Gaussian(owner))) = (config.share_features, before.first()) {
        let first = &sessions[0];
        let row = |&id: &i64| {
            let found = first.ids.iter().position(|&of| of == id);
            found.map(length).ok_or_else(|| DataError::NoMatch {
                session: session.name.clone(),
                first: first.name.clone(),
                id,
            })
        };
        let rows = session.ids.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        given.shared = Some((owner, rows));
    }
    Ok(SessionReadout::Gaussian(GaussianReadout::new(config, index as u64, size, given)?))
}

/// Returns `Σ (ŷ - y ln(ŷ + 1e-8))`.
fn poisson(predicted: &Tensor, target: &Tensor) -> Result<Tensor, TchError> {
    let logarithm = predicted.f_add_scalar(LOSS_EPSILON)?.f_log()?;
    predicted.f_sub(&target.f_mul(&logarithm)?)?.f_sum(predicted.kind())
}

/// Returns normal values for a batch, `[images, neurons, 2]`.
fn noise(seed: u64, key: [u64; 2], [images, neurons]: [usize; 2]) -> Result<Tensor, TchError> {
    let mut rng = stream(seed, Purpose::Readout, key);
    let mut values = Vec::with_capacity(2 * images * neurons);
    for _ in 0..images * neurons {
        // Box and Muller (1958).
        let (u, v): (f32, f32) = (1.0 - rng.random::<f32>(), rng.random());
        let length = (-2.0 * u.ln()).sqrt();
        let (sin, cos) = (std::f32::consts::TAU * v).sin_cos();
        values.extend([length * cos, length * sin]);
    }
    Tensor::f_from_slice(&values)?.f_reshape([length(images), length(neurons), 2])
}

fn copies(tensors: &[(String, Tensor)]) -> Result<Vec<Tensor>, TchError> {
    let copy = |(_, tensor): &(String, Tensor)| {
        let copy = tensor.f_detach()?.f_empty_like()?;
        no_grad(|| copy.shallow_clone().f_copy_(tensor))?;
        copy.f_to_device(Device::Cpu)
    };
    tensors.iter().map(copy).collect()
}

#[cfg(test)]
mod tests;
