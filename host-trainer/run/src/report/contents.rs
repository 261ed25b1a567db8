//! What a report shows, and its file.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{CrossCorrelation, Filters, Orientedness, QuantisationError, SampleViews, page};
use crate::{
    config::Config,
    run::{Metrics, RunPlan},
};
use lcl_artefacts::atomic_file::{self, WriteError};

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunState {
    /// It goes on, or was killed: nobody was there to write that down.
    #[default]
    Running,
    /// It made all its steps.
    Finished,
    /// The loss on held-out images no longer improved.
    StoppedEarly,
    /// Somebody ended it, to resume it later.
    Interrupted,
}

/// Everything that a report shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Name of the run, as [`name_of`](super::name_of) gives it.
    pub name: String,
    /// Its folder, as the user named it.
    pub folder: Option<PathBuf>,
    /// What the run does.
    pub plan: RunPlan,
    /// Its configuration.
    pub config: Config,
    /// How far it is.
    pub state: RunState,
    /// When that was, to the second.
    pub updated: Option<SystemTime>,
    /// The log, a line for each step.
    pub metrics: Vec<Metrics>,
    /// The filters of V1.
    pub filters: Option<Filters>,
    /// Cross-correlation of both stages on held-out images.
    pub correlations: Option<[CrossCorrelation; 2]>,
    /// What both stages learn from.
    pub views: Option<SampleViews>,
    /// How many filters are oriented, once they were fitted.
    pub orientedness: Option<Orientedness>,
    /// What quantising cost, once it was done.
    pub quantisation: Option<QuantisationError>,
}

impl Report {
    /// Creates a report on a run of which nothing is known yet but its plan.
    #[must_use]
    pub fn new(name: String, plan: RunPlan, config: Config) -> Self {
        Self {
            name,
            folder: None,
            plan,
            config,
            state: RunState::default(),
            updated: None,
            metrics: Vec::new(),
            filters: None,
            correlations: None,
            views: None,
            orientedness: None,
            quantisation: None,
        }
    }

    /// Returns the page, HTML in UTF-8.
    #[must_use]
    pub fn to_html(&self) -> String {
        page::render(self)
    }

    /// Writes the page to `path`, whole or not at all, with the time that it is
    /// now.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&mut self, path: &Path) -> Result<(), WriteError> {
        self.updated = Some(SystemTime::now());
        atomic_file::write(path, &[self.to_html().as_bytes()])
    }
}
