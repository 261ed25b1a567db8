//! Where things are in the repository.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

pub fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// Returns the folder that tools are installed into.
pub fn tools() -> PathBuf {
    root().join(".tools")
}

/// Returns the link to libtorch that `.cargo/config.toml` names.
pub fn libtorch_link() -> PathBuf {
    root().join(".libtorch")
}

pub fn firmware() -> PathBuf {
    root().join("firmware-examples")
}

/// Creates a folder that is removed when dropped.
pub fn temporary_folder() -> Result<TempDir> {
    tempfile::Builder::new().prefix("lcl-").tempdir().context("cannot create a temporary folder")
}

pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Returns the files below a folder, relative to it, in order.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let path = folder.join(&below);
        let entries = fs::read_dir(&path);
        for entry in entries.with_context(|| format!("cannot read {}", path.display()))? {
            let entry = entry?;
            let file = below.join(entry.file_name());
            if entry.file_type()?.is_dir() { folders.push(file) } else { found.push(file) }
        }
    }
    found.sort();
    Ok(found)
}

/// Removes a folder, if it is there.
pub fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        let removed = fs::remove_dir_all(folder);
        removed.with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}
