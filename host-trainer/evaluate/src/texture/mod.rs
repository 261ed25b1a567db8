//! Texture modulation: how much more a model responds to a texture than to
//! noise with the same spectrum, which distinguishes V2 from V1 (Freeman,
//! Ziemba, Heeger, Simoncelli and Movshon 2013, \[Freeman\]; \[LCL\] section 3.2
//! and A.3.3).
//!
//! Start with [`Stimuli`] for the images, [`modulation_of`] for the evaluation
//! and [`TextureModulation`] for what it finds. [`make_noise`] makes the noise
//! where a set of textures has none.

mod against;
mod bootstrap;
mod difference;
mod error;
mod evaluation;
mod modulation;
mod noise_set;
mod page;
mod phase_noise;
mod ranking;
mod responses;
mod result;
mod stimuli;
#[cfg(test)]
mod tests;

pub use against::{Against, AgainstError, Comparison};
pub use bootstrap::{Interval, percentile_interval};
pub use difference::Difference;
pub use error::TextureError;
pub use evaluation::{Options, modulation_of, modulation_of_model};
pub use modulation::{AreaModulation, Intervals, modulation_index};
pub use noise_set::{NoiseSet, make_noise};
pub use phase_noise::{PhaseNoise, phase_noise};
pub use ranking::{FisherTest, RankCorrelation, Ranking, RankingError};
pub use responses::{Responses, Units};
pub use result::TextureModulation;
pub use stimuli::{Excluded, Family, Stimuli};
