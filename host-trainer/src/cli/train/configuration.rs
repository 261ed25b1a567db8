//! The configuration that the arguments make.

use anyhow::{Result, ensure};
use host_trainer::{
    config::{Config, Length},
    data::Source,
    device::Precision,
    tell,
};

use super::{super::numbers, Args};

impl Args {
    /// Returns what --config names, or the defaults; where nothing was said of
    /// images or fields either, with the precision that is fastest here.
    pub(super) fn configuration(&self) -> Result<Config> {
        if let Some(path) = &self.config {
            return Ok(Config::find(path)?);
        }
        let mut config = Config::default();
        if self.data.is_empty() && self.set.is_empty() {
            config.training.precision = Precision::Auto;
        }
        Ok(config)
    }

    /// Returns what is known of the configuration before the workers have met.
    pub(super) fn at_hand(&self) -> Result<Config> {
        let of_run = || {
            let out = self.out.as_deref().filter(|_| self.resume && self.config.is_none())?;
            Config::read(&out.join("config.toml")).ok()
        };
        Ok(of_run().map_or_else(|| self.configuration(), Ok)?.with(&self.set)?)
    }

    /// Returns a configuration with what the other arguments say.
    pub(super) fn overridden(&self, mut config: Config) -> Result<Config> {
        if !self.data.is_empty() {
            config.data.sources.clone_from(&self.data);
        }
        if !self.validation.is_empty() {
            config.data.validation_sources.clone_from(&self.validation);
        }
        if self.front_end.is_some() {
            config.recognition.front_end.clone_from(&self.front_end);
        }
        let training = &mut config.training;
        if self.init.is_some() {
            training.init.clone_from(&self.init);
        }
        training.patience = self.patience.unwrap_or(training.patience);
        training.min_improvement = self.min_improvement.unwrap_or(training.min_improvement);
        if let Some(steps) = self.steps {
            training.length = Length::Steps(steps);
        }
        if let Some(epochs) = self.epochs {
            training.length = Length::Epochs(epochs);
        }
        training.batch = self.batch.unwrap_or(training.batch);
        training.seed = self.seed.unwrap_or(training.seed);
        training.device = self.device.unwrap_or(training.device);
        training.precision = self.precision.unwrap_or(training.precision);
        training.threads = self.threads.unwrap_or(training.threads);
        config.validate()?;
        let config = config.with(&self.set)?;
        check_names(&config.data.sources)?;
        if config.training.threads > numbers::cores() {
            let (threads, cores) = (config.training.threads, numbers::cores());
            tell!(
                "warning: training.threads is {threads}; this machine has {cores} cores, so that \
               {cores} are used"
            );
        }
        Ok(config.resolved())
    }
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
