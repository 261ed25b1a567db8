//! One xtask at a time installs something.

use std::fs::{self, File};

use anyhow::{Context, Result};
use fs4::{FileExt, TryLockError};

use crate::process::note;
use crate::project;

/// A lock that ends when dropped, or with the process.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "it is open as long as it is locked")] File);

impl Lock {
    /// Waits until no other xtask has it. Whoever takes it looks again whether
    /// something is still to be done; it is not to be taken twice. If the file system
    /// knows no locks, nothing is locked.
    pub fn take() -> Result<Self> {
        let path = project::tools().join("lock");
        let context = || format!("cannot create {}", path.display());
        fs::create_dir_all(project::tools()).with_context(context)?;
        let file = File::options().create(true).append(true).open(&path).with_context(context)?;
        if matches!(FileExt::try_lock(&file), Err(TryLockError::WouldBlock)) {
            note("another xtask is installing something: waiting for it");
            FileExt::lock(&file).ok();
        }
        Ok(Self(file))
    }
}
