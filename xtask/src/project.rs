//! Where things are in the repository.

use std::path::{Path, PathBuf};

/// Returns the root of the repository.
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

/// Returns the workspace of the firmware.
pub fn firmware() -> PathBuf {
    root().join("firmware-examples")
}
