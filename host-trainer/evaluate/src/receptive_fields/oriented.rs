//! How many filters of V1 are oriented, for the report of a run.

use rayon::prelude::*;
use serde::Serialize;

use super::{Filter, Filters, Rule, fit_gabor};
use lcl_artefacts::checkpoint::Checkpoint;
use lcl_numerics::statistics::median;

/// How many filters of V1 a Gabor function fits well, by the bounded fit of
/// [`fit_gabor`] to what they do to grey. White noise passes with none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Oriented {
    /// Filters.
    pub filters: usize,
    /// Filters of which the fit explains at least half of the variance, as
    /// [`Rule::default`] says.
    pub oriented: usize,
    /// Median share of explained variance over all filters; 0 for a filter
    /// without contrast.
    pub r2_median: Option<f64>,
}

impl Oriented {
    /// Fits the filters of a checkpoint; takes about a second.
    #[must_use]
    pub fn of(checkpoint: &Checkpoint) -> Self {
        Self::of_filters(&Filters::of_checkpoint(checkpoint))
    }

    fn of_filters(filters: &Filters) -> Self {
        let all: Vec<Filter<'_>> = filters.iter().collect();
        let r2 = |filter: &Filter<'_>| {
            fit_gabor(&filter.grey(), filters.kernel()).map_or(0.0, |fit| fit.r2)
        };
        let r2: Vec<f64> = all.par_iter().map(r2).collect();
        let least = Rule::default().least_r2;
        let oriented = r2.iter().filter(|&&r2| r2 >= least).count();
        Self { filters: r2.len(), oriented, r2_median: median(&r2) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receptive_fields::Gabor;
    use lcl_artefacts::checkpoint::{InputConfig, ModelConfig};

    #[test]
    fn gabors_are_oriented_and_random_weights_are_not() {
        let initial = Checkpoint::initial(ModelConfig::default(), InputConfig::default(), 1);
        let found = Oriented::of(&initial);
        assert_eq!((found.filters, found.oriented), (64, 0));
        assert!(found.r2_median.is_some_and(|r2| r2 > 0.05 && r2 < 0.3), "{found:?}");

        let mut weights = Vec::new();
        for at in 0..10 {
            let gabor = Gabor {
                x: 5.0,
                y: 5.0,
                orientation_deg: 18.0 * f64::from(at),
                cycles_per_pixel: 0.15,
                sigma_x: 2.0,
                sigma_y: 2.5,
                phase_deg: 30.0,
                amplitude: 0.1,
            };
            weights.extend(gabor.values(11));
        }
        weights.extend([0.0; 121]);
        let filters = Filters::from_weights(11, 1, weights).expect("whole");
        let found = Oriented::of_filters(&filters);
        assert_eq!((found.filters, found.oriented), (11, 10));
        assert!(found.r2_median.is_some_and(|r2| r2 > 0.999), "{found:?}");
    }
}
