//! The loss of SimSiam.

use tch::{TchError, Tensor};

use super::unit_rows;
use crate::workers::Ranks;

/// The symmetric negative cosine of SimSiam.
///
/// `D(p, z) = -(p / ‖p‖) · (z / ‖z‖)`  (1)
///
/// `loss = ½ D(p_a, stopgrad(z_b)) + ½ D(p_b, stopgrad(z_a))`  (4)
///
/// Here `z` are embeddings and `p` what a predictor makes of them; the loss is
/// the mean over the batch, in -1 to 1. `stopgrad` lets no gradient through.
///
/// Source: Chen and He, 2021, "Exploring simple Siamese representation
/// learning", equations 1 and 4, arXiv 2011.10566.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimSiam;

impl SimSiam {
    /// Returns the loss of the predictions `p_a` and `p_b` and the embeddings
    /// `z_a` and `z_b`, all `[N, D]`, as a scalar. Of several ranks each has some
    /// of the rows.
    ///
    /// # Errors
    ///
    /// When libtorch refuses an operation.
    pub fn loss(
        &self,
        p: [&Tensor; 2],
        z: [&Tensor; 2],
        ranks: Ranks<'_>,
    ) -> Result<Tensor, TchError> {
        let similarity = |p: &Tensor, z: &Tensor| {
            unit_rows(p)?.f_mul(&unit_rows(&z.f_detach()?)?)?.f_sum(p.kind())
        };
        let own = similarity(p[0], z[1])?.f_add(&similarity(p[1], z[0])?)?;
        let images = own.f_full_like(p[0].size2()?.0 as f64)?;
        let sums = ranks.sum(&Tensor::f_stack(&[own, images], 0)?)?;
        sums.f_select(0, 0)?.f_div(&sums.f_select(0, 1)?.f_detach()?)?.f_mul_scalar(-0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::literal::{Dual, Inputs, check_gradients, cosine};

    const N: usize = 5;
    const D: usize = 3;

    #[test]
    fn is_equations_1_and_4_with_every_gradient() {
        let literal = |arguments: &[Vec<Dual>]| {
            let [p_a, p_b, z_a, z_b] = arguments else { panic!("four arguments") };
            let image = |b: usize| {
                let row = |of: &[Dual]| of[b * D..(b + 1) * D].to_vec();
                let stopped = |of: &[Dual]| -> Vec<Dual> {
                    row(of).into_iter().map(Dual::without_slope).collect()
                };
                let half = |p: &[Dual], z: &[Dual]| Dual::from(-0.5) * cosine(&row(p), &stopped(z));
                half(p_a, z_b) + half(p_b, z_a)
            };
            (0..N).map(image).sum::<Dual>() / Dual::from(N as f64)
        };
        let inputs = Inputs::new(&[&[N, D], &[N, D], &[N, D], &[N, D]]);
        check_gradients(&inputs, literal, |t| {
            SimSiam.loss([&t[0], &t[1]], [&t[2], &t[3]], Ranks::ALONE)
        });
    }
}
