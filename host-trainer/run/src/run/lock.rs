//! One process at a time in the folder of a run.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use fs4::{FileExt, TryLockError};

/// The file that is locked; it stays when the lock is gone.
const NAME: &str = ".lock";

/// A folder cannot be locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Somebody else has the lock.
    #[error(
        "{} is in use by another process{}; wait until it ends or stop it, or choose another \
         folder with --out",
        folder.display(),
        process.as_ref().map(|id| format!(", {id}")).unwrap_or_default()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The other process's id, where it could be read.
        process: Option<String>,
    },
    /// The file cannot be made, or locks do not work.
    #[error("cannot lock {}: {cause}; choose another folder with --out", folder.display())]
    Io {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// A lock on a folder, which the system takes back when the process ends,
/// however it ends.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunLock {
    /// Locks `folder`, which must exist.
    ///
    /// Where the file system knows no locks, nothing is locked.
    ///
    /// # Errors
    ///
    /// When another process has locked it, or the file to lock cannot be made.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let io = |cause| LockError::Io { folder: folder.to_owned(), cause };
        let path = folder.join(NAME);
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(false).open(&path).map_err(io)?;
        match FileExt::try_lock(&file) {
            Err(TryLockError::WouldBlock) => {
                let process = fs::read_to_string(&path).ok().filter(|id| !id.is_empty());
                return Err(LockError::InUse { folder: folder.to_owned(), process });
            }
            Err(TryLockError::Error(cause)) if cause.kind() != io::ErrorKind::Unsupported => {
                return Err(io(cause));
            }
            _ => {}
        }
        // Who has the lock is told as well as it can be; on a full disk it cannot.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}
