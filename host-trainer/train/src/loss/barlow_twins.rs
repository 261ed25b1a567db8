//! The Barlow Twins loss of \[LCL\], equations 1 and 2.

use tch::{TchError, Tensor};

use crate::workers::Ranks;

/// Added to the variance when embeddings are centred.
const EPS: f64 = 1e-5;

/// Least squared norm of a unit over the batch, so that one that is always 0
/// correlates with nothing instead of dividing by 0. The square of its inverse
/// is a 32-bit float.
const LEAST_SQUARE: f64 = 1e-12;

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
/// Neither the embeddings nor `C` are ever built. The embeddings are linear in
/// the `C`-wide features `h` below them, `z = h Wᵀ + bias`, so with the moments
/// `S_a = h_aᵀ h_a`, `S_b = h_bᵀ h_b` and `S_ab = h_aᵀ h_b`
///
/// `C_ii = w_iᵀ S_ab w_i / (s_a[i] · s_b[i])`, `s_a[i]² = w_iᵀ S_a w_i`,
///
/// `Σ_ij C_ij² = tr(G_a S_ab G_b S_abᵀ)`, `G_a = Wᵀ diag(1 / s_a²) W`,
///
/// with the features centred where the embeddings are, and with a feature that
/// is always 1 and has the bias as its weight where they are not. The cost
/// depends on the batch only through the moments, which are also all that ranks
/// with parts of one batch send each other.
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

/// The two sums of the loss, scalars.
#[derive(Debug)]
pub struct Parts {
    /// `Σ_i (1 - C_ii)²`
    pub on_diagonal: Tensor,
    /// `Σ_i Σ_{j≠i} C_ij²`
    pub off_diagonal: Tensor,
}

impl BarlowTwins {
    /// Returns the loss of the features `h_a` and `h_b`, both `[N, C]` and
    /// already averaged over locations, for the last linear layer of `weight`
    /// `[D, C]` and `bias` `[D]`, as a scalar. Of several ranks each has some of
    /// the rows.
    ///
    /// Weight and bias come after the sum over ranks: each rank has their whole
    /// gradient.
    ///
    /// # Errors
    ///
    /// When libtorch refuses an operation.
    pub fn loss(
        &self,
        [h_a, h_b]: [&Tensor; 2],
        weight: &Tensor,
        bias: &Tensor,
        ranks: Ranks<'_>,
    ) -> Result<Tensor, TchError> {
        let Parts { on_diagonal, off_diagonal } = self.parts([h_a, h_b], weight, bias, ranks)?;
        on_diagonal.f_add(&off_diagonal.f_mul_scalar(self.lambda)?)
    }

    /// Returns the two sums of the loss, for arguments as those of
    /// [`loss`](Self::loss).
    ///
    /// # Errors
    ///
    /// When libtorch refuses an operation.
    pub fn parts(
        &self,
        [h_a, h_b]: [&Tensor; 2],
        weight: &Tensor,
        bias: &Tensor,
        ranks: Ranks<'_>,
    ) -> Result<Parts, TchError> {
        let kind = h_a.kind();
        let (h_a, h_b, weight) = if self.centre {
            let [h_a, h_b] = centred([h_a, h_b], ranks)?;
            (h_a, h_b, weight.shallow_clone())
        } else {
            let weight = Tensor::f_cat(&[weight, &bias.f_unsqueeze(1)?], 1)?;
            (with_one(h_a)?, with_one(h_b)?, weight)
        };
        let channels = weight.size2()?.1;
        let moment = |u: &Tensor, v: &Tensor| u.f_tr()?.f_mm(v);
        let moments = [moment(&h_a, &h_a)?, moment(&h_b, &h_b)?, moment(&h_a, &h_b)?];
        let moments = ranks.sum(&Tensor::f_cat(&moments, 1)?)?;
        let s_ab = moments.f_narrow(1, 2 * channels, channels)?;
        // [D, 3, C]: w_i S for the three moments.
        let projected = weight.f_mm(&moments)?.f_view([-1, 3, channels])?;
        // [D, 3]: w_i S w_i.
        let squares = projected.f_matmul(&weight.f_unsqueeze(2)?)?.f_squeeze_dim(2)?;
        let inverse = |of: i64| -> Result<Tensor, TchError> {
            let square = squares.f_select(1, of)?;
            let square = if self.centre {
                square.f_add_scalar(EPS)?
            } else {
                square.f_clamp_min(LEAST_SQUARE)?
            };
            square.f_reciprocal()
        };
        let (inverse_a, inverse_b) = (inverse(0)?, inverse(1)?);
        let diagonal =
            squares.f_select(1, 2)?.f_mul(&inverse_a.f_sqrt()?.f_mul(&inverse_b.f_sqrt()?)?)?;
        let metric =
            |inverse: &Tensor| weight.f_tr()?.f_mm(&weight.f_mul(&inverse.f_unsqueeze(1)?)?);
        let (g_a, g_b) = (metric(&inverse_a)?, metric(&inverse_b)?);
        let all = g_a.f_mm(&s_ab)?.f_mul(&s_ab.f_mm(&g_b)?)?.f_sum(kind)?;
        Ok(Parts {
            on_diagonal: diagonal.f_sub_scalar(1.0)?.f_square()?.f_sum(kind)?,
            off_diagonal: all.f_sub(&diagonal.f_square()?.f_sum(kind)?)?,
        })
    }
}

/// Subtracts the mean over the batch and divides by `√N`.
///
/// No gradient goes through the mean: that of the centred moments with respect
/// to it is 0.
fn centred(views: [&Tensor; 2], ranks: Ranks<'_>) -> Result<[Tensor; 2], TchError> {
    let (images, channels) = views[0].size2()?;
    let sum = |h: &Tensor| h.f_detach()?.f_sum_dim_intlist(0_i64, false, h.kind());
    let [sum_a, sum_b] = [sum(views[0])?, sum(views[1])?];
    let count = sum_a.f_narrow(0, 0, 1)?.f_full_like(images as f64)?;
    let sums = ranks.sum(&Tensor::f_cat(&[&sum_a, &sum_b, &count], 0)?)?;
    let count = sums.f_narrow(0, 2 * channels, 1)?;
    let scale = count.f_rsqrt()?;
    let centred = |h: &Tensor, first: i64| {
        let mean = sums.f_narrow(0, first, channels)?.f_div(&count)?;
        h.f_sub(&mean)?.f_mul(&scale)
    };
    Ok([centred(views[0], 0)?, centred(views[1], channels)?])
}

/// Adds a feature that is always 1.
fn with_one(h: &Tensor) -> Result<Tensor, TchError> {
    let ones = h.f_narrow(1, 0, 1)?.f_ones_like()?;
    Tensor::f_cat(&[h, &ones], 1)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::{
        loss::literal::{Dual, Inputs, check_gradients},
        model::tensor,
    };

    const N: usize = 6;
    const LOCATIONS: usize = 3;
    const C: usize = 4;
    const D: usize = 7;

    /// Equations 1 and 2, read aloud, with the last layer at each location.
    ///
    /// The arguments are the features of both views `[N, LOCATIONS, C]`, then
    /// weight `[D, C]` and bias `[D]`.
    fn literal(loss: BarlowTwins, arguments: &[Vec<Dual>]) -> Dual {
        let [h_a, h_b, weight, bias] = arguments else { panic!("four arguments") };
        let n = Dual::from(N as f64);
        let embedding = |h: &[Dual], b: usize, i: usize| {
            let at_location = |l: usize| {
                let products = (0..C).map(|c| h[(b * LOCATIONS + l) * C + c] * weight[i * C + c]);
                products.sum::<Dual>() + bias[i]
            };
            (0..LOCATIONS).map(at_location).sum::<Dual>() / Dual::from(LOCATIONS as f64)
        };
        let prepared = |h: &[Dual]| -> Vec<Vec<Dual>> {
            let prepare = |i: usize| {
                let z: Vec<Dual> = (0..N).map(|b| embedding(h, b, i)).collect();
                let mean =
                    if loss.centre { z.iter().copied().sum::<Dual>() / n } else { Dual::from(0.0) };
                let squares = z.iter().map(|&v| (v - mean) * (v - mean)).sum::<Dual>();
                let norm = if loss.centre {
                    ((squares / n + Dual::from(1e-5)) * n).sqrt()
                } else {
                    squares.sqrt()
                };
                z.iter().map(|&v| (v - mean) / norm).collect()
            };
            (0..D).map(prepare).collect()
        };
        let (z_a, z_b) = (prepared(h_a), prepared(h_b));
        let mut sum = Dual::from(0.0);
        for (i, z_a) in z_a.iter().enumerate() {
            for (j, z_b) in z_b.iter().enumerate() {
                let c = z_a.iter().zip(z_b).map(|(&a, &b)| a * b).sum::<Dual>();
                let off = Dual::from(1.0) - c;
                sum = sum + if i == j { off * off } else { Dual::from(loss.lambda) * c * c };
            }
        }
        sum
    }

    #[track_caller]
    fn check(loss: BarlowTwins) {
        let features = [N, LOCATIONS, C];
        let inputs = Inputs::new(&[&features, &features, &[D, C], &[D]]);
        check_gradients(
            &inputs,
            |arguments| literal(loss, arguments),
            |tensors| {
                let pooled = |h: &Tensor| h.f_mean_dim(1_i64, false, Kind::Double);
                let (h_a, h_b) = (pooled(&tensors[0])?, pooled(&tensors[1])?);
                loss.loss([&h_a, &h_b], &tensors[2], &tensors[3], Ranks::ALONE)
            },
        );
    }

    #[test]
    fn is_equations_1_and_2_with_every_gradient() {
        check(BarlowTwins { lambda: 0.3, centre: false });
    }

    #[test]
    fn is_the_same_on_centred_embeddings() {
        check(BarlowTwins { lambda: 0.3, centre: true });
    }

    fn identity(side: i64) -> (Tensor, Tensor) {
        let options = (Kind::Float, Device::Cpu);
        (Tensor::eye(side, options), Tensor::zeros([side], options))
    }

    #[test]
    fn equal_views_of_uncorrelated_units_cost_nothing() {
        let z: [f32; 8] = [1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0, -1.0];
        let z = tensor(&z, &[4, 2], Device::Cpu).expect("a tensor");
        let (weight, bias) = identity(2);
        for centre in [false, true] {
            let loss =
                BarlowTwins { lambda: 1.0, centre }.loss([&z, &z], &weight, &bias, Ranks::ALONE);
            assert!(loss.expect("a loss").double_value(&[]).abs() < 1e-6);
        }
    }

    #[test]
    fn a_silent_unit_is_no_division_by_zero() {
        let z = tensor(&[0.0, 1.0, 0.0, 2.0], &[2, 2], Device::Cpu).expect("a tensor");
        let (weight, bias) = identity(2);
        for centre in [false, true] {
            let loss =
                BarlowTwins { lambda: 1.0, centre }.loss([&z, &z], &weight, &bias, Ranks::ALONE);
            assert!(loss.expect("a loss").double_value(&[]).is_finite());
        }
    }
}
