//! The modulation index.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Comparison, Interval, RankCorrelation, Responses,
    bootstrap::{Drawn, percentile_interval},
};
use lcl_numerics::statistics::mean;

/// Texture modulation of one area.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AreaModulation {
    /// Mean over families of the mean index over units.
    pub r_mod_mean: f64,
    /// Bootstrap intervals of that mean.
    pub r_mod_mean_interval: Intervals,
    /// Mean index over units, by family; families to which no unit responds are
    /// left out.
    pub r_mod_by_family: BTreeMap<String, f64>,
    /// Mean index over families, by unit, `None` for a silent one; the channels
    /// of a location are neighbours.
    pub r_mod_by_unit: Vec<Option<f64>>,
    /// Units that respond to no image at all.
    pub silent_units: usize,
    /// Pairs of unit and family without a response to either kind, those of
    /// silent units included; they have no index and are left out of all means.
    pub silent_pairs: usize,
    /// Agreement of the families' order with a ranking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ranking: Option<RankCorrelation>,
    /// The other model or the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Comparison>,
}

/// 95 % percentile bootstrap intervals of the mean index.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Intervals {
    /// Families drawn again, all units kept: what other textures would give.
    pub over_families: Interval,
    /// Channels drawn again, all families kept: what other channels would give.
    pub over_channels: Interval,
}

/// Returns the modulation index `R = (texture - noise) / (texture + noise)` of
/// two mean responses, `None` where both are 0 (\[Freeman\], \[LCL\] section 3.2).
///
/// In `[-1, 1]` for responses that are not negative. The ratio of means over
/// few samples is not biased in its sign, but what differs between samples by
/// chance spreads the indices of weakly responding units: a distribution over
/// units is wider than that of their true indices.
#[must_use]
pub fn modulation_index(texture: f64, noise: f64) -> Option<f64> {
    let sum = texture + noise;
    (sum != 0.0).then(|| (texture - noise) / sum)
}

impl AreaModulation {
    /// Computes the indices of all units and families.
    ///
    /// `seed` is that of the bootstrap.
    #[must_use]
    pub fn new(families: &[String], responses: &Responses, seed: u64, area: u64) -> Self {
        let units = responses.texture.first().map_or(0, Vec::len);
        let mut of_units = vec![Mean::default(); units];
        let mut r_mod_by_family = BTreeMap::new();
        for (family, (texture, noise)) in
            families.iter().zip(responses.texture.iter().zip(&responses.noise))
        {
            let mut of_family = Mean::default();
            for ((&texture, &noise), unit) in texture.iter().zip(noise).zip(&mut of_units) {
                let index = modulation_index(texture, noise);
                of_family.add(index);
                unit.add(index);
            }
            r_mod_by_family.extend(of_family.get().map(|mean| (family.clone(), mean)));
        }
        let with_index: usize = of_units.iter().map(|unit| unit.count).sum();
        let by_family: Vec<f64> = r_mod_by_family.values().copied().collect();
        let r_mod_by_unit: Vec<Option<f64>> = of_units.iter().map(Mean::get).collect();
        let by_channel = means_of_channels(&r_mod_by_unit, responses.channels);
        let interval = |values: &[f64], drawn| percentile_interval(values, seed, [area, drawn]);
        Self {
            r_mod_mean: mean(&by_family).unwrap_or(0.0),
            r_mod_mean_interval: Intervals {
                over_families: interval(&by_family, Drawn::Families as u64),
                over_channels: interval(&by_channel, Drawn::Channels as u64),
            },
            r_mod_by_family,
            silent_units: r_mod_by_unit.iter().filter(|index| index.is_none()).count(),
            silent_pairs: units * families.len() - with_index,
            r_mod_by_unit,
            ranking: None,
            against: None,
        }
    }
}

impl AreaModulation {
    /// Returns the mean indices of the units that respond.
    #[must_use]
    pub fn responding(&self) -> Vec<f64> {
        self.r_mod_by_unit.iter().copied().flatten().collect()
    }
}

/// A mean of the values that are there.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += value;
            self.count += 1;
        }
    }

    fn get(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// Returns the means of channels over those of their locations that respond.
fn means_of_channels(by_unit: &[Option<f64>], channels: usize) -> Vec<f64> {
    let mut means = vec![Mean::default(); channels.min(by_unit.len())];
    for location in by_unit.chunks_exact(channels.max(1)) {
        for (mean, value) in means.iter_mut().zip(location) {
            mean.add(*value);
        }
    }
    means.iter().filter_map(Mean::get).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of a few operations on numbers around 1.
    const ROUNDING: f64 = 1e-12;

    #[track_caller]
    fn near(got: f64, expected: f64) {
        assert!((got - expected).abs() < ROUNDING, "{got} {expected}");
    }

    #[test]
    fn indices_by_hand() {
        assert_eq!(modulation_index(3.0, 1.0), Some(0.5));
        assert_eq!(modulation_index(0.0, 2.0), Some(-1.0));
        assert_eq!(modulation_index(0.0, 0.0), None);
    }

    #[test]
    fn means_are_over_the_units_that_respond() {
        let responses = Responses {
            channels: 3,
            texture: vec![vec![3.0, 1.0, 0.0], vec![1.0, 0.0, 0.0]],
            noise: vec![vec![1.0, 1.0, 0.0], vec![3.0, 0.0, 0.0]],
        };
        let families = ["a".to_owned(), "b".to_owned()];
        let found = AreaModulation::new(&families, &responses, 0, 0);
        // The second unit is silent for b, the third for both.
        near(found.r_mod_by_family["a"], 0.5 / 2.0);
        near(found.r_mod_by_family["b"], -0.5);
        near(found.r_mod_mean, -0.125);
        assert_eq!(found.r_mod_by_unit, [Some(0.0), Some(0.0), None]);
        assert_eq!((found.silent_units, found.silent_pairs), (1, 3));
        // One of two families drawn twice is as far as the mean can go.
        let Interval { low, high, .. } = found.r_mod_mean_interval.over_families;
        near(low, -0.5);
        near(high, 0.25);
    }

    #[test]
    fn channels_are_means_of_their_locations() {
        let units = [Some(1.0), Some(2.0), Some(3.0), None];
        assert_eq!(means_of_channels(&units, 2), [2.0, 2.0]);
        assert_eq!(means_of_channels(&[None, Some(1.0), None, Some(2.0)], 2), [1.5]);
        assert_eq!(means_of_channels(&[], 2), [0.0_f64; 0]);
    }
}
