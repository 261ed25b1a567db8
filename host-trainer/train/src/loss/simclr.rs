//! The contrastive loss of SimCLR.

use tch::{TchError, Tensor};

use super::unit_rows;
use crate::workers::Ranks;

/// The normalised, temperature-scaled cross entropy of SimCLR.
///
/// `ℓ(i, j) = -log(exp(s_ij / τ) / Σ_{k≠i} exp(s_ik / τ))`
///
/// Here `s_ij` is the cosine between the embeddings `i` and `j` among the `2N`
/// of both views, and `τ` is `temperature`. The loss is the mean of `ℓ` over
/// the `2N` pairs of an embedding and that of the same image's other view.
///
/// Source: Chen, Kornblith, Norouzi and Hinton, 2020, "A simple framework for
/// contrastive learning of visual representations", equation 1, arXiv
/// 2002.05709.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimClr {
    /// What similarities are divided by.
    pub temperature: f64,
}

impl SimClr {
    /// Returns the loss of the embeddings `z_a` and `z_b`, both `[N, D]`, as a
    /// scalar. Of several ranks each has some of the rows, and all rows travel.
    ///
    /// # Errors
    ///
    /// When libtorch refuses an operation.
    pub fn loss(&self, z_a: &Tensor, z_b: &Tensor, ranks: Ranks<'_>) -> Result<Tensor, TchError> {
        let (kind, device) = (z_a.kind(), z_a.device());
        let (z_a, z_b) = (ranks.gather(&unit_rows(z_a)?)?, ranks.gather(&unit_rows(z_b)?)?);
        let images = z_a.size2()?.0;
        let all = Tensor::f_cat(&[&z_a, &z_b], 0)?;
        let itself = Tensor::f_eye(2 * images, (tch::Kind::Bool, device))?;
        let similarity = all.f_mm(&all.f_tr()?)?.f_div_scalar(self.temperature)?;
        let others = similarity.f_masked_fill(&itself, f64::NEG_INFINITY)?;
        let normaliser = others.f_logsumexp(1_i64, false)?.f_mean(kind)?;
        let same_image = z_a.f_mul(&z_b)?.f_sum(kind)?;
        normaliser.f_sub(&same_image.f_div_scalar(self.temperature * images as f64)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::literal::{Dual, Inputs, check_gradients, cosine};

    const N: usize = 5;
    const D: usize = 3;

    #[test]
    fn is_equation_1_with_every_gradient() {
        let loss = SimClr { temperature: 0.4 };
        let literal = |arguments: &[Vec<Dual>]| {
            let all: Vec<&[Dual]> = arguments.iter().flat_map(|z| z.chunks(D)).collect();
            let tau = Dual::from(loss.temperature);
            let exponential = |i: usize, j: usize| (cosine(all[i], all[j]) / tau).exp();
            let pair = |i: usize, j: usize| {
                let others = (0..2 * N).filter(|&k| k != i).map(|k| exponential(i, k));
                Dual::from(0.0) - (exponential(i, j) / others.sum::<Dual>()).ln()
            };
            let sum = (0..N).map(|i| pair(i, i + N) + pair(i + N, i)).sum::<Dual>();
            sum / Dual::from(2.0 * N as f64)
        };
        check_gradients(&Inputs::new(&[&[N, D], &[N, D]]), literal, |z| {
            loss.loss(&z[0], &z[1], Ranks::ALONE)
        });
    }
}
