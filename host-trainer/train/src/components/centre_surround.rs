//! Centre–surround antagonism: differences of Gaussians with learned widths.

use tch::{Kind, TchError, Tensor};

/// Side of the kernels.
const SIDE: i64 = 5;

/// Where zeros lie outside of the map.
const PADDING: i64 = SIDE / 2;

/// Least variance of a centre.
const LEAST_SIGMA: f64 = 0.1;

/// Least ratio of a surround's to its centre's.
const LEAST_SCALE: f64 = 1.0 + 1e-4;

/// Least norm that kernels are divided by.
const LEAST_NORM: f64 = 1e-12;

/// Which difference of Gaussians.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SurroundForm {
    /// Each Gaussian has the integral 1: the surround is weaker and wider.
    Dog,
    /// As the public code of \[BIO\] writes it, which multiplies by σ where it
    /// should divide: one sign at every pixel, and so no surround.
    AsPublished,
}

/// The parameters of all pairs of channels, `[C · C]` each; the index of a pair
/// is `out · C + in`.
#[derive(Debug)]
pub struct CentreSurround<'t> {
    /// Which difference.
    pub form: SurroundForm,
    /// `σ1`, the centre's; below 0.1 it counts as 0.1.
    pub sigma1: &'t Tensor,
    /// `s`, the surround's σ over the centre's; at least 1.0001.
    pub scale: &'t Tensor,
    /// `A`, the amplitude, of either sign.
    pub amplitude: &'t Tensor,
}

impl CentreSurround<'_> {
    /// Convolves `[N, C, H, W]` to the same shape, with zeros outside.
    ///
    /// With `d` the squared distance from the middle of 5×5 pixels and
    /// `σ2 = σ1 · max(s, 1.0001)`,
    /// `K = A · [exp(-d / σ1) / (π σ1) - exp(-d / σ2) / (π σ2)]`; as published
    /// `K = A · [σ1/π · exp(-d / σ1) - σ2/π · exp(-d / σ2)]`. At each pixel the
    /// kernels of all pairs are then divided by their common L2 norm.
    ///
    /// # Errors
    ///
    /// When libtorch refuses an operation.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let channels = x.size4()?.1;
        let kernels = self.kernels()?.f_reshape([channels, channels, SIDE, SIDE])?;
        x.f_conv2d(&kernels.f_to_kind(x.kind())?, None::<Tensor>, 1, PADDING, 1, 1)
    }

    /// Returns the normalised kernels, `[C · C, 25]`.
    fn kernels(&self) -> Result<Tensor, TchError> {
        let kind = self.sigma1.kind();
        let column = |tensor: &Tensor| tensor.f_reshape([-1, 1]);
        let sigma1 = column(self.sigma1)?.f_clamp_min(LEAST_SIGMA)?;
        let sigma2 = sigma1.f_mul(&column(self.scale)?.f_clamp_min(LEAST_SCALE)?)?;
        let distances = squared_distances().f_to_device(self.sigma1.device())?.f_to_kind(kind)?;
        let gaussian = |sigma: &Tensor| {
            let decay = distances.f_div(sigma)?.f_neg()?.f_exp()?;
            let over_pi = decay.f_mul_scalar(std::f64::consts::FRAC_1_PI)?;
            match self.form {
                SurroundForm::Dog => over_pi.f_div(sigma),
                SurroundForm::AsPublished => over_pi.f_mul(sigma),
            }
        };
        let difference = gaussian(&sigma1)?.f_sub(&gaussian(&sigma2)?)?;
        let kernels = difference.f_mul(&column(self.amplitude)?)?;
        let norms = kernels.f_norm_scalaropt_dim(2.0, [0_i64], true)?;
        kernels.f_div(&norms.f_clamp_min(LEAST_NORM)?)
    }
}

/// Squared distances from the middle of 5×5 pixels, `[1, 25]`.
fn squared_distances() -> Tensor {
    let offset = |at: i64| (at - SIDE / 2).pow(2) as f64;
    let distances: Vec<f64> =
        (0..SIDE * SIDE).map(|at| offset(at / SIDE) + offset(at % SIDE)).collect();
    Tensor::from_slice(&distances).to_kind(Kind::Double).reshape([1, -1])
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;
    use crate::components::testing::{Drawn, close, gradients_agree, values};

    /// The definition, pixel by pixel.
    fn literal(
        form: SurroundForm,
        [n, c, h, w]: [usize; 4],
        [x, sigma1, scale, amplitude]: [&[f64]; 4],
    ) -> Vec<f64> {
        let kernel = |pair: usize, ky: usize, kx: usize| {
            let d = (kx as f64 + 1.0 - 3.0).powi(2) + (ky as f64 + 1.0 - 3.0).powi(2);
            let s1 = sigma1[pair].max(0.1);
            let s2 = s1 * scale[pair].max(1.0 + 1e-4);
            amplitude[pair]
                * match form {
                    SurroundForm::Dog => (-d / s1).exp() / (PI * s1) - (-d / s2).exp() / (PI * s2),
                    SurroundForm::AsPublished => {
                        s1 / PI * (-d / s1).exp() - s2 / PI * (-d / s2).exp()
                    }
                }
        };
        let norm = |ky, kx| {
            (0..c * c).map(|pair| kernel(pair, ky, kx).powi(2)).sum::<f64>().sqrt().max(1e-12)
        };
        let mut y = Vec::new();
        for at in 0..n * c * h * w {
            let (image, out, row, column) =
                (at / (c * h * w), at / (h * w) % c, at / w % h, at % w);
            let mut sum = 0.0;
            for (ky, kx) in (0..25).map(|tap| (tap / 5, tap % 5)) {
                let (Some(row), Some(column)) =
                    ((row + ky).checked_sub(2), (column + kx).checked_sub(2))
                else {
                    continue;
                };
                if row < h && column < w {
                    for channel in 0..c {
                        let value = x[((image * c + channel) * h + row) * w + column];
                        sum += kernel(out * c + channel, ky, kx) / norm(ky, kx) * value;
                    }
                }
            }
            y.push(sum);
        }
        y
    }

    #[test]
    fn both_forms_are_the_literal_ones() {
        let mut drawn = Drawn::new(1);
        for (form, shape) in [
            (SurroundForm::Dog, [2, 3, 6, 5]),
            (SurroundForm::AsPublished, [2, 3, 6, 5]),
            (SurroundForm::Dog, [1, 1, 1, 1]),
            (SurroundForm::AsPublished, [1, 1, 2, 7]),
        ] {
            let pairs = shape[1] * shape[1];
            let x = drawn.normal(shape.iter().product());
            // Below the least values, too.
            let sigma1: Vec<f64> = drawn.uniform(pairs, -0.2, 2.0);
            let scale = drawn.uniform(pairs, 0.5, 2.0);
            let amplitude = drawn.normal(pairs);
            let expected = literal(form, shape, [&x, &sigma1, &scale, &amplitude]);
            let [x, sigma1, scale, amplitude] =
                [(&x, &shape[..]), (&sigma1, &[pairs]), (&scale, &[pairs]), (&amplitude, &[pairs])]
                    .map(|(values, shape)| crate::components::testing::single(values, shape));
            let parts =
                CentreSurround { form, sigma1: &sigma1, scale: &scale, amplitude: &amplitude };
            close(&values(&parts.forward(&x).expect("a map")), &expected, 1e-5);
        }
    }

    #[test]
    fn only_the_form_in_use_has_a_surround() {
        let one = |value: f64| Tensor::from_slice(&[value, 0.8]);
        let [sigma1, scale, amplitude] = [one(1.0), one(1.5), one(1.0)];
        let signs = |form| {
            let kernels =
                CentreSurround { form, sigma1: &sigma1, scale: &scale, amplitude: &amplitude };
            let first = values(&kernels.kernels().expect("kernels").get(0));
            (first[12] > 0.0, first[0] > 0.0)
        };
        assert_eq!(signs(SurroundForm::Dog), (true, false));
        assert_eq!(signs(SurroundForm::AsPublished), (false, false));
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let mut drawn = Drawn::new(2);
        for form in [SurroundForm::Dog, SurroundForm::AsPublished] {
            let inputs = [
                drawn.double(&[1, 2, 4, 3], -1.0, 1.0),
                drawn.double(&[4], 0.5, 2.0),
                drawn.double(&[4], 1.1, 2.0),
                drawn.double(&[4], -2.0, 2.0),
            ];
            gradients_agree(&inputs, |inputs| {
                let [x, sigma1, scale, amplitude] = inputs else { panic!("four inputs") };
                CentreSurround { form, sigma1, scale, amplitude }.forward(x)
            });
        }
    }
}
