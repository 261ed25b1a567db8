//! What hosts have beside: blobs from files, and memory on the heap.

use std::boxed::Box;
use std::fs;
use std::io;
use std::path::Path;
use std::vec::Vec;

use crate::blob::{Blob, OpenError};
use crate::memory::{Memory, sealed::Sealed};

/// The bytes of a blob at an address that [`Blob::open`] takes, which those of
/// a file that was read need not have.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = lcl_infer::AlignedBlob::read("model.lcl".as_ref())?;
/// let blob = file.open()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlignedBlob {
    blocks: Vec<u128>,
    len: usize,
}

impl AlignedBlob {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Returns what the system says.
    pub fn read(path: &Path) -> io::Result<Self> {
        Ok(Self::copy_of(&fs::read(path)?))
    }

    /// Copies bytes.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Self {
        let mut copy = Self::zeros(bytes.len());
        copy.bytes_mut().copy_from_slice(bytes);
        copy
    }

    /// Returns so many zeros, to write a blob to.
    #[must_use]
    pub fn zeros(len: usize) -> Self {
        Self { blocks: std::vec![0; len.div_ceil(size_of::<u128>())], len }
    }

    /// Forgets the bytes from `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Returns the bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.blocks).get(..self.len).unwrap_or_default()
    }

    /// Returns the bytes, to be changed.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        bytemuck::cast_slice_mut(&mut self.blocks).get_mut(..self.len).unwrap_or_default()
    }

    /// Opens the blob.
    ///
    /// # Errors
    ///
    /// As [`Blob::open`].
    pub fn open(&self) -> Result<Blob<'_>, OpenError> {
        Blob::open(self.bytes())
    }
}

impl Sealed for Vec<u8> {}

impl Memory for Vec<u8> {
    fn bytes(&mut self) -> &mut [u8] {
        self
    }
}

impl Sealed for Box<[u8]> {}

impl Memory for Box<[u8]> {
    fn bytes(&mut self) -> &mut [u8] {
        self
    }
}
