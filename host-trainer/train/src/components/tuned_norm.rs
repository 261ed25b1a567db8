//! Tuned normalisation: division by channels that prefer something else.

use tch::{Kind, TchError, Tensor};

/// Least width of a pool, in channels.
const LEAST_SIGMA: f64 = 0.5;

/// √(2π) as \[BIO\] writes it; it cancels when columns are normalised.
const ROOT_TWO_PI: f64 = 2.5066;

/// `y_i = x_i / (1 + Σ_j g_ij x_j)` of `x`, `[N, C, H, W]`, which is not
/// negative, with `sigma`, `[C]`, that of the channel which divides.
///
/// Of `n` channels, `d_ij = |((j - i) mod n) - ⌊n/2⌋|` and
/// `g_ij = exp(-d_ij² / 2σ_j²) / (2.5066 σ_j)`, then `g_ij /= Σ_i g_ij`. A σ
/// below 0.5 counts as 0.5.
///
/// # Errors
///
/// When libtorch refuses an operation.
pub fn tuned_norm(x: &Tensor, sigma: &Tensor) -> Result<Tensor, TchError> {
    let pool = pools(sigma)?.f_to_kind(x.kind())?.f_unsqueeze(-1)?.f_unsqueeze(-1)?;
    let divisor = x.f_conv2d(&pool, None::<Tensor>, 1, 0, 1, 1)?.f_add_scalar(1.0)?;
    x.f_div(&divisor)
}

/// Returns `g`, `[C, C]`, whose columns have the sum 1.
fn pools(sigma: &Tensor) -> Result<Tensor, TchError> {
    let channels = sigma.numel();
    let distance = |at: usize| {
        let (i, j) = (at / channels, at % channels);
        ((j + channels - i) % channels).abs_diff(channels / 2) as f64
    };
    let distances: Vec<f64> = (0..channels * channels).map(distance).collect();
    let side = i64::try_from(channels).unwrap_or(i64::MAX);
    let distances = Tensor::from_slice(&distances).f_reshape([side, side])?;
    let distances = distances.f_to_device(sigma.device())?.f_to_kind(sigma.kind())?;
    let sigma = sigma.f_clamp_min(LEAST_SIGMA)?;
    let exponent = distances.f_div(&sigma)?.f_square()?.f_mul_scalar(-0.5)?;
    let weights = exponent.f_exp()?.f_div(&sigma.f_mul_scalar(ROOT_TWO_PI)?)?;
    weights.f_div(&weights.f_sum_dim_intlist(0_i64, true, None::<Kind>)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::testing::{Drawn, close, gradients_agree, single, values};

    fn literal([n, c, h, w]: [usize; 4], x: &[f64], sigma: &[f64]) -> Vec<f64> {
        let g = |i: usize, j: usize| {
            let (n, s) = (c as f64, sigma[j].max(0.5));
            let d = ((j as f64 - i as f64).rem_euclid(n) - (n / 2.0).floor()).abs();
            (-d * d / (2.0 * s * s)).exp() / (2.5066 * s)
        };
        let mut y = Vec::new();
        for at in 0..n * c * h * w {
            let (image, i, place) = (at / (c * h * w), at / (h * w) % c, at % (h * w));
            let mut divisor = 1.0;
            for j in 0..c {
                let column: f64 = (0..c).map(|i| g(i, j)).sum();
                divisor += g(i, j) / column * x[(image * c + j) * h * w + place];
            }
            y.push(x[at] / divisor);
        }
        y
    }

    #[test]
    fn opponents_divide() {
        let mut drawn = Drawn::new(5);
        for shape in [[2, 6, 3, 2], [1, 7, 2, 2], [1, 1, 1, 1], [1, 64, 1, 2]] {
            let x = drawn.uniform(shape.iter().product(), 0.0, 5.0);
            // Below the least width, too.
            let sigma = drawn.uniform(shape[1], -0.5, 2.0);
            let expected = literal(shape, &x, &sigma);
            let y = tuned_norm(&single(&x, &shape), &single(&sigma, &[shape[1]]));
            close(&values(&y.expect("a map")), &expected, 1e-5);
        }
    }

    #[test]
    fn by_hand_the_opposite_channel_divides_most() {
        // Narrow pools of four channels: channel 0 is divided by channel 2.
        let g = values(&pools(&Tensor::from_slice(&[0.5; 4])).expect("pools"));
        let (e2, e8) = ((-2.0_f64).exp(), (-8.0_f64).exp());
        let sum = 1.0 + 2.0 * e2 + e8;
        close(&g[..4], &[e8 / sum, e2 / sum, 1.0 / sum, e2 / sum], 1e-12);
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let mut drawn = Drawn::new(6);
        let inputs = [drawn.double(&[2, 5, 2, 2], 0.1, 2.0), drawn.double(&[5], 0.7, 2.0)];
        gradients_agree(&inputs, |inputs| tuned_norm(&inputs[0], &inputs[1]));
    }
}
