//! What the worker that leads keeps of a run, in the run's folder.

use std::time::Instant;

use super::{
    TrainError,
    learner::Learner,
    optimiser::Optimiser,
    reporting::Reporter,
    state::{State, remembered},
    validation::{DeviceBatch, finite},
};
use lcl_artefacts::saved::Saved;
use lcl_run::{
    config::Config,
    report::{Filters, RunState},
    run::{
        Accuracy, EventLog, Losses, Metrics, MetricsLog, Progress, RunFolder, RunSummary, States,
    },
};

/// The checkpoints, logs and report of a run, and the images held out for them.
pub(super) struct Ledger<'r> {
    pub(super) run: &'r RunFolder,
    pub(super) config: &'r Config,
    pub(super) state: State,
    pub(super) log: MetricsLog,
    pub(super) events: EventLog,
    pub(super) reporter: Reporter,
    pub(super) held_out: DeviceBatch,
    /// The checkpoints that are there.
    pub(super) states: States,
    pub(super) last_validation: Option<Losses>,
    pub(super) started: Instant,
}

impl Ledger<'_> {
    /// Computes the loss on the held-out images and saves the weights.
    pub(super) fn validate(
        &mut self,
        learner: &Learner,
        optimiser: &Optimiser,
        step: u64,
    ) -> Result<(Losses, Option<Accuracy>), TrainError> {
        // First, so that weights that are no numbers are never saved.
        let answer = learner.validated(&self.held_out, self.config.training.batch)?;
        let losses = finite(&answer.losses, step).map_err(|error| self.with_last_good(error))?;
        let (saved, bytes) = self.save(learner, optimiser, step)?;
        self.last_validation = Some(losses);
        self.state.start.get_or_insert(losses);
        if self.state.stop_rule.observe(step, losses) {
            self.states.save_best(self.run, &bytes)?;
        }
        if let (Some(network), Saved::Layers(checkpoint)) = (learner.layers(), &saved) {
            self.reporter.validated(network, &self.held_out, checkpoint)?;
            if let Some((size, png)) = Filters::of(checkpoint).png() {
                self.events.append_picture(step, "filters of V1", size, png)?;
            }
        }
        Ok((losses, answer.accuracy()?))
    }

    /// Returns whether the validation loss no longer improves.
    pub(super) fn says_stop(&self) -> bool {
        self.state.stop_rule.says_stop()
    }

    /// Writes the checkpoint and the optimiser's state so that at any moment the
    /// folder holds a checkpoint with the state that goes with it; returns the
    /// checkpoint with the bytes of its file.
    pub(super) fn save(
        &mut self,
        learner: &Learner,
        optimiser: &Optimiser,
        step: u64,
    ) -> Result<(Saved, Vec<u8>), TrainError> {
        self.state.step = step;
        let saved = learner.checkpoint(step, self.config.to_toml())?;
        let bytes = saved.to_bytes();
        let state = self.state.to_bytes(&remembered(learner, optimiser))?;
        self.states.save(self.run, step, &bytes, &state)?;
        Ok((saved, bytes))
    }

    /// Writes a checkpoint of a step that is kept for good, where it is one.
    pub(super) fn keep(&self, learner: &Learner, step: u64) -> Result<(), TrainError> {
        let every = self.config.training.keep_every;
        if every > 0 && step > 0 && step % every == 0 {
            learner.checkpoint(step, self.config.to_toml())?.write(&self.run.kept(step))?;
        }
        Ok(())
    }

    /// Adds a line to the logs and the report.
    #[expect(clippy::large_types_passed_by_value, reason = "it becomes part of the report")]
    pub(super) fn log(
        &mut self,
        metrics: Metrics,
        progress: &mut dyn Progress,
    ) -> Result<(), TrainError> {
        let metrics = self.reporter.completed(metrics);
        self.log.append(&metrics)?;
        self.events.append(&metrics)?;
        progress.logged(&metrics);
        Ok(self.reporter.logged(metrics)?)
    }

    /// Names the last good checkpoint where the loss is not finite.
    pub(super) fn with_last_good(&self, error: TrainError) -> TrainError {
        error.with_last_good(self.run, self.states.last_good())
    }

    /// Ends the report, and returns what the run came to after `steps` updates.
    pub(super) fn finish(
        self,
        state: RunState,
        steps: u64,
        skipped_images: usize,
    ) -> Result<RunSummary, TrainError> {
        let end = self.last_validation.or(self.state.start).unwrap_or_default();
        let (best_step, best) = self.state.stop_rule.best().unwrap_or((steps, end));
        Ok(RunSummary {
            start: self.state.start.unwrap_or(end),
            end,
            best_step,
            best,
            steps,
            stopped_early: state == RunState::StoppedEarly,
            interrupted: state == RunState::Interrupted,
            skipped_images,
            report: self.reporter.finish(state)?,
            elapsed: self.started.elapsed(),
        })
    }
}
