//! Keeps the report of a run up to date.

use std::{fs, path::PathBuf};

use super::{TrainError, validation::DeviceBatch};
use crate::model::Network;
use lcl_artefacts::{atomic_file::WriteError, checkpoint::Checkpoint};
use lcl_run::{
    config::Config,
    loader::Batch,
    report::{CrossCorrelation, Filters, Report, RunState, SampleViews, name_of},
    run::{Metrics, RunFolder, RunPlan},
};

/// The report of a run while it goes on.
pub(super) struct Reporter {
    report: Report,
    path: PathBuf,
}

impl Reporter {
    /// Starts the report of a run that has logged `metrics` so far.
    pub(super) fn new(
        run: &RunFolder,
        config: &Config,
        plan: RunPlan,
        held_out: &Batch,
        metrics: Vec<Metrics>,
    ) -> Self {
        // `runs/latest` is a link to the folder that gives the name.
        let folder = fs::canonicalize(run.path()).unwrap_or_else(|_| run.path().to_owned());
        let mut report = Report::new(name_of(&folder), plan, config.clone());
        report.folder = Some(run.path().to_owned());
        report.metrics = metrics;
        if held_out.labels.is_empty() {
            report.views = Some(SampleViews::of(held_out, config.input));
        }
        Self { report, path: run.report() }
    }

    /// Learns of the network at a validation.
    pub(super) fn validated(
        &mut self,
        network: &Network,
        held_out: &DeviceBatch,
        checkpoint: &Checkpoint,
    ) -> Result<(), TrainError> {
        self.report.filters = Some(Filters::of(checkpoint));
        let stages = held_out.embeddings(network)?;
        let images = held_out.images();
        let correlations = stages.map(|[z_a, z_b]| CrossCorrelation::of(&z_a, &z_b, images));
        self.report.correlations = Some(correlations);
        Ok(())
    }

    /// Adds the cross-correlation to the line of a validation.
    #[expect(clippy::large_types_passed_by_value, reason = "it becomes part of the report")]
    pub(super) fn completed(&self, metrics: Metrics) -> Metrics {
        match &self.report.correlations {
            Some(stages) if metrics.val_loss.is_some() => metrics.with_correlation(
                stages.each_ref().map(CrossCorrelation::on_diagonal),
                stages.each_ref().map(CrossCorrelation::off_diagonal),
            ),
            _ => metrics,
        }
    }

    /// Learns of a line of the log, and writes the page at each validation.
    #[expect(clippy::large_types_passed_by_value, reason = "it becomes part of the report")]
    pub(super) fn logged(&mut self, metrics: Metrics) -> Result<(), WriteError> {
        self.report.metrics.push(metrics);
        if metrics.val_loss.is_some() { self.report.write(&self.path) } else { Ok(()) }
    }

    /// Ends the report, and returns it for what comes after training.
    pub(super) fn finish(mut self, state: RunState) -> Result<Report, WriteError> {
        self.report.state = state;
        self.report.write(&self.path)?;
        Ok(self.report)
    }
}
