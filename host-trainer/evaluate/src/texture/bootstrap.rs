//! Intervals by drawing again.

use rand::Rng;
use serde::Serialize;

use lcl_artefacts::random::{Purpose, stream};
use lcl_numerics::statistics::{mean, quantile};

/// Times that the values are drawn again.
const RESAMPLES: usize = 2000;

/// Share of the resamples within an interval.
const LEVEL: f64 = 0.95;

/// What is drawn again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Drawn {
    Families = 1,
    Channels = 2,
}

/// An interval of a mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Share of the resampled means within it.
    pub level: f64,
    /// Number of resampled means.
    pub resamples: usize,
}

/// Returns the percentile bootstrap interval (Efron 1979) of the mean of
/// `values`: as many are drawn with replacement, 2,000 times, and the interval
/// holds the middle 95 % of their means. It is as deterministic as `seed` and
/// `key`.
///
/// It is too narrow for few values, about `√((n - 1) / n)` of what it should be,
/// and takes the values as independent.
#[must_use]
pub fn percentile_interval(values: &[f64], seed: u64, key: [u64; 2]) -> Interval {
    let mut rng = stream(seed, Purpose::Bootstrap, key);
    let mut draw = || {
        let drawn = values.iter().map(|_| values[rng.random_range(0..values.len())]);
        mean(&drawn.collect::<Vec<_>>()).unwrap_or(0.0)
    };
    let means: Vec<f64> = (0..RESAMPLES).map(|_| draw()).collect();
    let at = |share: f64| quantile(&means, share).unwrap_or(0.0);
    let outside = (1.0 - LEVEL) / 2.0;
    Interval { low: at(outside), high: at(1.0 - outside), level: LEVEL, resamples: RESAMPLES }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ends of an interval of 2,000 resamples vary by a few per cent of its
    /// width; this is 15 % of half of it.
    const SPREAD: f64 = 0.015;

    #[test]
    fn an_interval_of_many_values_is_that_of_the_normal_distribution() {
        // 0 and 1 in equal numbers: deviation 1/2, standard error 1/20.
        let values: Vec<f64> = (0..100).map(|index| f64::from(index % 2)).collect();
        let found = percentile_interval(&values, 7, [0, 0]);
        assert!((found.low - (0.5 - 1.96 * 0.05)).abs() < SPREAD, "{found:?}");
        assert!((found.high - (0.5 + 1.96 * 0.05)).abs() < SPREAD, "{found:?}");
        assert_eq!(found, percentile_interval(&values, 7, [0, 0]));
        assert_ne!(found, percentile_interval(&values, 8, [0, 0]));
    }

    #[test]
    fn one_value_is_its_own_interval() {
        for (values, expected) in [(&[0.25][..], 0.25), (&[], 0.0)] {
            let Interval { low, high, .. } = percentile_interval(values, 0, [0, 0]);
            assert!(low.total_cmp(&expected).is_eq() && high.total_cmp(&expected).is_eq());
        }
    }
}
