//! Blobs on disk.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use lcl_infer::{Blob, EmitError, FrontendError, OpenError};

use crate::atomic_file::{self, WriteError};

/// A blob cannot be read, opened or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The file is not there, or cannot be read.
    #[error("cannot read {}: {cause}; `lcl train` and `lcl quantise` write blobs", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file is not a blob that this program runs.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The check that failed.
        cause: OpenError,
    },
    /// The bytes are not a blob that this program runs.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The bytes of a blob do not fit where they should go.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// The stages cannot stream the golden image.
    #[error(transparent)]
    Frontend(#[from] FrontendError),
}

/// Returns whether the path of a model is a blob's, by its extension; any other
/// is a checkpoint's.
#[must_use]
pub fn is_blob(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "lcl")
}

/// The bytes of a blob, at an aligned address.
#[derive(Clone, Debug)]
pub struct BlobFile {
    path: Option<PathBuf>,
    blocks: Vec<u128>,
    len: usize,
}

impl BlobFile {
    /// Reads the file at `path` and opens it once, so that every later
    /// [`open`](Self::open) succeeds.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is not a sound blob.
    pub fn read(path: &Path) -> Result<Self, BlobError> {
        let bytes =
            fs::read(path).map_err(|cause| BlobError::Io { path: path.to_owned(), cause })?;
        let file = Self { path: Some(path.to_owned()), ..Self::from_bytes(&bytes) };
        file.open()?;
        Ok(file)
    }

    /// Copies bytes to an aligned address.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut blocks = vec![0_u128; bytes.len().div_ceil(size_of::<u128>())];
        bytemuck::cast_slice_mut(&mut blocks)[..bytes.len()].copy_from_slice(bytes);
        Self { path: None, blocks, len: bytes.len() }
    }

    /// Returns the bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.blocks)[..self.len]
    }

    /// Opens the blob.
    ///
    /// # Errors
    ///
    /// When one of the format's checks fails.
    pub fn open(&self) -> Result<Blob<'_>, BlobError> {
        Blob::open(self.bytes()).map_err(|cause| match &self.path {
            Some(path) => BlobError::File { path: path.clone(), cause },
            None => cause.into(),
        })
    }

    /// Writes the blob to a file, whole or not at all.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        atomic_file::write(path, &[self.bytes()])
    }
}
