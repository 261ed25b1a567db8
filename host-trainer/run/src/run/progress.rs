//! What a run tells while it runs and when it ends.

use std::time::Duration;

use super::{Losses, Metrics};
use crate::report::Report;

/// Where a run starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Initial weights.
    Fresh,
    /// The newest checkpoint in the run's folder.
    Resume,
}

/// What a run is about to do.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPlan {
    /// Images to train on.
    pub training_images: usize,
    /// Images held out.
    pub validation_images: usize,
    /// Images in a batch.
    pub batch: usize,
    /// Step to start from: 0, or that of the checkpoint.
    pub first_step: u64,
    /// Step to end at, where it does not stop early.
    pub last_step: u64,
    /// Where libtorch computes.
    pub device: String,
    /// Processes that train together.
    pub workers: usize,
}

/// Who wants to know how a run goes on.
pub trait Progress {
    /// Learns what the run is about to do.
    fn started(&mut self, plan: &RunPlan);

    /// Learns of something that the run goes on in spite of; as it is, it is
    /// printed.
    fn warned(&mut self, warning: &str) {
        lcl_artefacts::tell!("warning: {warning}");
    }

    /// Learns of one line of the log.
    fn logged(&mut self, metrics: &Metrics);

    /// Returns whether the run should save what it has and end, to be resumed
    /// later. It is asked after each step.
    fn interrupted(&self) -> bool {
        false
    }
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSummary {
    /// Loss on the held-out images before the first step.
    pub start: Losses,
    /// Loss on them after the last step.
    pub end: Losses,
    /// Step of the least loss on them, whose weights are the best checkpoint.
    pub best_step: u64,
    /// The least loss.
    pub best: Losses,
    /// Updates of the weights in all.
    pub steps: u64,
    /// Whether the validation loss no longer improved.
    pub stopped_early: bool,
    /// Whether somebody asked it to end before; `end` is then the last
    /// validation before that.
    pub interrupted: bool,
    /// Images that could not be used.
    pub skipped_images: usize,
    /// Time that the run took, since it was started or resumed.
    pub elapsed: Duration,
    /// The report, as it was written at the end of training.
    pub report: Report,
}
