//! Responses of units to textures and noise, averaged over samples.

use std::{fmt, str::FromStr};

use image::RgbImage;
use rayon::prelude::*;
use serde::Serialize;

use super::{Stimuli, TextureError};
use crate::{EvaluatedModelError, Progress};
use lcl_artefacts::feature_map::FeatureMap;
use lcl_images::{DecodeError, fit};

/// Images that go through a model at a time.
const BATCH: usize = 16;

/// The two areas, in the order of the stages.
const AREAS: [&str; 2] = ["V1", "V2"];

/// What counts as a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Units {
    /// A channel, averaged over space.
    #[default]
    Channel,
    /// Each location of each channel.
    Location,
}

/// The text names no kind of unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown unit {0:?}; a unit is a channel or a location")]
pub struct UnknownUnits(String);

impl FromStr for Units {
    type Err = UnknownUnits;

    fn from_str(text: &str) -> Result<Self, UnknownUnits> {
        match text {
            "channel" => Ok(Self::Channel),
            "location" => Ok(Self::Location),
            _ => Err(UnknownUnits(text.to_owned())),
        }
    }
}

impl fmt::Display for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Channel => "channel",
            Self::Location => "location",
        })
    }
}

/// Mean responses of one area, `[families][units]`; the channels of a location
/// are neighbours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Responses {
    /// Channels of the area; a unit `u` is of channel `u % channels`.
    pub channels: usize,
    /// Responses to textures, averaged over samples.
    pub texture: Vec<Vec<f64>>,
    /// Responses to noise, averaged over samples.
    pub noise: Vec<Vec<f64>>,
}

/// Computes the mean responses of V1 and V2. `features` turns images of
/// `side`×`side` pixels into features of both, `[N, H, W, C]`; no more than a
/// batch of them is held at a time.
///
/// Returns them with the number of images that were resized.
///
/// # Errors
///
/// When an image cannot be read, or the features cannot be computed or are not
/// finite.
pub(super) fn responses(
    stimuli: &Stimuli,
    side: u32,
    units: Units,
    mut features: impl FnMut(&[RgbImage]) -> Result<[FeatureMap; 2], EvaluatedModelError>,
    progress: &mut dyn Progress,
) -> Result<([Responses; 2], usize), TextureError> {
    let empty = || {
        let families = stimuli.families.len();
        let none = vec![Vec::new(); families];
        Responses { channels: 0, texture: none.clone(), noise: none }
    };
    let mut areas = [empty(), empty()];
    let mut resized = 0;
    let places: Vec<(usize, bool, usize)> = stimuli
        .families
        .iter()
        .enumerate()
        .flat_map(|(family, of)| {
            let both =
                |&[texture, noise]: &[usize; 2]| [(family, true, texture), (family, false, noise)];
            of.samples.iter().flat_map(both).collect::<Vec<_>>()
        })
        .collect();
    progress.begin("textures and noise", places.len());
    for batch in places.chunks(BATCH) {
        let images: Vec<(RgbImage, bool)> = batch
            .par_iter()
            .map(|&(_, _, index)| {
                let image = stimuli.images.load(index)?;
                let other = image.dimensions() != (side, side);
                Ok((fit(image, side), other))
            })
            .collect::<Result<_, DecodeError>>()?;
        resized += images.iter().filter(|(_, other)| *other).count();
        let images: Vec<RgbImage> = images.into_iter().map(|(image, _)| image).collect();
        let maps = features(&images)?;
        for ((area, map), name) in areas.iter_mut().zip(&maps).zip(AREAS) {
            if map.n != batch.len() {
                return Err(TextureError::Features { expected: batch.len(), got: map.n });
            }
            area.channels = map.c;
            for (&(family, is_texture, index), values) in batch.iter().zip(map.images()) {
                if values.iter().any(|value| !value.is_finite()) {
                    let image = stimuli.images.name(index).into_owned();
                    return Err(TextureError::NotFinite { area: name, image });
                }
                let sums = if is_texture { &mut area.texture } else { &mut area.noise };
                let samples = stimuli.families[family].samples.len() as f64;
                add(&mut sums[family], values, map.c, units, samples);
            }
        }
        progress.advance(batch.len());
    }
    Ok((areas, resized))
}

/// Adds the share of one image, `[H, W, C]`, to the mean over `samples` images.
fn add(sums: &mut Vec<f64>, values: &[f32], channels: usize, units: Units, samples: f64) {
    let (count, share) = match units {
        Units::Channel => (channels, samples * (values.len() / channels.max(1)) as f64),
        Units::Location => (values.len(), samples),
    };
    sums.resize(count, 0.0);
    for location in values.chunks_exact(count.max(1)) {
        for (sum, value) in sums.iter_mut().zip(location) {
            *sum += f64::from(*value) / share;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_channels_or_locations() {
        // Two locations of two channels.
        let values = [1.0, 10.0, 3.0, 30.0];
        let mut channels = Vec::new();
        add(&mut channels, &values, 2, Units::Channel, 2.0);
        add(&mut channels, &values, 2, Units::Channel, 2.0);
        assert_eq!(channels, [2.0, 20.0]);
        let mut locations = Vec::new();
        add(&mut locations, &values, 2, Units::Location, 1.0);
        assert_eq!(locations, [1.0, 10.0, 3.0, 30.0]);
        assert_eq!("location".parse(), Ok(Units::Location));
        assert!("neuron".parse::<Units>().is_err_and(|e| e.to_string().contains("channel")));
    }
}
