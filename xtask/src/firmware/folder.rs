//! A folder that is gone when it is no longer needed.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use anyhow::{Context, Result};

use crate::process::{hold_folder, let_go_of_folder};

/// A folder for the files of one run, removed when dropped, and when a signal
/// ends xtask.
#[derive(Debug)]
pub struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Creates a folder that no other process has.
    pub fn new() -> Result<Self> {
        let mut number = 0;
        loop {
            let path = env::temp_dir().join(format!("lcl-{}-{number}", process::id()));
            match fs::create_dir(&path) {
                Ok(()) => {
                    hold_folder(&path);
                    return Ok(Self(path));
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot create {}", path.display()));
                }
            }
        }
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
        let_go_of_folder(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_apart_and_gone_at_the_end() {
        let (first, second) = (TemporaryFolder::new(), TemporaryFolder::new());
        let (first, second) = (first.expect("a folder"), second.expect("another"));
        assert_ne!(first.path(), second.path());
        let path = first.path().to_owned();
        assert!(path.is_dir());
        drop(first);
        assert!(!path.exists());
    }
}
