//! What a user should know of a quantised model that works but may disappoint.

use std::fmt;

use super::{Calibration, QuantisedModel, material::Material};
use lcl_artefacts::{compare::TapAgreement, integer_features::AREAS};
use lcl_infer::Name;

/// A channel's signal to quantisation noise below which it is named, in dB: an
/// error of a tenth of the signal.
pub const LEAST_CHANNEL_SQNR_DB: f64 = 20.0;

/// Calibration images below which ranges are guesses.
pub const FEW_IMAGES: usize = 16;

/// Channels that are named in one line; the others are counted.
const NAMED_CHANNELS: usize = 8;

/// What may make features of a blob worse than they need be. Displayed it says
/// what to do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Concern {
    /// The calibration images say little.
    Material(Material),
    /// Channels of which no input makes a byte but 0.
    Dead {
        /// The area.
        area: Name,
        /// Their numbers.
        channels: Vec<usize>,
    },
    /// Channels that no calibration image makes active.
    Silent {
        /// The area.
        area: Name,
        /// Their numbers.
        channels: Vec<usize>,
    },
    /// Channels with an SQNR below [`LEAST_CHANNEL_SQNR_DB`].
    Noisy {
        /// The area.
        area: Name,
        /// Their numbers and SQNR in dB, the least first.
        channels: Vec<(usize, f64)>,
    },
}

/// Returns what is of concern about a model, of which `agreement` are the
/// features of both areas with the float ones on images that it was compared
/// on.
#[must_use]
pub fn concerns(
    calibration: &Calibration,
    model: &QuantisedModel,
    agreement: &[TapAgreement; 2],
) -> Vec<Concern> {
    let mut concerns = Vec::new();
    if calibration.material.says_little(calibration.architecture.input()) {
        concerns.push(Concern::Material(calibration.material.clone()));
    }
    for (area, agreement) in AREAS.into_iter().zip(agreement) {
        // The last convolution in front of a tap says which of its channels are active.
        let upto = model.architecture.up_to(area).map_or(0, |upto| upto.convolutions().count());
        let Some(quantised) = model.convolutions[..upto].last() else { continue };
        let silent = |dead: bool| -> Vec<usize> {
            let silent = quantised.silent.iter().filter(|silent| silent.dead == dead);
            silent.map(|silent| silent.channel).collect()
        };
        let (dead, silent) = (silent(true), silent(false));
        let is_silent = |channel: usize| dead.contains(&channel) || silent.contains(&channel);
        let channels = agreement.channels.iter().map(|channel| channel.sqnr_db).enumerate();
        let mut noisy: Vec<(usize, f64)> = channels
            .filter(|&(channel, sqnr_db)| sqnr_db < LEAST_CHANNEL_SQNR_DB && !is_silent(channel))
            .collect();
        noisy.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        if !dead.is_empty() {
            concerns.push(Concern::Dead { area, channels: dead });
        }
        if !silent.is_empty() {
            concerns.push(Concern::Silent { area, channels: silent });
        }
        if !noisy.is_empty() {
            concerns.push(Concern::Noisy { area, channels: noisy });
        }
    }
    concerns
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Material(material) => material.fmt(f),
            Self::Dead { area, channels } => write!(
                f,
                "{area}: {} can never be active: each byte is 0. The checkpoint's weights make \
                 it so, and other calibration images change nothing; the other channels lose \
                 nothing by it",
                named(channels)
            ),
            Self::Silent { area, channels } => write!(
                f,
                "{area}: no calibration image makes {} active, so the range is a guess; \
                 quantise with more images like those that the model will see",
                named(channels)
            ),
            Self::Noisy { area, channels } => {
                let numbers: Vec<usize> = channels.iter().map(|(channel, _)| *channel).collect();
                let least = channels.first().map_or(f64::NAN, |(_, sqnr_db)| *sqnr_db);
                write!(
                    f,
                    "{area}: {} below {LEAST_CHANNEL_SQNR_DB} dB SQNR on the images compared, \
                     down to {least:.1} dB; quantise with more images like those that the model \
                     will see, and if that does not help, train on or leave such channels out",
                    named(&numbers)
                )
            }
        }
    }
}

/// Returns `channel 7`, or `3 channels (1, 4, 7)`, of which the first are named.
fn named(channels: &[usize]) -> String {
    if let [channel] = channels {
        return format!("channel {channel}");
    }
    let numbers: Vec<String> =
        channels.iter().take(NAMED_CHANNELS).map(ToString::to_string).collect();
    let more = channels.len().saturating_sub(NAMED_CHANNELS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{} channels ({}{more})", channels.len(), numbers.join(", "))
}

#[cfg(test)]
mod tests {
    use lcl_infer::V2;

    use super::*;

    #[test]
    fn channels_are_named_and_the_rest_is_counted() {
        assert_eq!(named(&[3]), "channel 3");
        assert_eq!(named(&[3, 5]), "2 channels (3, 5)");
        let many: Vec<usize> = (0..10).collect();
        assert_eq!(named(&many), "10 channels (0, 1, 2, 3, 4, 5, 6, 7 and 2 more)");
        let noisy = Concern::Noisy { area: V2, channels: vec![(9, 3.25), (1, 12.0)] };
        let text = noisy.to_string();
        assert!(text.starts_with("V2: 2 channels (9, 1) below 20 dB SQNR"), "{text}");
        assert!(text.contains("down to 3.2 dB"), "{text}");
    }
}
