//! V2 beside V1.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Interval,
    bootstrap::{Drawn, percentile_interval},
};
use crate::evaluate::statistics::mean;

/// What the interval has for its area.
const BOTH: u64 = 3;

/// How much more V2 is modulated than V1: means over units, family by family.
///
/// Families are paired, so that what is common to both areas cancels. With few
/// families the interval is somewhat too narrow.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Mean of `R(V2) - R(V1)` over families.
    pub mean: f64,
    /// Its interval over families drawn again.
    pub over_families: Interval,
    /// Families that are more modulated in V2.
    pub larger_in_v2: usize,
    /// Families.
    pub families: usize,
}

impl Difference {
    /// Compares the means of the families of both areas, which are the same
    /// families; `seed` is that of the bootstrap.
    pub(super) fn new(areas: [&BTreeMap<String, f64>; 2], seed: u64) -> Self {
        let pairs = areas[0].values().zip(areas[1].values());
        let differences: Vec<f64> = pairs.map(|(v1, v2)| v2 - v1).collect();
        let key = [BOTH, Drawn::Families as u64];
        Self {
            mean: mean(&differences).unwrap_or(0.0),
            over_families: percentile_interval(&differences, seed, key),
            larger_in_v2: differences.iter().filter(|difference| **difference > 0.0).count(),
            families: differences.len(),
        }
    }
}
