//! Partial least squares.

use ndarray::{Array1, Array2, Axis};

/// Share of the predictors' variance below which nothing but rounding is left of
/// them.
const ROUNDING_SHARE: f64 = 1e-12;

/// Partial least squares regression of several responses: NIPALS with
/// deflation, predictors and responses centred but not scaled, as scikit-learn's
/// `PLSRegression(components, scale=False)` computes it (\[Wegelin2000\]).
///
/// It works on inner products of the predictors alone, which is the same
/// arithmetic: every weight vector is a combination `Xᵀa` of the predictors'
/// rows, so scores are `t = X Xᵀ a`, and taking a component away from the
/// predictors is `(1 - t tᵀ / tᵀt) X Xᵀ (1 - t tᵀ / tᵀt)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pls {
    /// Components, 25 in \[LCL\] A.3.2 and in Brain-Score.
    pub components: usize,
    /// Most iterations for a component.
    pub max_iterations: usize,
    /// Squared change of the unit weight vector at which a component is found.
    pub tolerance: f64,
}

/// What a regression predicts.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// `[tests, responses]`.
    pub responses: Array2<f64>,
    /// Components that were found; fewer than asked for where nothing was left
    /// of the responses or of the predictors.
    pub components: usize,
    /// Components that took all iterations.
    pub unconverged: usize,
}

impl Default for Pls {
    fn default() -> Self {
        Self { components: 25, max_iterations: 500, tolerance: 1e-6 }
    }
}

/// What is left of predictors and responses after some components.
struct Residual {
    /// Inner products of the predictors of the fit, `[n, n]`.
    train: Array2<f64>,
    /// Inner products of the predictors of the test and the fit, `[m, n]`.
    test: Array2<f64>,
    /// Responses, `[n, responses]`.
    responses: Array2<f64>,
    /// Variance of the predictors along a direction that is rounding alone.
    rounding: f64,
}

/// One component: the combination `a` of rows that makes the weights, the scores
/// `t` and the loadings `q` of the responses.
struct Component {
    combination: Array1<f64>,
    scores: Array1<f64>,
    loadings: Array1<f64>,
    converged: bool,
}

impl Pls {
    /// Fits the rows `train` and predicts the rows `test`, where `gram` has the
    /// inner products of all rows' predictors, `[N, N]`, about any origin, and
    /// `responses` are `[N, responses]`.
    ///
    /// # Panics
    ///
    /// When a row is not there.
    #[must_use]
    pub fn predict(
        &self,
        gram: &Array2<f64>,
        responses: &Array2<f64>,
        train: &[usize],
        test: &[usize],
    ) -> Prediction {
        let fitted = responses.select(Axis(0), train);
        let mean = fitted.sum_axis(Axis(0)) / train.len().max(1) as f64;
        let [train, test] = centred(gram, train, test);
        let rounding = ROUNDING_SHARE * train.diag().sum();
        let mut residual = Residual { train, test, responses: fitted - &mean, rounding };
        let shape = (residual.test.nrows(), mean.len());
        let mut prediction = Prediction {
            responses: mean.broadcast(shape).map_or_else(|| Array2::zeros(shape), |m| m.to_owned()),
            components: 0,
            unconverged: 0,
        };
        for _ in 0..self.components {
            let Some(component) = self.component(&mut residual) else { break };
            let scores = residual.test.dot(&component.combination);
            for (mut row, score) in prediction.responses.rows_mut().into_iter().zip(&scores) {
                row.scaled_add(*score, &component.loadings);
            }
            residual.deflate(&component, &scores);
            prediction.components += 1;
            prediction.unconverged += usize::from(!component.converged);
        }
        prediction
    }

    /// Finds the next component by the power method.
    fn component(&self, residual: &mut Residual) -> Option<Component> {
        residual.clear_explained();
        let varies = |column: &ndarray::ArrayView1<f64>| {
            column.iter().any(|value| value.abs() > f64::EPSILON)
        };
        let mut direction = residual.responses.columns().into_iter().find(varies)?.to_owned();
        let mut last: Option<Array1<f64>> = None;
        for iteration in 1..=self.max_iterations {
            // The weights Xᵀu / uᵀu have this length; they become Xᵀa, of length 1.
            let products = residual.train.dot(&direction);
            let square = direction.dot(&direction);
            let variance = direction.dot(&products) / square;
            if variance.is_nan() || variance <= residual.rounding {
                return None;
            }
            let length = (variance / square).sqrt();
            let unit = 1.0 / (square * (length + f64::EPSILON));
            let (combination, scores) = (&direction * unit, products * unit);
            let energy = scores.dot(&scores);
            let loadings = residual.responses.t().dot(&scores) / energy;
            direction =
                residual.responses.dot(&loadings) / (loadings.dot(&loadings) + f64::EPSILON);
            let change = last.as_ref().map(|last| {
                let change = &combination - last;
                change.dot(&residual.train.dot(&change))
            });
            let found = change.is_some_and(|change| change < self.tolerance);
            let converged = found || loadings.len() == 1;
            if converged || iteration == self.max_iterations {
                return Some(Component { combination, scores, loadings, converged });
            }
            last = Some(combination);
        }
        None
    }
}

impl Residual {
    /// Sets responses to zero of which nothing but rounding is left.
    fn clear_explained(&mut self) {
        for mut column in self.responses.columns_mut() {
            if column.iter().all(|value| value.abs() < 10.0 * f64::EPSILON) {
                column.fill(0.0);
            }
        }
    }

    /// Takes a component away; `test_scores` are its scores of the test's rows.
    fn deflate(&mut self, component: &Component, test_scores: &Array1<f64>) {
        let Component { scores, loadings, .. } = component;
        let energy = scores.dot(scores);
        let projected = self.train.dot(scores) / energy;
        let length = projected.dot(scores) / energy;
        let test_projected = (self.test.dot(scores) - test_scores * length * energy) / energy;
        for (mut row, score) in self.test.rows_mut().into_iter().zip(test_scores) {
            row.scaled_add(-score, &projected);
        }
        for (mut row, value) in self.test.rows_mut().into_iter().zip(&test_projected) {
            row.scaled_add(-value, scores);
        }
        for (row, mut products) in self.train.rows_mut().into_iter().enumerate() {
            products.scaled_add(-scores[row], &projected);
            products.scaled_add(length * scores[row] - projected[row], scores);
        }
        for (mut row, score) in self.responses.rows_mut().into_iter().zip(scores) {
            row.scaled_add(-score, loadings);
        }
    }
}

/// Returns the inner products of fit with fit and of test with fit, about the
/// mean of the fit's rows.
fn centred(gram: &Array2<f64>, train: &[usize], test: &[usize]) -> [Array2<f64>; 2] {
    let fit = gram.select(Axis(1), train);
    let [mut inner, mut outer] = [train, test].map(|rows| fit.select(Axis(0), rows));
    let count = train.len().max(1) as f64;
    let mean = inner.sum_axis(Axis(0)) / count;
    let all = mean.sum() / count;
    for products in [&mut inner, &mut outer] {
        let own = products.sum_axis(Axis(1)) / count;
        *products -= &mean;
        *products -= &(own - all).insert_axis(Axis(1));
    }
    [inner, outer]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neural::gram_matrix;

    /// Rounding in inner products, whose condition is the square of the
    /// predictors', over 25 deflations.
    const ROUNDING: f64 = 1e-8;

    const IMAGES: usize = 60;
    const FEATURES: usize = 300;
    const NEURONS: usize = 6;

    /// The predictors of `reference.py`: whole numbers.
    #[expect(clippy::cast_possible_truncation, reason = "small whole numbers")]
    fn features() -> Vec<f32> {
        let value = |i: usize, j: usize| (i * i * 37 + j * j * 11 + i * j * 29 + i * 7) % 211;
        (0..IMAGES * FEATURES).map(|at| value(at / FEATURES, at % FEATURES) as f64 as f32).collect()
    }

    /// The responses of `reference.py`.
    fn responses() -> Array2<f64> {
        let features = features();
        Array2::from_shape_fn((IMAGES, NEURONS), |(i, n)| {
            let row = &features[i * FEATURES..][..FEATURES];
            let signal: f64 = (0..5).map(|k| f64::from(row[(n * 13 + k * 41) % FEATURES])).sum();
            let noise = (i * i * 53 + n * n * 17 + i * n * 71) % 97;
            signal / 100.0 + noise as f64 / 50.0
        })
    }

    #[test]
    fn predictions_are_those_of_scikit_learn() {
        let gram = gram_matrix(&features(), IMAGES);
        let responses = responses();
        let (test, train): (Vec<usize>, Vec<usize>) = (0..IMAGES).partition(|image| image % 9 == 4);
        let mut compared = 0;
        for line in include_str!("pls.txt").lines().filter(|line| !line.starts_with('#')) {
            let numbers: Vec<f64> =
                line.split_whitespace().filter_map(|number| number.parse().ok()).collect();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
            let [components, row] = [numbers[0] as usize, numbers[1] as usize];
            let pls = Pls { components, ..Pls::default() };
            let predicted = pls.predict(&gram, &responses, &train, &test);
            assert_eq!((predicted.components, predicted.unconverged), (components, 0));
            for (got, expected) in predicted.responses.row(row).iter().zip(&numbers[2..]) {
                assert!((got - expected).abs() < ROUNDING, "{components} {row}: {got} {expected}");
                compared += 1;
            }
        }
        assert_eq!(compared, 3 * 7 * NEURONS);
    }

    #[test]
    fn a_regression_ends_where_nothing_is_left() {
        // Two predictors cannot make more than two components.
        let features: Vec<f32> = (0..40_u16).map(|at| f32::from(at * at % 23)).collect();
        let gram = gram_matrix(&features, 20);
        let linear = Array2::from_shape_fn((20, 1), |(i, _)| {
            f64::from(features[2 * i]) - 2.0 * f64::from(features[2 * i + 1]) + 3.0
        });
        let train: Vec<usize> = (0..16).collect();
        let predicted = Pls::default().predict(&gram, &linear, &train, &[16, 17, 18, 19]);
        assert_eq!(predicted.components, 2);
        for (image, got) in (16..20).zip(predicted.responses.column(0)) {
            assert!((got - linear[[image, 0]]).abs() < ROUNDING, "{got}");
        }
        let constant = Array2::from_elem((20, 2), 4.0);
        let predicted = Pls::default().predict(&gram, &constant, &train, &[16]);
        assert_eq!(predicted.components, 0);
        assert!(predicted.responses.iter().all(|got| (got - 4.0).abs() < ROUNDING));
    }
}
