//! Named arrays of 32-bit floats from a safetensors file, with their shapes
//! checked by name.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use safetensors::Dtype;

use crate::{
    atomic_file::WriteError,
    tensor_file::{self, NamedTensor, ReadError, TensorFile, Values},
};

/// An array with its shape, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length of every dimension, outermost first.
    pub shape: Vec<usize>,
    /// As many values as the shape holds.
    pub values: Vec<f32>,
}

/// The arrays of a file, by name.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedArrays {
    path: PathBuf,
    arrays: BTreeMap<String, Array>,
}

/// An array of a file is not what was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArrayError {
    /// The file is not there or not whole.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is no tensor of that name.
    #[error(
        "{}: the tensor {name} is missing; expected it with shape {expected}, got {}",
        path.display(),
        if known.is_empty() { "no tensor".to_owned() } else { known.join(", ") }
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The shape it should have.
        expected: String,
        /// The tensors that are there.
        known: Vec<String>,
    },
    /// A tensor is there that nothing reads.
    #[error(
        "{}: the tensor {name} is unknown; expected {}",
        path.display(), expected.join(", ")
    )]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The tensors that are read.
        expected: Vec<String>,
    },
    /// A tensor has another shape.
    #[error("{}: the tensor {name} has shape {got:?}; expected {expected}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The shape it should have.
        expected: String,
        /// The shape it has.
        got: Vec<usize>,
    },
    /// A tensor holds other values than 32-bit floats.
    #[error("{}: the tensor {name} has type {got}; expected F32", path.display())]
    Dtype {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its type.
        got: String,
    },
    /// A tensor has values that are not numbers, or infinite.
    #[error("{}: the tensor {name} has {count} values that are NaN or infinite", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// How many.
        count: usize,
    },
}

impl NamedArrays {
    /// Reads all tensors of the safetensors file at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or a tensor holds anything but finite 32-bit
    /// floats.
    pub fn read(path: &Path) -> Result<Self, ArrayError> {
        let file = TensorFile::read(path)?;
        let mut arrays = BTreeMap::new();
        for (name, tensor) in file.tensors()?.tensors() {
            if tensor.dtype() != Dtype::F32 {
                let got = format!("{:?}", tensor.dtype());
                return Err(ArrayError::Dtype { path: path.to_owned(), name, got });
            }
            let value = |bytes: &[u8]| bytes.try_into().map_or(f32::NAN, f32::from_le_bytes);
            let values: Vec<f32> = tensor.data().chunks_exact(4).map(value).collect();
            let count = values.iter().filter(|value| !value.is_finite()).count();
            if count > 0 {
                return Err(ArrayError::NotFinite { path: path.to_owned(), name, count });
            }
            arrays.insert(name, Array { shape: tensor.shape().to_vec(), values });
        }
        Ok(Self { path: path.to_owned(), arrays })
    }

    /// Returns whether there is a tensor of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.arrays.contains_key(name)
    }

    /// Returns the tensor `name`, which must have as many dimensions as `axes`
    /// names, none of length 0: `["N", "C", "H", "W"]`.
    ///
    /// # Errors
    ///
    /// When it is missing or has another number of dimensions.
    pub fn with_axes(&self, name: &str, axes: &[&str]) -> Result<&Array, ArrayError> {
        let expected = format!("[{}]", axes.join(", "));
        let array = self.get(name, &expected)?;
        if array.shape.len() == axes.len() && array.shape.iter().all(|&length| length > 0) {
            return Ok(array);
        }
        let empty = if array.shape.len() == axes.len() { ", none of them 0" } else { "" };
        Err(self.misshapen(name, format!("{expected}{empty}"), array))
    }

    /// Returns the tensor `name`, which must have exactly that shape.
    ///
    /// # Errors
    ///
    /// When it is missing or has another shape.
    pub fn with_shape(&self, name: &str, shape: &[usize]) -> Result<&Array, ArrayError> {
        let expected = format!("{shape:?}");
        let array = self.get(name, &expected)?;
        if array.shape == shape { Ok(array) } else { Err(self.misshapen(name, expected, array)) }
    }

    /// Checks that there are no tensors but those.
    ///
    /// # Errors
    ///
    /// Names the first other one.
    pub fn only(&self, names: &[&str]) -> Result<(), ArrayError> {
        match self.arrays.keys().find(|name| !names.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(ArrayError::Unknown {
                path: self.path.clone(),
                name: name.clone(),
                expected: names.iter().map(|&name| name.to_owned()).collect(),
            }),
        }
    }

    fn get(&self, name: &str, expected: &str) -> Result<&Array, ArrayError> {
        self.arrays.get(name).ok_or_else(|| ArrayError::Missing {
            path: self.path.clone(),
            name: name.to_owned(),
            expected: expected.to_owned(),
            known: self.arrays.keys().cloned().collect(),
        })
    }

    fn misshapen(&self, name: &str, expected: String, array: &Array) -> ArrayError {
        let (path, name, got) = (self.path.clone(), name.to_owned(), array.shape.clone());
        ArrayError::Shape { path, name, expected, got }
    }
}

/// Writes arrays to the safetensors file at `path`, in their order.
///
/// # Errors
///
/// When the file cannot be written.
///
/// # Panics
///
/// When an array has more or fewer values than its shape says.
pub fn write(path: &Path, arrays: &[(String, Array)]) -> Result<(), WriteError> {
    let tensors: Vec<NamedTensor<'_>> = arrays
        .iter()
        .map(|(name, Array { shape, values })| NamedTensor {
            name: name.clone(),
            shape: shape.clone(),
            values: Values::F32(values),
        })
        .collect();
    tensor_file::write(path, &tensors, &BTreeMap::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_read_as_written_and_misfits_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("p.safetensors");
        let array = |shape: &[usize]| Array {
            shape: shape.to_vec(),
            values: vec![0.5; shape.iter().product()],
        };
        let arrays = [("x".to_owned(), array(&[1, 2, 3, 4])), ("b".to_owned(), array(&[1]))];
        write(&path, &arrays).expect("written");
        let read = NamedArrays::read(&path).expect("read");
        assert_eq!(read.with_axes("x", &["N", "C", "H", "W"]).expect("x"), &arrays[0].1);
        assert_eq!(read.with_shape("b", &[1]).expect("b"), &arrays[1].1);
        assert!(read.has("b") && !read.has("c") && read.only(&["b", "x"]).is_ok());
        for (error, parts) in [
            (read.with_axes("x", &["N", "C"]).map(|_| ()), ["x has shape [1, 2, 3, 4]", "[N, C]"]),
            (read.with_shape("b", &[2]).map(|_| ()), ["b has shape [1]", "expected [2]"]),
            (read.with_shape("c", &[2]).map(|_| ()), ["c is missing", "shape [2], got b, x"]),
            (read.only(&["x"]), ["b is unknown", "expected x"]),
        ] {
            let text = error.expect_err("a misfit").to_string();
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        }
    }

    #[test]
    fn values_that_are_no_floats_or_not_finite_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("p.safetensors");
        for (values, expected) in [
            (Values::I32(&[1]), "type I32; expected F32"),
            (Values::F32(&[f32::NAN]), "1 values that are NaN"),
        ] {
            let tensor = NamedTensor { name: "x".to_owned(), shape: vec![1], values };
            tensor_file::write(&path, &[tensor], &BTreeMap::new()).expect("written");
            let error = NamedArrays::read(&path).expect_err("refused").to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
