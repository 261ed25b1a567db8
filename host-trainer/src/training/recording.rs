//! Notes what a run is made of, so that it can be repeated.

use tch::Device;

use super::TrainError;
use crate::{
    config::Config,
    data::{ImageSet, Inventory},
    model::device_name,
    run::{Platform, RunFolder, RunManifest},
    workers::Greeting,
};

/// Version of the libtorch that this was built with.
const LIBTORCH: Option<&str> = option_env!("LIBTORCH_VERSION");

/// What a run is made of besides its configuration.
pub(super) struct Record {
    inventory: Inventory,
    platform: Platform,
}

impl Record {
    /// Lists the images, and what computes.
    pub(super) fn new(set: &ImageSet, device: Device, workers: usize) -> Result<Self, TrainError> {
        let threads = usize::try_from(tch::get_num_threads()).unwrap_or_default();
        let libtorch = LIBTORCH.unwrap_or("unknown");
        let platform = Platform::here(libtorch, device_name(device), threads);
        Ok(Self { inventory: set.inventory()?, platform: Platform { workers, ..platform } })
    }

    /// Returns what this worker tells the others.
    pub(super) fn greeting(&self, config: &Config) -> Greeting {
        Greeting::new(config, &self.inventory, &self.platform)
    }

    /// Writes the manifest of a run that begins.
    pub(super) fn begin(self, run: &RunFolder, held_out: usize) -> Result<(), TrainError> {
        Ok(RunManifest::begin(run, self.inventory, held_out, self.platform)?)
    }

    /// Checks that the images are those of the run, and returns a warning where
    /// it goes on with something else than it began with.
    pub(super) fn resume(&self, run: &RunFolder, step: u64) -> Result<Option<String>, TrainError> {
        let platform = self.platform.clone();
        let differences = RunManifest::resume(run, &self.inventory, step, platform)?;
        Ok((!differences.is_empty()).then(|| {
            format!(
                "since the run began, {}; its weights may end with other last bits than without \
                 that",
                differences.join(", ")
            )
        }))
    }
}
