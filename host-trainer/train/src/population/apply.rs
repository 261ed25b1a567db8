//! Readouts on plain arrays, so that others can compare values.

use lcl_artefacts::arrays::{Array, NamedArrays};
use tch::{Kind, Tensor};

use super::readout::{positions, responses};
use crate::{
    components::apply::{Applied, ApplyError},
    model::{length, shape, values},
};

/// Applies the readout with a free covariance factor: `x`, `[N, C, H, W]`, `mu`,
/// `[neurons, 2]`, (x, y) in `[-1, 1]`, `sigma`, `[neurons, 2, 2]`, `weight`,
/// `[neurons, C]`, `bias`, `[neurons]`, and, for a sample as while fitting, `noise`,
/// `[N, neurons, 2]`. Gives `y`, `[N, neurons]`, before ELU.
///
/// # Errors
///
/// As all of this module: when a tensor is not as it must be, or libtorch refuses an
/// operation.
pub fn readout_full(arrays: &NamedArrays) -> Result<Applied, ApplyError> {
    readout(arrays, &[2, 2])
}

/// Applies the readout with two standard deviations: `sigma` is `[neurons, 2]`.
///
/// # Errors
///
/// As of [`readout_full`].
pub fn readout_uncorrelated(arrays: &NamedArrays) -> Result<Applied, ApplyError> {
    readout(arrays, &[2])
}

/// Applies the readout with one standard deviation: `sigma` is `[neurons, 1]`.
///
/// # Errors
///
/// As of [`readout_full`].
pub fn readout_isotropic(arrays: &NamedArrays) -> Result<Applied, ApplyError> {
    readout(arrays, &[1])
}

fn readout(arrays: &NamedArrays, sigma_shape: &[usize]) -> Result<Applied, ApplyError> {
    arrays.only(&["x", "mu", "sigma", "weight", "bias", "noise"])?;
    let x = arrays.with_axes("x", &["N", "C", "H", "W"])?;
    let neurons = arrays.with_axes("mu", &["neurons", "2"])?.shape[0];
    let mu = double(arrays.with_shape("mu", &[neurons, 2])?)?;
    let sigma = [&[neurons], sigma_shape].concat();
    let sigma = double(arrays.with_shape("sigma", &sigma)?)?;
    let weight = double(arrays.with_shape("weight", &[neurons, x.shape[1]])?)?;
    let bias = double(arrays.with_shape("bias", &[neurons])?)?;
    let noise = if arrays.has("noise") {
        Some(double(arrays.with_shape("noise", &[x.shape[0], neurons, 2])?)?)
    } else {
        None
    };
    // A free mean is clamped before it is moved, too.
    let at = positions(&mu.f_clamp(-1.0, 1.0)?, Some(&sigma), noise.as_ref())?;
    let y = responses(&double(x)?, &at, &weight, &bias)?;
    Ok(vec![("y".to_owned(), Array { shape: shape(&y), values: values(&y)? })])
}

fn double(array: &Array) -> Result<Tensor, ApplyError> {
    let shape: Vec<i64> = array.shape.iter().copied().map(length).collect();
    Ok(Tensor::f_from_slice(&array.values)?.f_reshape(shape)?.f_to_kind(Kind::Double)?)
}
