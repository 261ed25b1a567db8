//! What the workers keep in the store, by name.

/// What rank 0 alone can read of a run that goes on, and tells the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The configuration, TOML.
    Configuration,
    /// The fingerprint of the images, so that all list them in the same order.
    Images,
    /// Where the images were.
    Places,
    /// The step at which it goes on.
    Start,
}

impl Told {
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Configuration => "lcl/config",
            Self::Images => "lcl/images",
            Self::Places => "lcl/places",
            Self::Start => "lcl/start",
        }
    }
}

/// What ended the run.
pub(super) const FAILURE: &str = "lcl/failure";

/// How many wanted to say what ended it; the first one says it.
pub(super) const FIRST: &str = "lcl/first";

/// Workers that know how the run ended.
pub(super) const DONE: &str = "lcl/done";

/// What rank 0 thinks of the greetings.
pub(super) const WELCOME: &str = "lcl/welcome";

/// How many workers the run has, which rank 0 says first.
pub(super) const SIZE: &str = "lcl/size";

/// How often a rank was taken.
pub(super) fn taken(rank: usize) -> String {
    format!("lcl/taken/{rank}")
}

/// What a worker says of itself.
pub(super) fn greeting(rank: usize) -> String {
    format!("lcl/greeting/{rank}")
}

/// A worker's signs of life so far.
pub(super) fn pulse(rank: usize) -> String {
    format!("lcl/pulse/{rank}")
}

/// The step that a worker is at.
pub(super) fn step(rank: usize) -> String {
    format!("lcl/step/{rank}")
}

/// That rank 0 is done with the validation before a step.
pub(super) fn validated(step: u64) -> String {
    format!("lcl/validated/{step}")
}
