//! How well the features of one area predict responses.

use ndarray::{Array2, Axis};
use rayon::prelude::*;
use serde::Serialize;

use super::{error::NeuralError, pls::Pls, responses::correlation, splits::Split};
use lcl_numerics::statistics::{mean, median, standard_deviation};

/// A figure and its error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean over random splits.
    pub value: f64,
    /// The standard deviation over the splits over the root of their number,
    /// as \[Schrimpf2018\] reports it. Splits share their stimuli, so that it is
    /// smaller than the error of a new recording would be.
    pub error: f64,
}

impl Estimate {
    /// Returns the estimate of one figure a split, or nothing of none.
    #[must_use]
    pub fn of(splits: &[f64]) -> Option<Self> {
        let error = standard_deviation(splits, 0)? / (splits.len() as f64).sqrt();
        Some(Self { value: mean(splits)?, error })
    }
}

/// The reliability of the recorded neurons.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ceiling {
    /// The median over neurons, over halvings of the trials.
    pub median: Estimate,
    /// The mean over halvings for each neuron; null where it is undefined.
    pub by_neuron: Vec<f64>,
    /// Neurons whose ceiling is undefined or not positive: they are in the
    /// medians of r, and left out of what is normalised neuron by neuron.
    pub not_positive: usize,
}

impl Ceiling {
    /// Sums up reliabilities, `[halvings, neurons]`; nothing where no neuron has
    /// one.
    #[must_use]
    pub fn new(reliability: &Array2<f64>) -> Option<Self> {
        let by_neuron = column_means(reliability);
        let not_positive = by_neuron.iter().filter(|c| c.is_nan() || **c <= 0.0).count();
        let median = Estimate::of(&row_medians(reliability))?;
        Some(Self { median, by_neuron, not_positive })
    }
}

/// How well one area of a model predicts the neurons, by partial least squares
/// on held-out stimuli.
///
/// `r` is Pearson's correlation of predicted and measured responses over the
/// test stimuli of a split. It is biased downwards by noise in the
/// measurement, which a division by the ceiling `c` makes up for, and by the
/// finite number of stimuli for fitting, which nothing makes up for.
///
/// Where `r` is negative, its square counts as 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AreaScore {
    /// Features of an image.
    pub features: usize,
    /// The mean over splits of the median of r over neurons.
    pub r: Estimate,
    /// `c`, the median ceiling over neurons.
    pub ceiling: f64,
    /// `(r / c)²`: \[Schrimpf2018\] until January 2026. Null, as what follows,
    /// where `c` is not positive.
    pub r_over_c_squared: Estimate,
    /// `r² / c`: \[Schrimpf2018\] since.
    pub r_squared_over_c: Estimate,
    /// The median over neurons of `r² / c²`, each with its own ceiling, as
    /// \[LCL\] A.3.2 writes it.
    pub median_r_squared_over_c_squared: f64,
    /// The median over neurons of `r² / c`, each with its own ceiling.
    pub median_r_squared_over_c: f64,
    /// The mean of r over splits for each neuron; null where it is undefined in
    /// every split.
    pub r_by_neuron: Vec<f64>,
    /// Pairs of a neuron and a split without a correlation, because the
    /// responses to all test stimuli were equal.
    pub undefined_correlations: usize,
    /// Fewest components that a split found.
    pub fewest_components: usize,
    /// Components, of all splits, that took all iterations.
    pub unconverged_components: usize,
    /// What neurons like V1 and like V2 make of it, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quartiles: Option<Quartiles>,
}

/// Medians of `r² / c²` over the quarter of the neurons that `v1-steerpyr`
/// predicts best, and over the quarter that it predicts worst.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quartiles {
    /// Neurons in each quarter.
    pub neurons: usize,
    /// Those that V1 of `v1-steerpyr` predicts best.
    pub v1_like: f64,
    /// Those that it predicts worst.
    pub v2_like: f64,
}

/// What is the same for all areas of all models.
#[derive(Debug)]
pub(super) struct Experiment<'a> {
    /// Mean responses, `[stimuli, neurons]`.
    pub responses: &'a Array2<f64>,
    /// The ceilings of the neurons.
    pub ceiling: &'a Ceiling,
    /// The splits.
    pub splits: &'a [Split],
    /// The regression.
    pub pls: Pls,
}

impl Experiment<'_> {
    /// Scores an area of so many features by their inner products.
    pub fn score(
        &self,
        area: &'static str,
        gram: &Array2<f64>,
        features: usize,
    ) -> Result<AreaScore, NeuralError> {
        let components = self.pls.components;
        if features < components {
            return Err(NeuralError::FewFeatures { features, components });
        }
        let energy: f64 = gram.diag().sum();
        if !energy.is_normal() {
            return Err(NeuralError::NoFeatures { area });
        }
        let neurons = self.responses.ncols();
        let runs: Vec<_> = self.splits.par_iter().map(|split| self.run(gram, split)).collect();
        let correlations = runs.iter().flat_map(|run| run.correlations.iter().copied());
        let correlations = Array2::from_shape_vec((runs.len(), neurons), correlations.collect())
            .unwrap_or_default();
        let medians = row_medians(&correlations);
        let r = Estimate::of(&medians).ok_or(NeuralError::NoPrediction { area })?;
        let ceiling = self.ceiling.median.value;
        let r_by_neuron = column_means(&correlations);
        let normalised = |power: i32| {
            let pairs = r_by_neuron.iter().zip(&self.ceiling.by_neuron);
            let usable = pairs.filter(|(r, c)| !r.is_nan() && **c > 0.0);
            let values: Vec<f64> =
                usable.map(|(r, c)| r.max(0.0).powi(2) / c.powi(power)).collect();
            median(&values).unwrap_or(f64::NAN)
        };
        Ok(AreaScore {
            features,
            r,
            ceiling,
            r_over_c_squared: squared(r, &medians, ceiling, 2),
            r_squared_over_c: squared(r, &medians, ceiling, 1),
            median_r_squared_over_c_squared: normalised(2),
            median_r_squared_over_c: normalised(1),
            undefined_correlations: correlations.iter().filter(|r| r.is_nan()).count(),
            r_by_neuron,
            fewest_components: runs.iter().map(|run| run.components).min().unwrap_or(0),
            unconverged_components: runs.iter().map(|run| run.unconverged).sum(),
            quartiles: None,
        })
    }

    /// Returns the neurons in the quarters that an area predicts best and
    /// worst, or nothing of fewer than four neurons.
    pub fn quarters(&self, baseline: &AreaScore) -> Option<[Vec<usize>; 2]> {
        let explained = self.explained(baseline);
        let mut order: Vec<usize> =
            (0..explained.len()).filter(|&neuron| !explained[neuron].is_nan()).collect();
        order.sort_by(|&a, &b| explained[b].total_cmp(&explained[a]));
        let quarter = order.len() / 4;
        let worst = order.split_off(order.len() - quarter);
        order.truncate(quarter);
        (quarter > 0).then_some([order, worst])
    }

    /// Returns what an area explains of each quarter.
    pub fn quartiles(&self, score: &AreaScore, quarters: &[Vec<usize>; 2]) -> Quartiles {
        let explained = self.explained(score);
        let [v1_like, v2_like] = quarters.each_ref().map(|neurons| {
            let values = neurons.iter().map(|&neuron| explained[neuron]);
            let values: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
            median(&values).unwrap_or(f64::NAN)
        });
        Quartiles { neurons: quarters[0].len(), v1_like, v2_like }
    }

    /// Returns `r² / c²` of each neuron, NaN where it is undefined.
    fn explained(&self, score: &AreaScore) -> Vec<f64> {
        let pairs = score.r_by_neuron.iter().zip(&self.ceiling.by_neuron);
        pairs
            .map(|(&r, &c)| {
                if r.is_nan() || c.is_nan() || c <= 0.0 {
                    f64::NAN
                } else {
                    (r.max(0.0) / c).powi(2)
                }
            })
            .collect()
    }

    fn run(&self, gram: &Array2<f64>, split: &Split) -> Run {
        let predicted = self.pls.predict(gram, self.responses, &split.train, &split.test);
        let measured = self.responses.select(Axis(0), &split.test);
        let pairs = predicted.responses.columns().into_iter().zip(measured.columns());
        Run {
            correlations: pairs
                .map(|(predicted, measured)| correlation(predicted, measured))
                .collect(),
            components: predicted.components,
            unconverged: predicted.unconverged,
        }
    }
}

/// What one split gives.
struct Run {
    correlations: Vec<f64>,
    components: usize,
    unconverged: usize,
}

/// Returns `max(r, 0)² / ceiling^power` of the mean over splits, with the error
/// over them; NaN where the ceiling is not positive, which nothing can be divided
/// by.
fn squared(r: Estimate, splits: &[f64], ceiling: f64, power: i32) -> Estimate {
    if ceiling.is_nan() || ceiling <= 0.0 {
        return Estimate { value: f64::NAN, error: f64::NAN };
    }
    let by = ceiling.powi(power);
    let square = |r: f64| r.max(0.0).powi(2) / by;
    let squares: Vec<f64> = splits.iter().map(|r| square(*r)).collect();
    let error = Estimate::of(&squares).map_or(f64::NAN, |estimate| estimate.error);
    Estimate { value: square(r.value), error }
}

/// Returns the median of each row over what is a number; rows without any are
/// left out.
fn row_medians(values: &Array2<f64>) -> Vec<f64> {
    let numbers = |row: ndarray::ArrayView1<f64>| {
        let numbers: Vec<f64> = row.iter().copied().filter(|value| !value.is_nan()).collect();
        median(&numbers)
    };
    values.rows().into_iter().filter_map(numbers).collect()
}

/// Returns the mean of each column over what is a number, or NaN.
fn column_means(values: &Array2<f64>) -> Vec<f64> {
    let numbers = |column: ndarray::ArrayView1<f64>| {
        let numbers: Vec<f64> = column.iter().copied().filter(|value| !value.is_nan()).collect();
        mean(&numbers).unwrap_or(f64::NAN)
    };
    values.columns().into_iter().map(numbers).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of a few operations on numbers around 1.
    const ROUNDING: f64 = 1e-12;

    #[test]
    fn figures_by_hand() {
        let reliability = ndarray::array![[0.5, 0.8, f64::NAN], [0.7, 0.6, f64::NAN]];
        let ceiling = Ceiling::new(&reliability).expect("a ceiling");
        assert!((ceiling.median.value - 0.65).abs() < ROUNDING);
        assert!(ceiling.median.error < ROUNDING);
        assert_eq!(ceiling.not_positive, 1);
        let estimate = Estimate::of(&[0.2, 0.4]).expect("an estimate");
        assert!((estimate.value - 0.3).abs() < ROUNDING);
        assert!((estimate.error - 0.1 / 2.0_f64.sqrt()).abs() < ROUNDING);
        let square = squared(estimate, &[0.2, 0.4], 0.5, 1);
        assert!((square.value - 0.18).abs() < ROUNDING);
        assert!((square.error - 0.12 / 2.0_f64.sqrt()).abs() < ROUNDING);
        let negative = Estimate { value: -0.3, error: 0.0 };
        assert!(squared(negative, &[-0.3], 0.5, 1).value.abs() < ROUNDING);
        for ceiling in [0.0, -0.2, f64::NAN] {
            let undefined = squared(estimate, &[0.2, 0.4], ceiling, 2);
            assert!(undefined.value.is_nan() && undefined.error.is_nan(), "{undefined:?}");
        }
        assert_eq!(Estimate::of(&[]), None);
    }
}
