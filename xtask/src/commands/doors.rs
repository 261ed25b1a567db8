//! `cargo xtask doors`: sees that each door to the engine gives the bytes of the
//! Rust API.
//!
//! Every door is shown the same picture with the same model, and the CRC-32 of V2
//! is compared. What each needs is installed first.

mod c;
mod python;
pub mod wasm;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::firmware::{Layout, Model};
use crate::process::{note, output};
use crate::project;

/// The model and the picture that doors are shown, and what Rust makes of them.
#[derive(Debug)]
struct Shown {
    folder: TempDir,
    model: Model,
    /// `V1 xxxxxxxx V2 xxxxxxxx`, the CRC-32 of both areas.
    expected: String,
}

impl Shown {
    fn new() -> Result<Self> {
        let folder = project::temporary_folder()?;
        let model = Model::random(folder.path(), Layout::Small)?;
        let picture = folder.path().join("picture.ppm");
        let mut command = Model::example("door", &[model.path(), &picture]);
        let expected = output(&mut command).context("cannot run the example `door`")?;
        note(format_args!("Rust, portable kernels: {expected}"));
        Ok(Self { folder, model, expected })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sees that a line of what a door said has the bytes.
    fn check(&self, door: &str, said: &str) -> Result<()> {
        let line = said.lines().find(|line| line.starts_with("V1 ")).unwrap_or(said);
        ensure!(
            line == self.expected,
            "{door} gives {line}, and Rust {}: the door does not keep the bytes",
            self.expected
        );
        note(format_args!("{door}: {line}"));
        Ok(())
    }
}

pub fn run() -> Result<ExitCode> {
    let shown = Shown::new()?;
    c::check(&shown)?;
    wasm::check(&shown)?;
    wasm::check_page(&shown)?;
    python::check(&shown)?;
    python::check_onnx(&shown)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns a path in the repository.
fn source(path: &str) -> PathBuf {
    project::root().join(Path::new(path))
}
