//! Standard divisive normalisation: division by rotated Gaussians of all
//! channels around.

use tch::{TchError, Tensor};

/// Side of the kernels.
const SIDE: i64 = 3;

/// Least value of what the amplitude and squared widths divide by.
const LEAST: f64 = 0.1;

/// The parameters, `[C, C]` each by out and in, and one bias (Cirincione et al.,
/// 2022, "Implementing divisive normalization in CNNs improves robustness to
/// common image corruptions").
#[derive(Debug)]
pub struct DivisiveNorm<'t> {
    /// `A`
    pub amplitude: &'t Tensor,
    /// `ρ`, the width along x'.
    pub rho: &'t Tensor,
    /// `σ`, the width along y'.
    pub sigma: &'t Tensor,
    /// `θ`, by which the Gaussian is turned.
    pub theta: &'t Tensor,
    /// `v`, its place along x'.
    pub v: &'t Tensor,
    /// `w`, its place along y'.
    pub w: &'t Tensor,
    /// `b`, one value.
    pub bias: &'t Tensor,
}

impl DivisiveNorm<'_> {
    /// `y = x / (G ∗ x + |b|)`, `[N, C, H, W]` to the same shape, with zeros
    /// outside.
    ///
    /// On 3×3 pixels with columns `x` and rows `y` of 1, 2, 3, not centred,
    /// `x' = x cos θ + y sin θ`, `y' = -x sin θ + y cos θ` and
    /// `G = |A / max(2πρσ, 0.1)| · exp(-½ [(x' - v)² / max(ρ², 0.1) + (y' - w)² /
    /// max(σ², 0.1)])`.
    ///
    /// # Errors
    ///
    /// When libtorch refuses an operation.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let channels = x.size4()?.1;
        let kernels = self.kernels()?.f_reshape([channels, channels, SIDE, SIDE])?;
        let kernels = kernels.f_to_kind(x.kind())?;
        let pool = x.f_conv2d(&kernels, None::<Tensor>, 1, SIDE / 2, 1, 1)?;
        x.f_div(&pool.f_add(&self.bias.f_abs()?.f_to_kind(x.kind())?)?)
    }

    /// Returns `G`, `[C · C, 9]`.
    fn kernels(&self) -> Result<Tensor, TchError> {
        let of = |tensor: &Tensor| tensor.f_reshape([-1, 1]);
        let (rho, sigma, theta) = (of(self.rho)?, of(self.sigma)?, of(self.theta)?);
        let (sine, cosine) = (theta.f_sin()?, theta.f_cos()?);
        let coordinates = |of: fn(i64) -> i64| {
            let values: Vec<f64> = (0..SIDE * SIDE).map(|tap| (of(tap) + 1) as f64).collect();
            let row = Tensor::from_slice(&values).f_reshape([1, -1])?;
            row.f_to_device(theta.device())?.f_to_kind(theta.kind())
        };
        let (columns, rows) = (coordinates(|tap| tap % SIDE)?, coordinates(|tap| tap / SIDE)?);
        let along = columns.f_mul(&cosine)?.f_add(&rows.f_mul(&sine)?)?;
        let across = rows.f_mul(&cosine)?.f_sub(&columns.f_mul(&sine)?)?;
        let term = |place: Tensor, middle: &Tensor, width: &Tensor| {
            let distance = place.f_sub(&of(middle)?)?.f_square()?;
            distance.f_div(&width.f_square()?.f_clamp_min(LEAST)?)
        };
        let exponent = term(along, self.v, &rho)?.f_add(&term(across, self.w, &sigma)?)?;
        let area = rho.f_mul(&sigma)?.f_mul_scalar(std::f64::consts::TAU)?.f_clamp_min(LEAST)?;
        let height = of(self.amplitude)?.f_div(&area)?.f_abs()?;
        exponent.f_mul_scalar(-0.5)?.f_exp()?.f_mul(&height)
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;
    use crate::components::testing::{Drawn, close, gradients_agree, single, values};

    fn literal([n, c, h, w]: [usize; 4], x: &[f64], parameters: &[Vec<f64>; 7]) -> Vec<f64> {
        let [amplitude, rho, sigma, theta, v, to_w, bias] = parameters;
        let g = |pair: usize, ky: usize, kx: usize| {
            let (column, row) = (kx as f64 + 1.0, ky as f64 + 1.0);
            let (sine, cosine) = theta[pair].sin_cos();
            let along = column * cosine + row * sine;
            let across = -column * sine + row * cosine;
            let exponent = (along - v[pair]).powi(2) / rho[pair].powi(2).max(0.1)
                + (across - to_w[pair]).powi(2) / sigma[pair].powi(2).max(0.1);
            (amplitude[pair] / (TAU * rho[pair] * sigma[pair]).max(0.1)).abs()
                * (-0.5 * exponent).exp()
        };
        let mut y = Vec::new();
        for at in 0..n * c * h * w {
            let (image, out, row, column) =
                (at / (c * h * w), at / (h * w) % c, at / w % h, at % w);
            let mut divisor = bias[0].abs();
            for (channel, ky, kx) in (0..c * 9).map(|tap| (tap / 9, tap % 9 / 3, tap % 3)) {
                let (from_row, from_column) = (row + ky, column + kx);
                if (1..=h).contains(&from_row) && (1..=w).contains(&from_column) {
                    let place = ((image * c + channel) * h + from_row - 1) * w + from_column - 1;
                    divisor += g(out * c + channel, ky, kx) * x[place];
                }
            }
            y.push(x[at] / divisor);
        }
        y
    }

    fn drawn(drawn: &mut Drawn, pairs: usize) -> [Vec<f64>; 7] {
        [
            drawn.uniform(pairs, -1.0, 1.0),
            // Below the least values, too.
            drawn.uniform(pairs, 0.05, 2.0),
            drawn.uniform(pairs, 0.05, 2.0),
            drawn.uniform(pairs, 0.0, 6.25),
            drawn.normal(pairs),
            drawn.normal(pairs),
            vec![-1.5],
        ]
    }

    fn forward(x: &Tensor, parameters: &[Tensor]) -> Result<Tensor, TchError> {
        let [amplitude, rho, sigma, theta, v, w, bias] = parameters else {
            panic!("seven parameters")
        };
        DivisiveNorm { amplitude, rho, sigma, theta, v, w, bias }.forward(x)
    }

    #[test]
    fn gaussians_of_all_channels_divide() {
        let mut draw = Drawn::new(7);
        for shape in [[2, 3, 4, 5], [1, 1, 1, 1], [1, 4, 1, 3]] {
            let pairs = shape[1] * shape[1];
            let x = draw.uniform(shape.iter().product(), 0.0, 3.0);
            let parameters = drawn(&mut draw, pairs);
            let expected = literal(shape, &x, &parameters);
            let (pair, one) = ([shape[1]; 2], [1]);
            let shapes = (0..7).map(|at| if at < 6 { &pair[..] } else { &one[..] });
            let tensors: Vec<Tensor> = parameters
                .iter()
                .zip(shapes)
                .map(|(values, shape)| single(values, shape))
                .collect();
            let y = forward(&single(&x, &shape), &tensors).expect("a map");
            close(&values(&y), &expected, 1e-5);
        }
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let mut draw = Drawn::new(8);
        let side = [2, 2];
        let inputs = [
            draw.double(&[1, 2, 3, 3], 0.1, 2.0),
            draw.double(&side, 0.2, 1.0),
            draw.double(&side, 0.6, 2.0),
            draw.double(&side, 0.6, 2.0),
            draw.double(&side, 0.0, 6.0),
            draw.double(&side, 0.0, 2.0),
            draw.double(&side, 0.0, 2.0),
            draw.double(&[1], 1.0, 2.0),
        ];
        gradients_agree(&inputs, |inputs| forward(&inputs[0], &inputs[1..]));
    }
}
