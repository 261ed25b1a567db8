//! Notes what a run is made of, so that it can be repeated.

use tch::Device;

use super::{TrainError, split_folders};
use crate::{model::device_name, workers::Greeting};
use lcl_images::{ImageSet, Inventory, Source};
use lcl_run::{
    config::Config,
    run::{Platform, Resumption, RunFolder, RunManifest},
};

/// Version of the libtorch that this was built with.
const LIBTORCH: Option<&str> = option_env!("LIBTORCH_VERSION");

/// What a run is made of besides its configuration.
pub(super) struct Record {
    inventory: Inventory,
    platform: Platform,
}

impl Record {
    /// Lists the images of `set`, which `sources` name, and what computes.
    pub(super) fn new(
        set: &ImageSet,
        sources: &[Source],
        device: Device,
        workers: usize,
    ) -> Result<Self, TrainError> {
        let threads = usize::try_from(tch::get_num_threads()).unwrap_or_default();
        let libtorch = LIBTORCH.unwrap_or("unknown");
        let platform = Platform::here(libtorch, device_name(device), threads);
        let mut inventory = set.inventory()?;
        // As they were given, wherever they were found.
        for (record, source) in inventory.sources.iter_mut().zip(sources) {
            record.source = source.to_string();
        }
        Ok(Self { inventory, platform: Platform { workers, ..platform } })
    }

    /// Returns a warning where the first `sources` look like splits.
    pub(super) fn split_warning(&self, sources: usize) -> Option<String> {
        split_folders::warning(&self.inventory, sources)
    }

    /// Returns what this worker tells the others.
    pub(super) fn greeting(&self, config: &Config) -> Greeting {
        Greeting::new(config, &self.inventory, &self.platform)
    }

    /// Writes the manifest of a run that begins.
    pub(super) fn begin(self, run: &RunFolder, held_out: usize) -> Result<(), TrainError> {
        Ok(RunManifest::begin(run, &self.inventory, held_out, self.platform)?)
    }

    /// Checks that the images are those of the run, and returns warnings where it
    /// goes on with something else than it began with.
    pub(super) fn resume(
        &self,
        run: &RunFolder,
        held_out: usize,
        step: u64,
    ) -> Result<Vec<String>, TrainError> {
        let platform = self.platform.clone();
        let Resumption { differences, mut warnings } =
            RunManifest::resume(run, &self.inventory, held_out, step, platform)?;
        if !differences.is_empty() {
            warnings.push(format!(
                "since the run began, {}; its weights may end with other last bits than without \
                 that",
                differences.join(", ")
            ));
        }
        Ok(warnings)
    }
}
