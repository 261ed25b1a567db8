//! The components of V1 as weights, from their trained parameters: kernels of
//! centre–surround, and what a normalisation divides by.
//!
//! docs/components.md has the equations. Sums and functions are in f64 and the
//! same on every machine.

use std::f64::consts::{PI, TAU};

use lcl_infer::shape::{Border, NormGeometry};

use super::norm::FloatNorm;
use lcl_artefacts::checkpoint::{Components, SURROUND_CHANNELS, Surround};

/// Side of centre–surround's kernels.
pub(super) const SURROUND_SIDE: usize = 5;

/// Least variance of a centre, and least ratio of its surround's to it.
const LEAST_CENTRE: f64 = 0.1;
const LEAST_SURROUND: f64 = 1.0 + 1e-4;

/// Least norm that kernels of centre–surround are divided by.
const LEAST_NORM: f64 = 1e-12;

/// Least width of a pool of tuned normalisation, in channels.
const LEAST_POOL: f64 = 0.5;

/// √(2π) as the paper's code writes it.
const ROOT_TWO_PI: f64 = 2.5066;

/// Side of the Gaussians of divisive normalisation, and the least of what their
/// amplitudes and squared widths divide by.
const GAUSSIAN_SIDE: usize = 3;
const LEAST_GAUSSIAN: f64 = 0.1;

/// Returns the values of a tensor in f64, or `None` unless it has so many.
fn values(components: &Components, name: &str, count: usize) -> Option<Vec<f64>> {
    let tensor = components.tensor(name)?;
    let values: Vec<f64> = tensor.values.iter().map(|&value| value.into()).collect();
    (values.len() == count).then_some(values)
}

/// Returns the kernels of centre–surround, `[C, 5, 5, C]` (OHWI) for the first
/// quarter of the channels.
///
/// Returns `None` where a tensor is missing, as of every function here; a
/// checkpoint that was read has them.
pub(super) fn surround_kernels(components: &Components, form: Surround) -> Option<Vec<f64>> {
    let (channels, area) = (SURROUND_CHANNELS, SURROUND_SIDE * SURROUND_SIDE);
    let of = |name: &str| values(components, name, channels * channels);
    let (sigma1, scale) = (of("centre_surround.sigma1")?, of("centre_surround.scale")?);
    let amplitude = of("centre_surround.amplitude")?;
    let gaussian = |d: f64, sigma: f64| match form {
        Surround::Dog => libm::exp(-d / sigma) / (PI * sigma),
        Surround::DogAsPublished => sigma / PI * libm::exp(-d / sigma),
    };
    let mut kernels = vec![0.0; channels * channels * area];
    for tap in 0..area {
        let middle = SURROUND_SIDE / 2;
        let [dy, dx] = [tap / SURROUND_SIDE, tap % SURROUND_SIDE].map(|at| at.abs_diff(middle));
        let d = (dx * dx + dy * dy) as f64;
        let of_pair = |pair: usize| {
            let centre = sigma1[pair].max(LEAST_CENTRE);
            let surround = centre * scale[pair].max(LEAST_SURROUND);
            amplitude[pair] * (gaussian(d, centre) - gaussian(d, surround))
        };
        let of_pairs: Vec<f64> = (0..channels * channels).map(of_pair).collect();
        let norm = of_pairs.iter().map(|kernel| kernel * kernel).sum::<f64>().sqrt();
        for (pair, kernel) in of_pairs.into_iter().enumerate() {
            let (out, input) = (pair / channels, pair % channels);
            kernels[(out * area + tap) * channels + input] = kernel / norm.max(LEAST_NORM);
        }
    }
    Some(kernels)
}

/// Returns tuned normalisation, `y_i = x_i / (1 + Σ_j g_ij x_j)`.
pub(super) fn tuned_norm(components: &Components) -> Option<FloatNorm> {
    let channels = components.tensor("tuned_norm.sigma")?.values.len();
    let sigma = values(components, "tuned_norm.sigma", channels)?;
    let mut weights = vec![0.0; channels * channels];
    for (j, sigma) in sigma.into_iter().enumerate() {
        let sigma = sigma.max(LEAST_POOL);
        let of = |i: usize| {
            let d = ((j + channels - i) % channels).abs_diff(channels / 2) as f64 / sigma;
            libm::exp(-0.5 * d * d) / (ROOT_TWO_PI * sigma)
        };
        let column: Vec<f64> = (0..channels).map(of).collect();
        let sum: f64 = column.iter().sum();
        for (i, weight) in column.into_iter().enumerate() {
            weights[i * channels + j] = weight / sum;
        }
    }
    let norm = NormGeometry::new(channels, 1, Border::Zero)?;
    Some(FloatNorm { norm, weights, bias: vec![1.0; channels] })
}

/// Returns standard divisive normalisation, `y = x / (G ∗ x + |b|)`.
pub(super) fn divisive_norm(components: &Components) -> Option<FloatNorm> {
    let channels = *components.tensor("divisive_norm.amplitude")?.shape.first()?;
    let of = |name: &str| values(components, &format!("divisive_norm.{name}"), channels * channels);
    let (amplitude, rho, sigma) = (of("amplitude")?, of("rho")?, of("sigma")?);
    let (theta, v, w) = (of("theta")?, of("v")?, of("w")?);
    let bias = values(components, "divisive_norm.bias", 1)?.first()?.abs();
    let area = GAUSSIAN_SIDE * GAUSSIAN_SIDE;
    let mut weights = vec![0.0; channels * channels * area];
    for pair in 0..channels * channels {
        let (out, input) = (pair / channels, pair % channels);
        let (sine, cosine) = (libm::sin(theta[pair]), libm::cos(theta[pair]));
        let (rho, sigma) = (rho[pair], sigma[pair]);
        let height = (amplitude[pair] / (TAU * rho * sigma).max(LEAST_GAUSSIAN)).abs();
        let term =
            |distance: f64, width: f64| distance * distance / (width * width).max(LEAST_GAUSSIAN);
        for tap in 0..area {
            let column = (tap % GAUSSIAN_SIDE + 1) as f64;
            let row = (tap / GAUSSIAN_SIDE + 1) as f64;
            let along = column * cosine + row * sine - v[pair];
            let across = row * cosine - column * sine - w[pair];
            let exponent = term(along, rho) + term(across, sigma);
            weights[(out * area + tap) * channels + input] = height * libm::exp(-0.5 * exponent);
        }
    }
    let norm = NormGeometry::new(channels, GAUSSIAN_SIDE, Border::Zero)?;
    Some(FloatNorm { norm, weights, bias: vec![bias; channels] })
}
