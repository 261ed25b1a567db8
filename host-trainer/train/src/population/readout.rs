//! What a neuron reads at a position: `r_n = Σ_c w_nc · bilinear(core_c, g_n) +
//! b_n` (\[Lurz\], section 3.2).

use tch::{TchError, Tensor};

/// Interpolation and padding as `grid_sampler` numbers them: bilinear, zeros.
const BILINEAR: i64 = 0;
const ZEROS: i64 = 0;

/// Returns the responses of all neurons before ELU, `[N, neurons]`.
///
/// # Shapes
///
/// `features` is `[N, C, H, W]`; `positions` is `[N, neurons, 2]`, or `[1, neurons,
/// 2]` for the same in each image, (x, y) in `[-1, 1]`, corners aligned, zeros
/// outside; `weight` is `[neurons, C]`, `bias` `[neurons]`.
///
/// # Errors
///
/// When libtorch refuses an operation, as for shapes that do not fit.
pub fn responses(
    features: &Tensor,
    positions: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
) -> Result<Tensor, TchError> {
    let (images, neurons) = (features.size()[0], weight.size()[0]);
    let grid = positions.f_expand([images, neurons, 2], false)?.f_unsqueeze(2)?;
    let sampled = features.f_grid_sampler(&grid, BILINEAR, ZEROS, true)?.f_squeeze_dim(3)?;
    let products = sampled.f_mul(&weight.f_transpose(0, 1)?.f_unsqueeze(0)?)?;
    products.f_sum_dim_intlist(1, false, features.kind())?.f_add(bias)
}

/// Returns positions while fitting, `clamp(Σ_n ε + μ_n)`, `[N, neurons, 2]`, or,
/// without `noise`, `clamp(μ_n)`, `[1, neurons, 2]`.
///
/// # Shapes
///
/// `mu` is `[neurons, 2]`, `noise` `[N, neurons, 2]`. `sigma` is `[neurons, 2, 2]`, a
/// factor of the covariance `ΣΣᵀ`, or `[neurons, 2]` or `[neurons, 1]`, standard
/// deviations.
///
/// # Errors
///
/// When libtorch refuses an operation, as for shapes that do not fit.
pub fn positions(
    mu: &Tensor,
    sigma: Option<&Tensor>,
    noise: Option<&Tensor>,
) -> Result<Tensor, TchError> {
    let mu = mu.f_unsqueeze(0)?;
    let moved = match sigma.zip(noise) {
        None => mu,
        Some((sigma, noise)) if sigma.dim() == 3 => {
            let moves = sigma.f_unsqueeze(0)?.f_mul(&noise.f_unsqueeze(2)?)?;
            moves.f_sum_dim_intlist(3, false, noise.kind())?.f_add(&mu)?
        }
        Some((sigma, noise)) => sigma.f_unsqueeze(0)?.f_mul(noise)?.f_add(&mu)?,
    };
    moved.f_clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use lcl_population::fitted::bilinear;
    use tch::{Kind, Tensor};

    use super::*;
    use crate::model::length;

    const IMAGES: usize = 2;
    const NEURONS: usize = 5;
    const CHANNELS: usize = 3;
    const SIZE: (usize, usize) = (4, 6);

    /// Values that follow no order.
    fn values(len: usize, seed: f64, scale: f64) -> Vec<f64> {
        (0..len).map(|at| scale * ((at as f64 * 12.9898 + seed).sin() * 43.758).fract()).collect()
    }

    /// Features, mu, sigma, weight, bias and noise, by that order.
    struct Arrays {
        arrays: [Vec<f64>; 6],
        sigma_len: usize,
    }

    impl Arrays {
        fn new(sigma_len: usize) -> Self {
            let map = IMAGES * CHANNELS * SIZE.0 * SIZE.1;
            let arrays = [
                values(map, 1.0, 1.0),
                values(2 * NEURONS, 2.0, 0.9),
                values(sigma_len * NEURONS, 3.0, 0.3),
                values(NEURONS * CHANNELS, 4.0, 1.0),
                values(NEURONS, 5.0, 1.0),
                values(IMAGES * NEURONS * 2, 6.0, 2.0),
            ];
            Self { arrays, sigma_len }
        }

        /// The equations as loops.
        fn literal(&self, with_noise: bool) -> Vec<f64> {
            let [features, mu, sigma, weight, bias, noise] = &self.arrays;
            let (height, width) = SIZE;
            let mut out = Vec::new();
            for image in 0..IMAGES {
                for n in 0..NEURONS {
                    let e = |axis: usize| noise[(image * NEURONS + n) * 2 + axis];
                    let moved = |axis: usize| match (with_noise, self.sigma_len) {
                        (false, _) => 0.0,
                        (_, 4) => {
                            sigma[n * 4 + axis * 2] * e(0) + sigma[n * 4 + axis * 2 + 1] * e(1)
                        }
                        (_, 2) => sigma[n * 2 + axis] * e(axis),
                        _ => sigma[n] * e(axis),
                    };
                    let at = [0, 1].map(|axis| (mu[n * 2 + axis] + moved(axis)).clamp(-1.0, 1.0));
                    let mut sum = bias[n];
                    for c in 0..CHANNELS {
                        let start = (image * CHANNELS + c) * height * width;
                        let value = |y: usize, x: usize| features[start + y * width + x];
                        sum += weight[n * CHANNELS + c] * bilinear(at, SIZE, value);
                    }
                    out.push(sum);
                }
            }
            out
        }

        fn tensors(&self) -> [Tensor; 6] {
            let [n, c] = [NEURONS, CHANNELS].map(length);
            let (h, w) = (length(SIZE.0), length(SIZE.1));
            let images = length(IMAGES);
            let sigma =
                if self.sigma_len == 4 { vec![n, 2, 2] } else { vec![n, length(self.sigma_len)] };
            let shapes =
                [vec![images, c, h, w], vec![n, 2], sigma, vec![n, c], vec![n], vec![images, n, 2]];
            let mut shapes = shapes.into_iter();
            self.arrays.each_ref().map(|values| {
                let shape = shapes.next().expect("a shape");
                Tensor::from_slice(values).reshape(shape).set_requires_grad(true)
            })
        }
    }

    fn computed(tensors: &[Tensor; 6], with_noise: bool) -> Result<Tensor, TchError> {
        let [features, mu, sigma, weight, bias, noise] = tensors;
        let at = positions(mu, Some(sigma), with_noise.then_some(noise))?;
        responses(features, &at, weight, bias)
    }

    #[test]
    fn each_readout_equals_its_loops() -> Result<(), TchError> {
        for sigma_len in [4, 2, 1] {
            for with_noise in [true, false] {
                let arrays = Arrays::new(sigma_len);
                let got = computed(&arrays.tensors(), with_noise)?;
                let got = Vec::<f64>::try_from(got.f_reshape(-1)?)?;
                for (got, expected) in got.iter().zip(arrays.literal(with_noise)) {
                    assert!((got - expected).abs() < 1e-9, "{sigma_len} {with_noise}");
                }
            }
        }
        Ok(())
    }

    #[test]
    fn gradients_are_those_of_the_loops() -> Result<(), TchError> {
        const STEP: f64 = 1e-6;
        for sigma_len in [4, 2, 1] {
            let arrays = Arrays::new(sigma_len);
            let tensors = arrays.tensors();
            let out = computed(&tensors, true)?;
            // A sum with weights of its own, so that no gradient cancels.
            let shares = values(IMAGES * NEURONS, 7.0, 1.0);
            let weighted = |values: Vec<f64>| -> f64 {
                values.iter().zip(&shares).map(|(value, share)| value * share).sum()
            };
            let weights = Tensor::from_slice(&shares).f_reshape(out.size())?;
            out.f_mul(&weights)?.f_sum(Kind::Double)?.backward();
            for (which, tensor) in tensors.iter().enumerate().take(5) {
                let gradient = Vec::<f64>::try_from(tensor.f_grad()?.f_reshape(-1)?)?;
                for (at, got) in gradient.into_iter().enumerate() {
                    let moved = |step: f64| {
                        let mut arrays = Arrays::new(sigma_len);
                        arrays.arrays[which][at] += step;
                        weighted(arrays.literal(true))
                    };
                    let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                    assert!(
                        (got - expected).abs() < 1e-5,
                        "{sigma_len} {which} {at}: {got} {expected}"
                    );
                }
            }
        }
        Ok(())
    }
}
