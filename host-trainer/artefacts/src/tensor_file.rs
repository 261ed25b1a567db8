//! Safetensors files: named arrays and a table of strings.
//!
//! Writing keeps the caller's order of tensors and sorts the metadata, so that
//! the same content gives the same bytes. Reading is the `safetensors` crate's.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::Metadata};
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
        cause: SafeTensorError,
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
    let header = header(described(tensors), metadata);
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
    let mut bytes = header(described(tensors), metadata);
    for tensor in tensors {
        bytes.extend_from_slice(tensor.values.bytes());
    }
    bytes
}

/// Returns what the header says of each tensor: its name, type, bytes of an
/// element and shape.
fn described<'a>(
    tensors: &'a [NamedTensor<'_>],
) -> impl Iterator<Item = (&'a str, &'a str, usize, Vec<usize>)> {
    tensors.iter().map(|tensor| {
        let (element, bytes) = (tensor.values.element_bytes(), tensor.values.bytes());
        let elements: usize = tensor.shape.iter().product();
        assert_eq!(elements * element, bytes.len(), "{}", tensor.name);
        (tensor.name.as_str(), tensor.values.dtype(), element, tensor.shape.clone())
    })
}

/// Most bytes of a header that readers of the format take.
pub(crate) const MOST_HEADER: usize = 100_000_000;

/// Returns what comes before the first tensor: the length of the header, and the
/// header for tensors of these names, types, bytes of an element and shapes,
/// which lie one behind the other.
pub(crate) fn header<'a>(
    tensors: impl Iterator<Item = (&'a str, &'a str, usize, Vec<usize>)>,
    metadata: &BTreeMap<String, String>,
) -> Vec<u8> {
    let mut header = Map::new();
    header.insert("__metadata__".into(), json!(metadata));
    let mut offset = 0;
    for (name, dtype, element, shape) in tensors {
        let end = offset + shape.iter().product::<usize>() * element;
        let entry = json!({ "dtype": dtype, "shape": shape, "data_offsets": [offset, end] });
        header.insert(name.to_owned(), entry);
        offset = end;
    }
    let mut text = Value::Object(header).to_string();
    text += &" ".repeat(text.len().next_multiple_of(8) - text.len());
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
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
        Self::of_bytes(path, bytes)
    }

    /// Takes the bytes of a file that is called `path` in errors.
    ///
    /// # Errors
    ///
    /// When they are not a whole safetensors file.
    pub fn of_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, ReadError> {
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

/// A safetensors file of which parts are read.
#[derive(Debug)]
pub struct TensorSlices {
    path: PathBuf,
    file: File,
    header: Metadata,
    data: u64,
}

impl TensorSlices {
    /// Reads the header of the file at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is not of a whole safetensors file.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let io = |cause| ReadError::Io { path: path.to_owned(), cause };
        let format = |cause| ReadError::Format { path: path.to_owned(), cause };
        let mut file = File::open(path).map_err(io)?;
        let len = file.metadata().map_err(io)?.len();
        let mut header_len = [0; 8];
        if len < 8 {
            return Err(format(SafeTensorError::HeaderTooSmall));
        }
        file.read_exact(&mut header_len).map_err(io)?;
        let header_len = u64::from_le_bytes(header_len);
        if header_len > MOST_HEADER as u64 {
            return Err(format(SafeTensorError::HeaderTooLarge));
        }
        let data = 8 + header_len;
        if data > len {
            return Err(format(SafeTensorError::InvalidHeaderLength));
        }
        let mut header = vec![0; usize::try_from(header_len).unwrap_or_default()];
        file.read_exact(&mut header).map_err(io)?;
        let header: Metadata = serde_json::from_slice(&header)
            .map_err(|cause| format(SafeTensorError::InvalidHeaderDeserialization(cause)))?;
        let end = header.tensors().values().map(|tensor| tensor.data_offsets.1).max();
        if data.checked_add(end.unwrap_or_default() as u64) != Some(len) {
            return Err(format(SafeTensorError::MetadataIncompleteBuffer));
        }
        Ok(Self { path: path.to_owned(), file, header, data })
    }

    /// Returns the strings of the file's metadata.
    #[must_use]
    pub fn metadata(&self) -> HashMap<String, String> {
        self.header.metadata().clone().unwrap_or_default()
    }

    /// Returns the type and the shape of a tensor, where there is one of that
    /// name.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<(Dtype, Vec<usize>)> {
        self.header.info(name).map(|tensor| (tensor.dtype, tensor.shape.clone()))
    }

    /// Reads the first `most` items of a tensor along its first dimension; none
    /// where it is not there.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn first(&mut self, name: &str, most: usize) -> Result<Vec<u8>, ReadError> {
        let Some(tensor) = self.header.info(name) else {
            return Ok(Vec::new());
        };
        let ((start, end), items) = (tensor.data_offsets, tensor.shape.first().copied());
        let items = items.unwrap_or(1).max(1);
        let mut bytes = vec![0; (end - start) / items * items.min(most)];
        let read = self.file.seek(SeekFrom::Start(self.data + start as u64));
        let read = read.and_then(|_| self.file.read_exact(&mut bytes));
        read.map_err(|cause| ReadError::Io { path: self.path.clone(), cause })?;
        Ok(bytes)
    }
}

impl Values<'_> {
    pub(crate) fn dtype(&self) -> &'static str {
        match self {
            Self::F64(_) => "F64",
            Self::F32(_) => "F32",
            Self::I32(_) => "I32",
            Self::U32(_) => "U32",
            Self::I8(_) => "I8",
            Self::U8(_) => "U8",
        }
    }

    pub(crate) fn element_bytes(&self) -> usize {
        match self {
            Self::F64(_) => 8,
            Self::F32(_) | Self::I32(_) | Self::U32(_) => 4,
            Self::I8(_) | Self::U8(_) => 1,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
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
