//! Safetensors files: named arrays and a table of strings.
//!
//! Writing keeps the caller's order of tensors and sorts the metadata, so that
//! the same content gives the same bytes. Reading is the `safetensors` crate's.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::{Path, PathBuf},
};

use safetensors::{SafeTensors, tensor::Metadata};
use serde_json::{Map, Value, json};

use crate::atomic_file::{self, WriteError};

/// The values of a tensor to be written, in row-major order.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// 64-bit floats.
    F64(&'a [f64]),
    /// 32-bit floats.
    F32(&'a [f32]),
    /// 32-bit signed integers.
    I32(&'a [i32]),
    /// 32-bit unsigned integers.
    U32(&'a [u32]),
    /// Signed bytes.
    I8(&'a [i8]),
    /// Unsigned bytes.
    U8(&'a [u8]),
}

/// A tensor to be written.
#[derive(Clone, Debug)]
pub struct NamedTensor<'a> {
    /// Name in the file.
    pub name: String,
    /// Length of every dimension, outermost first.
    pub shape: Vec<usize>,
    /// As many values as the shape holds.
    pub values: Values<'a>,
}

/// A safetensors file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file is not there, or cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file is not a whole safetensors file.
    #[error("{} is not a whole safetensors file ({cause}); copy or export it again", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: safetensors::SafeTensorError,
    },
}

/// Writes `tensors` and `metadata` to a safetensors file, whole or not at all.
///
/// Widest values should come first: the format aligns nothing, and readers that
/// map the file want floats at multiples of four.
///
/// # Errors
///
/// When the file cannot be written.
///
/// # Panics
///
/// When a tensor has more or fewer values than its shape says.
pub fn write(
    path: &Path,
    tensors: &[NamedTensor<'_>],
    metadata: &BTreeMap<String, String>,
) -> Result<(), WriteError> {
    let header = header(tensors, metadata);
    let mut parts: Vec<&[u8]> = vec![&header];
    parts.extend(tensors.iter().map(|tensor| tensor.values.bytes()));
    atomic_file::write(path, &parts)
}

/// Returns the bytes of a safetensors file of `tensors` and `metadata`.
///
/// # Panics
///
/// When a tensor has more or fewer values than its shape says.
#[must_use]
pub fn to_bytes(tensors: &[NamedTensor<'_>], metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let mut bytes = header(tensors, metadata);
    for tensor in tensors {
        bytes.extend_from_slice(tensor.values.bytes());
    }
    bytes
}

/// Returns what comes before the values: the header with its length.
fn header(tensors: &[NamedTensor<'_>], metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let mut header = Map::new();
    header.insert("__metadata__".into(), json!(metadata));
    let mut offset = 0;
    for tensor in tensors {
        let bytes = tensor.values.bytes();
        let elements: usize = tensor.shape.iter().product();
        assert_eq!(elements * tensor.values.element_bytes(), bytes.len(), "{}", tensor.name);
        let end = offset + bytes.len();
        let entry = json!({
            "dtype": tensor.values.dtype(),
            "shape": tensor.shape,
            "data_offsets": [offset, end],
        });
        header.insert(tensor.name.clone(), entry);
        offset = end;
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    [&(header.len() as u64).to_le_bytes()[..], &header].concat()
}

/// The bytes of a safetensors file, checked to be one.
#[derive(Debug)]
pub struct TensorFile {
    path: PathBuf,
    bytes: Vec<u8>,
    metadata: HashMap<String, String>,
}

impl TensorFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is not a whole safetensors file.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let bytes =
            fs::read(path).map_err(|cause| ReadError::Io { path: path.to_owned(), cause })?;
        let format = |cause| ReadError::Format { path: path.to_owned(), cause };
        SafeTensors::deserialize(&bytes).map_err(format)?;
        let (_, header): (usize, Metadata) = SafeTensors::read_metadata(&bytes).map_err(format)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        Ok(Self { path: path.to_owned(), bytes, metadata })
    }

    /// Returns the strings of the file's metadata.
    #[must_use]
    pub fn metadata(&self) -> &HashMap<String, String> {
        &self.metadata
    }

    /// Returns the tensors.
    ///
    /// # Errors
    ///
    /// Never for a file that [`read`](Self::read) accepted.
    pub fn tensors(&self) -> Result<SafeTensors<'_>, ReadError> {
        SafeTensors::deserialize(&self.bytes)
            .map_err(|cause| ReadError::Format { path: self.path.clone(), cause })
    }
}

impl Values<'_> {
    fn dtype(&self) -> &'static str {
        match self {
            Self::F64(_) => "F64",
            Self::F32(_) => "F32",
            Self::I32(_) => "I32",
            Self::U32(_) => "U32",
            Self::I8(_) => "I8",
            Self::U8(_) => "U8",
        }
    }

    fn element_bytes(&self) -> usize {
        match self {
            Self::F64(_) => 8,
            Self::F32(_) | Self::I32(_) | Self::U32(_) => 4,
            Self::I8(_) | Self::U8(_) => 1,
        }
    }

    fn bytes(&self) -> &[u8] {
        const { assert!(cfg!(target_endian = "little"), "safetensors are little endian") }
        match self {
            Self::F64(values) => bytemuck::cast_slice(values),
            Self::F32(values) => bytemuck::cast_slice(values),
            Self::I32(values) => bytemuck::cast_slice(values),
            Self::U32(values) => bytemuck::cast_slice(values),
            Self::I8(values) => bytemuck::cast_slice(values),
            Self::U8(values) => values,
        }
    }
}
