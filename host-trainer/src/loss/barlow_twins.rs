//! The Barlow Twins loss of \[LCL\], equations 1 and 2.

use tch::{Kind, TchError, Tensor};

use crate::config::LossConfig;

/// Added to the variance when embeddings are centred.
const EPS: f64 = 1e-5;

/// Least norm of a unit over the batch, so that one that is always 0
/// correlates with nothing instead of dividing by 0.
const LEAST_NORM: f64 = 1e-12;

/// The Barlow Twins loss of one stage.
///
/// `C_ij = Σ_b z_a[b,i] · z_b[b,j] / (√Σ_b z_a[b,i]² · √Σ_b z_b[b,j]²)`  (1)
///
/// `loss = Σ_i (1 - C_ii)² + λ Σ_i Σ_{j≠i} C_ij²`  (2)
///
/// Here `z_a` and `z_b` are the embeddings of views A and B, `b` runs over the
/// batch, `i` and `j` over the units; `C` is `cross_correlation` and `λ` is
/// `lambda`. With `centre`, the embeddings first have their mean over the batch
/// subtracted and are divided by `√(variance + 1e-5)`, the variance being the
/// biased one; then the norms in (1) are `√N` but for the 1e-5, and `N` takes
/// the place of their product, as in the original code of Barlow Twins.
///
/// Sources: Parthasarathy, Hénaff and Simoncelli, 2024, "Layerwise
/// complexity-matched learning yields an improved model of cortical area V2",
/// equations 1 and 2, arXiv 2312.11436; Zbontar et al., 2021, "Barlow Twins:
/// self-supervised learning via redundancy reduction", arXiv 2103.03230.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BarlowTwins {
    /// Weight of the off-diagonal part.
    pub lambda: f64,
    /// Whether embeddings are centred and scaled over the batch.
    pub centre: bool,
}

impl BarlowTwins {
    /// Creates the loss that a configuration describes.
    #[must_use]
    pub fn new(config: LossConfig) -> Self {
        Self { lambda: config.lambda, centre: config.centre }
    }

    /// Returns the loss of the embeddings `z_a` and `z_b`, both `[N, D]`, as a
    /// scalar.
    ///
    /// # Errors
    ///
    /// When libtorch refuses an operation.
    pub fn loss(&self, z_a: &Tensor, z_b: &Tensor) -> Result<Tensor, TchError> {
        let cross_correlation = self.cross_correlation(z_a, z_b)?;
        let diagonal = cross_correlation.f_diagonal(0, 0, 1)?;
        let on_diagonal = diagonal.f_sub_scalar(1.0)?.f_square()?.f_sum(Kind::Float)?;
        let all = cross_correlation.f_square()?.f_sum(Kind::Float)?;
        let off_diagonal = all.f_sub(&diagonal.f_square()?.f_sum(Kind::Float)?)?;
        on_diagonal.f_add(&off_diagonal.f_mul_scalar(self.lambda)?)
    }

    /// Returns `C`, `[D, D]`.
    fn cross_correlation(&self, z_a: &Tensor, z_b: &Tensor) -> Result<Tensor, TchError> {
        if self.centre {
            let images = z_a.size2()?.0 as f64;
            centred(z_a)?.f_tr()?.f_mm(&centred(z_b)?)?.f_mul_scalar(1.0 / images)
        } else {
            unit_norm(z_a)?.f_tr()?.f_mm(&unit_norm(z_b)?)
        }
    }
}

fn centred(z: &Tensor) -> Result<Tensor, TchError> {
    let deviation = z.f_sub(&z.f_mean_dim(0_i64, true, Kind::Float)?)?;
    let variance = deviation.f_square()?.f_mean_dim(0_i64, true, Kind::Float)?;
    deviation.f_div(&variance.f_add_scalar(EPS)?.f_sqrt()?)
}

fn unit_norm(z: &Tensor) -> Result<Tensor, TchError> {
    let squares = z.f_square()?.f_sum_dim_intlist(0_i64, true, Kind::Float)?;
    z.f_div(&squares.f_clamp_min(LEAST_NORM * LEAST_NORM)?.f_sqrt()?)
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::model::{tensor, values};

    const N: usize = 5;
    const D: usize = 3;

    /// Rounding of 32-bit sums of a few terms around 1.
    const VALUE_TOLERANCE: f64 = 1e-5;

    /// Rounding, and the second-order error of the finite differences.
    const GRADIENT_TOLERANCE: f64 = 1e-4;

    fn embeddings(phase: f64) -> Vec<f64> {
        (0..N * D).map(|at| (at as f64 * 0.7 + phase).sin() + 0.3 * (at % D) as f64).collect()
    }

    /// Equations 1 and 2, read aloud.
    fn literal(loss: BarlowTwins, z_a: &[f64], z_b: &[f64]) -> f64 {
        let columns = |z: &[f64]| -> Vec<Vec<f64>> {
            (0..D).map(|i| (0..N).map(|b| z[b * D + i]).collect()).collect()
        };
        let prepared = |z: &[f64]| -> Vec<Vec<f64>> {
            columns(z)
                .into_iter()
                .map(|column| {
                    if !loss.centre {
                        let norm = column.iter().map(|v| v * v).sum::<f64>().sqrt();
                        return column.iter().map(|v| v / norm).collect();
                    }
                    let mean = column.iter().sum::<f64>() / N as f64;
                    let variance =
                        column.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / N as f64;
                    let scale = ((variance + 1e-5) * N as f64).sqrt();
                    column.iter().map(|v| (v - mean) / scale).collect()
                })
                .collect()
        };
        let (a, b) = (prepared(z_a), prepared(z_b));
        let mut sum = 0.0;
        for (i, a) in a.iter().enumerate() {
            for (j, b) in b.iter().enumerate() {
                let c: f64 = a.iter().zip(b).map(|(x, y)| x * y).sum();
                sum += if i == j { (1.0 - c).powi(2) } else { loss.lambda * c * c };
            }
        }
        sum
    }

    fn load(z: &[f64]) -> Tensor {
        #[expect(clippy::cast_possible_truncation, reason = "libtorch is tested in f32")]
        let z: Vec<f32> = z.iter().map(|&v| v as f32).collect();
        tensor(&z, &[N, D], Device::Cpu).expect("a tensor")
    }

    #[track_caller]
    fn check(loss: BarlowTwins) {
        let (z_a, z_b) = (embeddings(0.0), embeddings(0.4));
        let (t_a, t_b) = (load(&z_a).set_requires_grad(true), load(&z_b).set_requires_grad(true));
        let value = loss.loss(&t_a, &t_b).expect("a loss");
        let expected = literal(loss, &z_a, &z_b);
        let got = value.double_value(&[]);
        assert!((got - expected).abs() < VALUE_TOLERANCE * expected.max(1.0), "{got} {expected}");
        value.backward();
        let step = 1e-5;
        for (side, gradient) in [(0, t_a.grad()), (1, t_b.grad())] {
            let gradient = values(&gradient).expect("a gradient");
            for (at, got) in gradient.iter().enumerate() {
                let moved = |by: f64| {
                    let mut z = [z_a.clone(), z_b.clone()];
                    z[side][at] += by;
                    literal(loss, &z[0], &z[1])
                };
                let expected = (moved(step) - moved(-step)) / (2.0 * step);
                let error = (f64::from(*got) - expected).abs();
                assert!(error < GRADIENT_TOLERANCE, "{side} {at}: {got} {expected}");
            }
        }
    }

    #[test]
    fn is_equations_1_and_2_with_their_gradient() {
        check(BarlowTwins { lambda: 0.3, centre: false });
    }

    #[test]
    fn is_the_same_on_centred_embeddings() {
        check(BarlowTwins { lambda: 0.3, centre: true });
    }

    #[test]
    fn equal_views_of_uncorrelated_units_cost_nothing() {
        let z: [f32; 8] = [1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0, -1.0];
        let z = tensor(&z, &[4, 2], Device::Cpu).expect("a tensor");
        for centre in [false, true] {
            let loss = BarlowTwins { lambda: 1.0, centre }.loss(&z, &z).expect("a loss");
            assert!(loss.double_value(&[]).abs() < 1e-8);
        }
    }

    #[test]
    fn a_silent_unit_is_no_division_by_zero() {
        let z = tensor(&[0.0, 1.0, 0.0, 2.0], &[2, 2], Device::Cpu).expect("a tensor");
        for centre in [false, true] {
            let loss = BarlowTwins { lambda: 1.0, centre }.loss(&z, &z).expect("a loss");
            assert!(loss.double_value(&[]).is_finite());
        }
    }
}
