//! A file that many threads read parts of.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::decode::open_regular;

/// A file open for reading.
#[derive(Debug)]
pub struct SharedFile {
    path: PathBuf,
    file: File,
}

impl SharedFile {
    /// Opens the file at `path`, which has to be a regular one.
    pub fn open(path: &Path) -> io::Result<Self> {
        let (file, _) = open_regular(path)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Returns when it was last changed.
    pub fn modified(&self) -> io::Result<SystemTime> {
        self.file.metadata()?.modified()
    }

    /// Returns the file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the number of its bytes.
    pub fn byte_len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Fills `bytes` from the file's byte `start` on.
    #[cfg(unix)]
    pub fn read_at(&self, bytes: &mut [u8], start: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, bytes, start)
    }

    /// Fills `bytes` from the file's byte `start` on.
    #[cfg(not(unix))]
    pub fn read_at(&self, bytes: &mut [u8], start: u64) -> io::Result<()> {
        use std::io::{Read, Seek, SeekFrom};

        // A place in the file of its own.
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(bytes)
    }
}
