//! Sessions: the images that an animal saw and the responses of its neurons.

mod error;
mod sensorium;
mod session;
mod synthetic;

use std::{ffi::OsStr, fmt, path::PathBuf, str::FromStr};

pub use error::DataError;
pub use session::{Excluded, Repeated, Session, Tier, Trial, Truth};
pub use synthetic::{Simulation, TEST_REPEATS};

/// Where a session comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PopulationSource {
    /// A folder of recordings as \[Sensorium\] and \[Lurz\] publish them.
    Folder(PathBuf),
    /// A simulated animal: `synthetic-population:NEURONS:IMAGES:SEED`.
    Synthetic(Simulation),
}

/// The text names no session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no simulated animal; write synthetic-population:NEURONS:IMAGES:SEED, of 1 to 20000 \
     neurons and 40 to 100000 images"
)]
pub struct UnknownPopulation(String);

/// How the command line calls a simulated animal.
const SYNTHETIC: &str = "synthetic-population";

impl PopulationSource {
    /// Takes the name of a source as a system gives it.
    ///
    /// # Errors
    ///
    /// When the numbers of a simulated animal are none.
    pub fn from_os(name: &OsStr) -> Result<Self, UnknownPopulation> {
        name.to_str().map_or_else(|| Ok(Self::Folder(name.into())), str::parse)
    }

    /// Reads or simulates the session.
    ///
    /// # Errors
    ///
    /// When a file of the folder is missing, damaged or does not fit the others.
    pub fn open(&self) -> Result<Session, DataError> {
        match self {
            Self::Folder(folder) => sensorium::read(folder),
            Self::Synthetic(simulation) => Ok(simulation.session()),
        }
    }
}

impl FromStr for PopulationSource {
    type Err = UnknownPopulation;

    fn from_str(text: &str) -> Result<Self, UnknownPopulation> {
        let Some(numbers) = text.strip_prefix(SYNTHETIC) else {
            return Ok(Self::Folder(text.into()));
        };
        let unknown = || UnknownPopulation(text.to_owned());
        let mut numbers = numbers.strip_prefix(':').ok_or_else(unknown)?.split(':');
        let mut next = || numbers.next()?.parse::<u64>().ok();
        let simulation = next().zip(next()).zip(next());
        let ((neurons, images), seed) = simulation.ok_or_else(unknown)?;
        let fits = (1..=20_000).contains(&neurons) && (40..=100_000).contains(&images);
        if !fits || numbers.next().is_some() {
            return Err(unknown());
        }
        let count = |number: u64| usize::try_from(number).map_err(|_| unknown());
        Ok(Self::Synthetic(Simulation { neurons: count(neurons)?, images: count(images)?, seed }))
    }
}

impl fmt::Display for PopulationSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Synthetic(Simulation { neurons, images, seed }) => {
                write!(f, "{SYNTHETIC}:{neurons}:{images}:{seed}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_written_as_they_are_read() {
        for text in ["synthetic-population:100:400:7", "recordings/mouse1"] {
            let source: PopulationSource = text.parse().expect("a source");
            assert_eq!(source.to_string(), text);
        }
        for wrong in ["", ":1:400", ":100:400:7:8", ":0:400:1", ":100:39:1", ":x:400:1"] {
            let text = format!("synthetic-population{wrong}");
            assert!(text.parse::<PopulationSource>().is_err(), "{text}");
        }
    }
}
