//! Multinomial logistic regression.

use ndarray::{Array2, Axis, s};

/// Most steps of Newton's method.
const STEPS: usize = 60;

/// Most steps of conjugate gradients for one of Newton's.
const INNER_STEPS: usize = 250;

/// Largest part of the gradient, for an image, at which the optimum is found.
const GRADIENT: f64 = 1e-7;

/// Share of the predicted decrease that a step must bring (Armijo).
const DECREASE: f64 = 1e-4;

/// The least `-Σ log p(class) + α/2 ‖W‖²` with `p = softmax(X W + b)`, where the
/// intercepts `b` are free.
///
/// Newton's method, whose steps are found by conjugate gradients (Nocedal and
/// Wright 2006, "Numerical Optimization", section 7.1) with the preconditioner
/// `c XᵀX + α`, where `c` is the mean of `p (1 - p)`: features of a network are
/// so correlated that methods without second derivatives take thousands of
/// steps.
#[derive(Clone, Debug)]
pub struct Regression {
    /// `[P + 1, classes]`, the intercepts last.
    coefficients: Array2<f64>,
    gradient: f64,
}

/// What is minimised.
struct Problem {
    /// `[N, P + 1]`, ones last.
    features: Array2<f64>,
    /// `[N, classes]`, 1 for the class of the image.
    classes: Array2<f64>,
    alpha: f64,
}

impl Regression {
    /// Fits features `[N, P]` to classes below `count`.
    #[must_use]
    pub fn fit(features: &Array2<f64>, classes: &[usize], count: usize, alpha: f64) -> Self {
        let classes = Array2::from_shape_fn((classes.len(), count), |(image, class)| {
            f64::from(u8::from(classes[image] == class))
        });
        let problem = Problem { features: with_ones(features), classes, alpha };
        let images = features.nrows().max(1) as f64;
        let products = problem.features.t().dot(&problem.features);
        let mut coefficients = Array2::zeros((features.ncols() + 1, count));
        let (mut loss, mut probabilities) = problem.loss(&coefficients);
        let mut gradient = problem.gradient(&coefficients, &probabilities);
        let first = norm(&gradient);
        for _ in 0..STEPS {
            if largest(&gradient) <= GRADIENT * images {
                break;
            }
            let curvature = probabilities.mapv(|p| p * (1.0 - p)).mean().unwrap_or(0.0);
            let preconditioner = Cholesky::new(&products, curvature.max(1e-6), alpha);
            let accuracy = norm(&gradient) * (norm(&gradient) / first).sqrt().min(0.1);
            let step = problem.newton_step(&probabilities, &gradient, &preconditioner, accuracy);
            let slope = (&step * &gradient).sum();
            let mut length = 1.0;
            let better = loop {
                let tried = &coefficients + &(&step * length);
                let (value, p) = problem.loss(&tried);
                if value <= loss + DECREASE * length * slope {
                    break Some((tried, value, p));
                }
                length /= 2.0;
                // Rounding is all that is left to gain.
                if length < 1e-8 {
                    break None;
                }
            };
            let Some(better) = better else { break };
            (coefficients, loss, probabilities) = better;
            gradient = problem.gradient(&coefficients, &probabilities);
        }
        Self { coefficients, gradient: largest(&gradient) / images }
    }

    /// Returns the probability of each class, `[N, classes]`.
    #[must_use]
    pub fn probabilities(&self, features: &Array2<f64>) -> Array2<f64> {
        log_softmax(with_ones(features).dot(&self.coefficients)).mapv(f64::exp)
    }

    /// Returns the largest part of the gradient, for an image, where the fit
    /// ended.
    #[must_use]
    pub fn gradient(&self) -> f64 {
        self.gradient
    }
}

impl Problem {
    /// Returns the loss and the probabilities.
    fn loss(&self, coefficients: &Array2<f64>) -> (f64, Array2<f64>) {
        let logarithms = log_softmax(self.features.dot(coefficients));
        let penalised = coefficients.slice(s![..-1, ..]);
        let penalty = penalised.iter().map(|w| w * w).sum::<f64>() * self.alpha / 2.0;
        (penalty - (&logarithms * &self.classes).sum(), logarithms.mapv(f64::exp))
    }

    fn gradient(&self, coefficients: &Array2<f64>, probabilities: &Array2<f64>) -> Array2<f64> {
        self.with_penalty(self.features.t().dot(&(probabilities - &self.classes)), coefficients)
    }

    /// Returns the product of the second derivatives with a direction.
    fn curvature(&self, probabilities: &Array2<f64>, direction: &Array2<f64>) -> Array2<f64> {
        let change = probabilities * &self.features.dot(direction);
        let all = change.sum_axis(Axis(1)).insert_axis(Axis(1));
        self.with_penalty(self.features.t().dot(&(&change - &(probabilities * &all))), direction)
    }

    fn with_penalty(&self, mut of_loss: Array2<f64>, coefficients: &Array2<f64>) -> Array2<f64> {
        of_loss.slice_mut(s![..-1, ..]).scaled_add(self.alpha, &coefficients.slice(s![..-1, ..]));
        of_loss
    }

    /// Solves for the step until the residual is no longer than `accuracy`.
    fn newton_step(
        &self,
        probabilities: &Array2<f64>,
        gradient: &Array2<f64>,
        preconditioner: &Cholesky,
        accuracy: f64,
    ) -> Array2<f64> {
        let mut step = Array2::zeros(gradient.dim());
        let mut residual = -gradient;
        let mut improved = preconditioner.solve(&residual);
        let mut direction = improved.clone();
        let mut product = (&residual * &improved).sum();
        for _ in 0..INNER_STEPS {
            let curvature = self.curvature(probabilities, &direction);
            let length = product / (&direction * &curvature).sum();
            if !length.is_finite() {
                break;
            }
            step.scaled_add(length, &direction);
            residual.scaled_add(-length, &curvature);
            if norm(&residual) <= accuracy {
                break;
            }
            improved = preconditioner.solve(&residual);
            let next = (&residual * &improved).sum();
            direction = &improved + &(&direction * (next / product));
            product = next;
        }
        step
    }
}

/// The lower triangle `L` of `c XᵀX + α = L Lᵀ`.
struct Cholesky(Array2<f64>);

impl Cholesky {
    fn new(products: &Array2<f64>, curvature: f64, alpha: f64) -> Self {
        let mut lower = products * curvature;
        lower.diag_mut().mapv_inplace(|value| value + alpha);
        let size = lower.nrows();
        for row in 0..size {
            for column in 0..=row {
                let (a, b) = (lower.slice(s![row, ..column]), lower.slice(s![column, ..column]));
                let rest = lower[[row, column]] - a.dot(&b);
                // Positive but for rounding, as α is.
                let pivot =
                    if row == column { rest.max(alpha).sqrt() } else { lower[[column, column]] };
                lower[[row, column]] = if row == column { pivot } else { rest / pivot };
            }
        }
        Self(lower)
    }

    /// Returns the solution for each column.
    fn solve(&self, right: &Array2<f64>) -> Array2<f64> {
        let (lower, size) = (&self.0, right.nrows());
        let mut solution = right.clone();
        for row in 0..size {
            let known = lower.slice(s![row, ..row]).dot(&solution.slice(s![..row, ..]));
            let mut values = solution.row_mut(row);
            values -= &known;
            values /= lower[[row, row]];
        }
        for row in (0..size).rev() {
            let known = lower.slice(s![row + 1.., row]).dot(&solution.slice(s![row + 1.., ..]));
            let mut values = solution.row_mut(row);
            values -= &known;
            values /= lower[[row, row]];
        }
        solution
    }
}

fn with_ones(features: &Array2<f64>) -> Array2<f64> {
    let (images, width) = features.dim();
    let mut extended = Array2::ones((images, width + 1));
    extended.slice_mut(s![.., ..width]).assign(features);
    extended
}

fn log_softmax(mut logits: Array2<f64>) -> Array2<f64> {
    for mut row in logits.rows_mut() {
        let most = row.iter().fold(f64::NEG_INFINITY, |most, value| most.max(*value));
        let sum: f64 = row.iter().map(|value| (value - most).exp()).sum();
        let all = most + sum.ln();
        row.mapv_inplace(|value| value - all);
    }
    logits
}

fn norm(values: &Array2<f64>) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

fn largest(values: &Array2<f64>) -> f64 {
    values
        .iter()
        .fold(0.0, |largest, value| if value.abs() <= largest { largest } else { value.abs() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlated_features_are_no_obstacle() {
        // Differences of a thousandth between features with a common part.
        let value = |i: usize, j: usize| {
            let common = (i * i * 17 + i * 3) % 43;
            common as f64 / 10.0 + ((i * 29 + j * j * 31 + i * j * 7) % 61) as f64 / 1000.0
        };
        let features = Array2::from_shape_fn((200, 30), |(i, j)| value(i, j));
        let classes: Vec<usize> = (0..200).map(|i| (i * i + i * 11) % 7 % 4).collect();
        let fitted = Regression::fit(&features, &classes, 4, 1e-3);
        assert!(fitted.gradient() <= GRADIENT, "{}", fitted.gradient());
        let sums = fitted.probabilities(&features).sum_axis(Axis(1));
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-12));
    }

    #[test]
    fn a_step_solves_its_system() {
        let products = ndarray::array![[4.0, 2.0, 0.5], [2.0, 3.0, 1.0], [0.5, 1.0, 2.0]];
        let right = ndarray::array![[1.0, -1.0], [2.0, 0.0], [0.0, 3.0]];
        let solution = Cholesky::new(&products, 0.5, 0.25).solve(&right);
        let back = (&products * 0.5 + Array2::<f64>::eye(3) * 0.25).dot(&solution);
        assert!((back - right).iter().all(|difference| difference.abs() < 1e-12));
    }
}
