//! Rounding of weights with what their input looks like in mind.

/// Fraction of its own variance that is added to each, so that directions which
/// no sample shows count a little.
const DAMPING: f64 = 0.01;

/// The least variance that damping takes a value to have, as a fraction of the
/// mean variance. It is small, so that the weight of a value which hardly varies
/// may be clipped for the others' sake.
const LEAST_VARIANCE: f64 = 1e-8;

/// Rounds the weights of a filter one after the other, each making up for the
/// error of those before it on inputs of a given covariance.
///
/// With `d` the rounding errors and `H` the covariance, it makes `dᵀ H d`, the
/// error's power at the convolution's output, small: Babai's nearest plane
/// algorithm on the Cholesky factor of `H`, which is what GPTQ computes
/// (Frantar et al. 2023, "GPTQ: accurate post-training quantization for
/// generative pre-trained transformers"). Neighbouring pixels are alike, so a
/// weight rounded up makes good a neighbour rounded down.
#[derive(Debug)]
pub struct NearestPlane {
    n: usize,
    /// Rows of the upper factor `Lᵀ`, each divided by its diagonal.
    rows: Vec<f64>,
    /// The diagonal of `L`, squared.
    pivots: Vec<f64>,
}

/// A filter in whole numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundedFilter {
    /// The whole numbers.
    pub weights: Vec<f64>,
    /// `dᵀ H d`, the power of the error at the convolution's output, in squares
    /// of the weights' unit times that of the input.
    pub error: f64,
}

impl NearestPlane {
    /// Factors a covariance `[n, n]`, of which the lower triangle is read.
    ///
    /// One that is zero or not finite tells nothing; weights are then rounded
    /// to nearest.
    #[must_use]
    pub fn new(mut covariance: Vec<f64>, n: usize) -> Self {
        let trace: f64 = (0..n).map(|at| covariance[at * n + at]).sum();
        let least = LEAST_VARIANCE * trace / n as f64;
        for at in 0..n {
            let variance = &mut covariance[at * n + at];
            *variance += DAMPING * variance.max(least);
        }
        let mut rows = vec![0.0; n * n];
        let mut pivots = vec![1.0; n];
        if factor(&mut covariance, n) {
            for row in 0..n {
                let diagonal = covariance[row * n + row];
                pivots[row] = diagonal * diagonal;
                for column in row + 1..n {
                    rows[row * n + column] = covariance[column * n + row] / diagonal;
                }
            }
        }
        Self { n, rows, pivots }
    }

    /// Returns whole numbers in `-largest..=largest` for a filter's `n`
    /// weights.
    #[must_use]
    pub fn round(&self, weights: &[f64], largest: f64) -> RoundedFilter {
        let mut rounded = vec![0.0; self.n];
        let mut errors = vec![0.0; self.n];
        let mut error = 0.0;
        for at in (0..self.n).rev() {
            let row = &self.rows[at * self.n..][at + 1..self.n];
            let target = weights[at] + dot(row, &errors[at + 1..]);
            rounded[at] = target.round().clamp(-largest, largest);
            errors[at] = weights[at] - rounded[at];
            error += self.pivots[at] * (target - rounded[at]).powi(2);
        }
        RoundedFilter { weights: rounded, error }
    }
}

/// Replaces the lower triangle of a symmetric matrix by its Cholesky factor;
/// returns whether it is positive definite.
fn factor(matrix: &mut [f64], n: usize) -> bool {
    for row in 0..n {
        let (above, rest) = matrix.split_at_mut(row * n);
        let current = &mut rest[..n];
        for column in 0..row {
            let other = &above[column * n..][..=column];
            let sum = current[column] - dot(&current[..column], &other[..column]);
            current[column] = sum / other[column];
        }
        let pivot = current[row] - dot(&current[..row], &current[..row]);
        if !(pivot > 0.0 && pivot.is_finite()) {
            return false;
        }
        current[row] = pivot.sqrt();
    }
    true
}

/// Sums in four lanes, which the compiler keeps in one register.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 4;
    let mut lanes = [0.0; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factor_times_its_transpose_is_the_matrix() {
        let matrix = [4.0, 2.0, 1.0, 2.0, 10.0, 3.0, 1.0, 3.0, 5.0];
        let mut lower = matrix;
        assert!(factor(&mut lower, 3));
        for row in 0..3 {
            for column in 0..=row {
                let product = dot(&lower[3 * row..][..=column], &lower[3 * column..][..=column]);
                assert!((product - matrix[3 * row + column]).abs() < 1e-12);
            }
        }
        assert!(!factor(&mut [1.0, 2.0, 2.0, 1.0], 2));
    }

    /// Returns `dᵀ H d`.
    fn power(covariance: &[f64], weights: &[f64], rounded: &[f64]) -> f64 {
        let errors: Vec<f64> = weights.iter().zip(rounded).map(|(w, q)| w - q).collect();
        let n = errors.len();
        (0..n).map(|row| errors[row] * dot(&covariance[row * n..][..n], &errors)).sum()
    }

    #[test]
    fn correlated_inputs_let_errors_cancel() {
        let n = 9_usize;
        let covariance: Vec<f64> = (0..n * n)
            .map(|at| 0.95_f64.powi((at / n).abs_diff(at % n).try_into().unwrap_or(0)))
            .collect();
        let weights: Vec<f64> = (0..n).map(|at| 3.4 + 0.01 * at as f64).collect();
        let nearest: Vec<f64> = weights.iter().map(|weight| weight.round()).collect();
        let plane = NearestPlane::new(covariance.clone(), n);
        let RoundedFilter { weights: rounded, error } = plane.round(&weights, 127.0);
        let (plain, planned) =
            (power(&covariance, &weights, &nearest), power(&covariance, &weights, &rounded));
        assert!(planned < 0.1 * plain, "{planned} {plain}");
        // Damping adds a little.
        assert!((planned..1.5 * planned).contains(&error), "{planned} {error}");
    }

    #[test]
    fn independent_inputs_round_to_nearest() {
        let identity = vec![1.0, 0.0, 0.0, 1.0];
        let rounded = NearestPlane::new(identity, 2).round(&[1.4, -200.7], 127.0);
        assert_eq!(rounded.weights, [1.0, -127.0]);
        for nothing in [0.0, f64::NAN] {
            let rounded = NearestPlane::new(vec![nothing; 4], 2).round(&[0.6, -0.4], 127.0);
            assert_eq!(rounded.weights, [1.0, -0.0]);
        }
    }
}
