//! One xtask at a time installs something.

use std::fs::{self, File};

use anyhow::{Context, Result};

use crate::project;

/// A lock that ends when dropped, or with the process.
#[derive(Debug)]
pub struct Lock {
    #[cfg(unix)]
    _file: Option<nix::fcntl::Flock<File>>,
    #[cfg(not(unix))]
    _file: File,
}

impl Lock {
    /// Waits until no other xtask has it. Whoever takes it looks again whether
    /// something is still to be done; it is not to be taken twice.
    pub fn take() -> Result<Self> {
        let path = project::tools().join("lock");
        let context = || format!("cannot create {}", path.display());
        fs::create_dir_all(project::tools()).with_context(context)?;
        let file = File::options().create(true).append(true).open(&path).with_context(context)?;
        #[cfg(unix)]
        let file = locked(file);
        Ok(Self { _file: file })
    }
}

/// Locks the file; where the file system knows no locks, nothing is locked.
#[cfg(unix)]
fn locked(file: File) -> Option<nix::fcntl::Flock<File>> {
    use nix::errno::Errno;
    use nix::fcntl::{Flock, FlockArg};

    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(locked) => Some(locked),
        Err((file, Errno::EWOULDBLOCK)) => {
            crate::process::note("another xtask is installing something: waiting for it");
            Flock::lock(file, FlockArg::LockExclusive).ok()
        }
        Err(_) => None,
    }
}
