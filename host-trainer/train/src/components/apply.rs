//! The components on plain arrays, so that others can compare values.
//!
//! Each function takes the input `x` and the parameters by name, computes in 64
//! bits and gives `y`.

use tch::{Kind, TchError, Tensor};

use super::{CentreSurround, DivisiveNorm, LEAST_MAP, Magnification, SurroundForm};
use crate::model::{ModelError, shape, values};
use lcl_artefacts::arrays::{Array, ArrayError, NamedArrays};

/// A component cannot be applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// A tensor is missing, unknown or misshapen.
    #[error(transparent)]
    Array(#[from] ArrayError),
    /// libtorch refused an operation.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl From<TchError> for ApplyError {
    fn from(error: TchError) -> Self {
        Self::Model(error.into())
    }
}

/// Named arrays of a result.
pub type Applied = Vec<(String, Array)>;

/// Applies [`CentreSurround`] with `sigma1`, `scale` and `amplitude`,
/// `[C · C]` each.
///
/// # Errors
///
/// As all of this module: when a tensor is not as it must be, or libtorch
/// refuses an operation.
pub fn dog(arrays: &NamedArrays) -> Result<Applied, ApplyError> {
    centre_surround(arrays, SurroundForm::Dog)
}

/// Applies [`CentreSurround`] in the published form.
///
/// # Errors
///
/// As of [`dog`].
pub fn dog_as_published(arrays: &NamedArrays) -> Result<Applied, ApplyError> {
    centre_surround(arrays, SurroundForm::AsPublished)
}

fn centre_surround(arrays: &NamedArrays, form: SurroundForm) -> Result<Applied, ApplyError> {
    arrays.only(&["x", "sigma1", "scale", "amplitude"])?;
    let x = arrays.with_axes("x", &MAP)?;
    let pairs = x.shape[1] * x.shape[1];
    let parameter = |name| double(arrays.with_shape(name, &[pairs])?);
    let (sigma1, scale, amplitude) =
        (parameter("sigma1")?, parameter("scale")?, parameter("amplitude")?);
    let component = CentreSurround { form, sigma1: &sigma1, scale: &scale, amplitude: &amplitude };
    result(&component.forward(&double(x)?)?)
}

/// Applies [`local`](super::local) with `weight`, `[C_out, C_in, H, W, 9]`.
///
/// # Errors
///
/// As of [`dog`].
pub fn local(arrays: &NamedArrays) -> Result<Applied, ApplyError> {
    arrays.only(&["x", "weight"])?;
    let x = arrays.with_axes("x", &MAP)?;
    let outputs = arrays.with_axes("weight", &["C_out", "C_in", "H", "W", "9"])?.shape[0];
    let weight = arrays.with_shape("weight", &[outputs, x.shape[1], x.shape[2], x.shape[3], 9])?;
    result(&super::local(&double(x)?, &double(weight)?)?)
}

/// Applies [`tuned_norm`](super::tuned_norm) with `sigma`, `[C]`.
///
/// # Errors
///
/// As of [`dog`].
pub fn tuned_norm(arrays: &NamedArrays) -> Result<Applied, ApplyError> {
    arrays.only(&["x", "sigma"])?;
    let x = arrays.with_axes("x", &MAP)?;
    let sigma = arrays.with_shape("sigma", &x.shape[1..2])?;
    result(&super::tuned_norm(&double(x)?, &double(sigma)?)?)
}

/// Applies [`DivisiveNorm`] with `amplitude`, `rho`, `sigma`, `theta`, `v` and
/// `w`, `[C, C]` each, and `bias`, `[1]`.
///
/// # Errors
///
/// As of [`dog`].
pub fn divisive_norm(arrays: &NamedArrays) -> Result<Applied, ApplyError> {
    arrays.only(&["x", "amplitude", "rho", "sigma", "theta", "v", "w", "bias"])?;
    let x = arrays.with_axes("x", &MAP)?;
    let pair = |name| double(arrays.with_shape(name, &[x.shape[1]; 2])?);
    let component = DivisiveNorm {
        amplitude: &pair("amplitude")?,
        rho: &pair("rho")?,
        sigma: &pair("sigma")?,
        theta: &pair("theta")?,
        v: &pair("v")?,
        w: &pair("w")?,
        bias: &double(arrays.with_shape("bias", &[1])?)?,
    };
    result(&component.forward(&double(x)?)?)
}

/// Applies [`Magnification`] to maps of 32×32.
///
/// # Errors
///
/// As of [`dog`].
pub fn magnification(arrays: &NamedArrays) -> Result<Applied, ApplyError> {
    arrays.only(&["x"])?;
    let x = arrays.with_axes("x", &MAP)?;
    let x = arrays.with_shape("x", &[x.shape[0], x.shape[1], LEAST_MAP, LEAST_MAP])?;
    let x = double(x)?;
    let component = Magnification::new(LEAST_MAP, x.device())?;
    let component = component.ok_or(ModelError::MapTooSmall { side: LEAST_MAP })?;
    result(&component.forward(&x)?)
}

/// Axes of maps.
const MAP: [&str; 4] = ["N", "C", "H", "W"];

fn double(array: &Array) -> Result<Tensor, ApplyError> {
    let shape: Vec<i64> =
        array.shape.iter().map(|&length| i64::try_from(length).unwrap_or(i64::MAX)).collect();
    Ok(Tensor::f_from_slice(&array.values)?.f_reshape(shape)?.f_to_kind(Kind::Double)?)
}

fn result(y: &Tensor) -> Result<Applied, ApplyError> {
    Ok(vec![("y".to_owned(), Array { shape: shape(y), values: values(y)? })])
}

#[cfg(test)]
mod tests {
    use super::*;
    use lcl_artefacts::arrays;

    type Apply = fn(&NamedArrays) -> Result<Applied, ApplyError>;

    fn applied(apply: Apply, inputs: &[(&str, &[usize])]) -> Result<Applied, ApplyError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("p.safetensors");
        let inputs: Applied = inputs
            .iter()
            .map(|&(name, shape)| {
                let values = vec![1.0; shape.iter().product()];
                (name.to_owned(), Array { shape: shape.to_vec(), values })
            })
            .collect();
        arrays::write(&path, &inputs).expect("written");
        apply(&NamedArrays::read(&path)?)
    }

    #[test]
    #[expect(clippy::type_complexity, reason = "a table")]
    fn shapes_are_those_of_the_table() {
        let x: (&str, &[usize]) = ("x", &[2, 3, 4, 5]);
        let pairs = |name| (name, &[9_usize][..]);
        let square = |name| (name, &[3_usize, 3][..]);
        let dogs = [x, pairs("sigma1"), pairs("scale"), pairs("amplitude")];
        let cases: [(Apply, Vec<(&str, &[usize])>, [usize; 4]); 6] = [
            (dog, dogs.to_vec(), [2, 3, 4, 5]),
            (dog_as_published, dogs.to_vec(), [2, 3, 4, 5]),
            (local, vec![x, ("weight", &[7, 3, 4, 5, 9])], [2, 7, 4, 5]),
            (tuned_norm, vec![x, ("sigma", &[3])], [2, 3, 4, 5]),
            (
                divisive_norm,
                ["amplitude", "rho", "sigma", "theta", "v", "w"]
                    .map(square)
                    .into_iter()
                    .chain([x, ("bias", &[1])])
                    .collect(),
                [2, 3, 4, 5],
            ),
            (magnification, vec![("x", &[2, 3, 32, 32])], [2, 3, 16, 16]),
        ];
        for (apply, inputs, expected) in cases {
            let y = applied(apply, &inputs).expect("applied");
            assert_eq!((y.len(), y[0].0.as_str(), &y[0].1.shape[..]), (1, "y", &expected[..]));
            assert!(y[0].1.values.iter().all(|value| value.is_finite()));
        }
    }

    #[test]
    #[expect(clippy::type_complexity, reason = "a table")]
    fn misfits_name_the_tensor_with_expected_and_got() {
        let x: (&str, &[usize]) = ("x", &[2, 3, 4, 5]);
        let cases: [(Apply, &[(&str, &[usize])], &[&str]); 7] = [
            (tuned_norm, &[x], &["sigma is missing", "shape [3]"]),
            (tuned_norm, &[x, ("sigma", &[4])], &["sigma has shape [4]", "expected [3]"]),
            (
                tuned_norm,
                &[x, ("sigma", &[3]), ("z", &[1])],
                &["z is unknown", "expected x, sigma"],
            ),
            (tuned_norm, &[("x", &[3, 4])], &["x has shape [3, 4]", "expected [N, C, H, W]"]),
            (tuned_norm, &[("x", &[0, 3, 4, 5])], &["none of them 0"]),
            (
                local,
                &[x, ("weight", &[2, 3, 5, 4, 9])],
                &["weight has shape [2, 3, 5, 4, 9]", "expected [2, 3, 4, 5, 9]"],
            ),
            (
                magnification,
                &[("x", &[1, 2, 16, 16])],
                &["x has shape [1, 2, 16, 16]", "expected [1, 2, 32, 32]"],
            ),
        ];
        for (apply, inputs, parts) in cases {
            let error = applied(apply, inputs).expect_err("a misfit").to_string();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
    }
}
