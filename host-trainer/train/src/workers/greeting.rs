//! What all workers of a run must have in common.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use lcl_artefacts::fields::differences;
use lcl_images::{Inventory, Source};
use lcl_run::{config::Config, run::Platform};

/// What a worker says of itself before the run starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// Versions and the blob contract, by name.
    platform: BTreeMap<String, String>,
    /// The configuration, field by field; where it computes is its own business.
    config: BTreeMap<String, String>,
    /// How many images it found.
    images: usize,
    /// CRC-32 of what is known of them.
    fingerprint: String,
}

impl Greeting {
    /// Creates what a worker says that trains as `config` says on the images of
    /// `inventory`.
    #[must_use]
    pub fn new(config: &Config, inventory: &Inventory, platform: &Platform) -> Self {
        let Platform { lcl, libtorch, contract, blob_format, .. } = platform;
        let platform = [
            ("the version of lcl", lcl.clone()),
            ("the version of libtorch", libtorch.clone()),
            ("the blob contract", contract.clone()),
            ("the blob format", blob_format.to_string()),
        ];
        let platform = platform.map(|(name, value)| (name.to_owned(), value)).into();
        let mut config = config.clone();
        config.training.device = Config::default().training.device;
        config.training.threads = Config::default().training.threads;
        // Where the images are, too: that they are the same, the fingerprint says.
        for source in config.data.sources.iter_mut().chain(&mut config.data.validation_sources) {
            if let Source::Path(path) = source {
                *path = "images".into();
            }
        }
        config.training.init = None;
        Self {
            platform,
            config: config.fields(),
            images: inventory.sources.iter().map(|source| source.images).sum(),
            fingerprint: inventory.fingerprint(),
        }
    }

    /// Says in what this differs from the greeting of rank 0, as the end of a
    /// sentence that begins with this worker's rank.
    pub(super) fn disagreement(&self, leader: &Self) -> Option<String> {
        let differing = |own: &BTreeMap<String, String>, leader: &BTreeMap<String, String>| {
            let differing: Vec<String> = differences(own, leader)
                .map(|(name, own, leader)| {
                    let [own, leader] = [own, leader].map(|value| value.unwrap_or("nothing"));
                    format!("{name} is {own}, that of rank 0 {leader}")
                })
                .collect();
            (!differing.is_empty()).then(|| differing.join(", "))
        };
        if let Some(versions) = differing(&self.platform, &leader.platform) {
            return Some(format!("is another program: {versions}"));
        }
        if let Some(fields) = differing(&self.config, &leader.config) {
            return Some(format!("has another configuration: {fields}"));
        }
        if self.images != leader.images {
            let (own, leader) = (self.images, leader.images);
            return Some(format!("has other images: {own}, rank 0 has {leader}"));
        }
        (self.fingerprint != leader.fingerprint).then(|| {
            let names = "as many as rank 0, but with other names or sizes";
            format!("has other images: {names}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lcl_images::ImageSet;

    fn greeting(images: usize, change: impl Fn(&mut Config, &mut Platform)) -> Greeting {
        let mut config = Config::default();
        let mut platform = Platform::here("2.11.0", "cpu".to_owned(), 1);
        change(&mut config, &mut platform);
        let set = ImageSet::open(&[Source::Synthetic { images, seed: 0 }]).expect("images");
        Greeting::new(&config, &set.inventory().expect("an inventory"), &platform)
    }

    #[test]
    fn what_differs_is_named_and_the_device_may() {
        let leader = greeting(12, |_, _| {});
        let check = |other: Greeting, expected: Option<&str>| {
            let got = other.disagreement(&leader);
            match expected {
                None => assert_eq!(got, None),
                Some(part) => assert!(got.as_ref().is_some_and(|g| g.contains(part)), "{got:?}"),
            }
        };
        check(
            greeting(12, |config, platform| {
                config.training.device = "cpu".parse().expect("a device");
                platform.threads = 7;
            }),
            None,
        );
        check(
            greeting(12, |config, _| config.training.batch = 64),
            Some("training.batch is 64, that of rank 0 128"),
        );
        check(greeting(13, |_, _| {}), Some("13, rank 0 has 12"));
        check(
            greeting(12, |_, platform| "lcl.u8.v2".clone_into(&mut platform.contract)),
            Some("the blob contract is lcl.u8.v2, that of rank 0 lcl.u8.v1"),
        );
        check(
            greeting(12, |_, platform| "2.9.0".clone_into(&mut platform.libtorch)),
            Some("the version of libtorch is 2.9.0"),
        );
        let other = Greeting { fingerprint: "0".to_owned(), ..leader.clone() };
        check(other, Some("other names or sizes"));
    }
}
