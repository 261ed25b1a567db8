//! V2 beside V1, in one model and in two.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Interval,
    bootstrap::{Drawn, percentile_interval},
};
use lcl_numerics::statistics::mean;

/// What the interval of V2 − V1 has for its area.
const BOTH: u64 = 3;

/// What that of the gain over another model has.
const GAIN: u64 = 4;

/// Means over units compared family by family.
///
/// Families are paired, so that what is common to both sides cancels; a family
/// that either misses takes no part. With few families the interval is somewhat
/// too narrow.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Mean difference over families.
    pub mean: f64,
    /// Its interval over families drawn again.
    pub over_families: Interval,
    /// Families in which the difference is above 0.
    pub larger: usize,
    /// Families.
    pub families: usize,
}

impl Difference {
    /// Returns how much more V2 is modulated than V1, `R(V2) - R(V1)`, from the
    /// families of both; `seed` is that of the bootstrap.
    pub(super) fn between(areas: [&BTreeMap<String, f64>; 2], seed: u64) -> Self {
        Self::of(&values(&differences(areas)), BOTH, seed)
    }

    /// Returns by how much V2 − V1 is larger in one model than in another: the
    /// claim of \[LCL\], with `theirs` of the untrained network.
    pub(super) fn gain(
        ours: [&BTreeMap<String, f64>; 2],
        theirs: [&BTreeMap<String, f64>; 2],
        seed: u64,
    ) -> Self {
        let both = [&differences(theirs), &differences(ours)];
        Self::of(&values(&differences(both)), GAIN, seed)
    }

    fn of(differences: &[f64], interval: u64, seed: u64) -> Self {
        let key = [interval, Drawn::Families as u64];
        Self {
            mean: mean(differences).unwrap_or(0.0),
            over_families: percentile_interval(differences, seed, key),
            larger: differences.iter().filter(|difference| **difference > 0.0).count(),
            families: differences.len(),
        }
    }
}

fn values(of: &BTreeMap<String, f64>) -> Vec<f64> {
    of.values().copied().collect()
}

/// Returns the second minus the first, of the families that both have.
fn differences([first, second]: [&BTreeMap<String, f64>; 2]) -> BTreeMap<String, f64> {
    let pair =
        |(family, value): (&String, &f64)| Some((family.clone(), value - first.get(family)?));
    second.iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families(values: &[(&str, f64)]) -> BTreeMap<String, f64> {
        values.iter().map(|(family, value)| ((*family).to_owned(), *value)).collect()
    }

    #[test]
    fn families_are_paired_by_name() {
        let v1 = families(&[("a", 0.25), ("b", 0.5), ("only here", 1.0)]);
        let v2 = families(&[("a", 0.5), ("b", 0.25), ("c", 1.0)]);
        let found = Difference::between([&v1, &v2], 0);
        assert_eq!((found.mean, found.larger, found.families), (0.0, 1, 2));
    }

    #[test]
    fn a_gain_takes_off_what_the_other_model_has() {
        let zero = families(&[("a", 0.0), ("b", 0.0), ("c", 0.0)]);
        let ours = families(&[("a", 0.75), ("b", 0.5), ("c", 0.25)]);
        let theirs = families(&[("a", 0.25), ("b", 0.25), ("d", 9.0)]);
        let found = Difference::gain(
            [&zero, &ours],
            [&families(&[("a", 0.0), ("b", 0.0), ("d", 0.0)]), &theirs],
            0,
        );
        assert_eq!((found.mean, found.larger, found.families), (0.375, 2, 2));
        // One of two families drawn twice is as far as the mean can go.
        assert_eq!((found.over_families.low, found.over_families.high), (0.25, 0.5));
        let none = Difference::gain([&zero, &ours], [&zero, &families(&[])], 0);
        assert_eq!((none.mean, none.families), (0.0, 0));
    }
}
