//! A program built for a board.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Model, Usage};
use crate::boards::{self, Board, Example};
use crate::process::{Logged, note};
use crate::project;
use crate::setup::bare_metal;

/// What the build scripts of boards read the length of the blob from.
const MODEL_LEN: &str = "LCL_MODEL_LEN";

/// A program built for a board.
#[derive(Debug)]
pub struct Program {
    elf: PathBuf,
    usage: Usage,
    compiler: String,
}

impl Program {
    /// Builds `example` for `board`, with what that needs and the parts of lcl-infer
    /// that `model` does, and checks that `model` fits beside it.
    pub fn build(board: &Board, example: &Example, model: &Model) -> Result<Self> {
        // What does not open goes beside it all the same: the program says why, too.
        let parts = model.open().unwrap_or_else(|error| {
            note(format_args!("{error:#}"));
            &[]
        });
        let parts = parts.iter().chain(&example.parts);
        let adapt = |command: &mut Command| {
            command.args(parts.map(|part| format!("--features=shared/{part}")));
            tell_length(command, model);
        };
        let program = Self::build_with(board, example, adapt).with_context(|| {
            let (example, board, len) = (&example.name, &board.name, model.len());
            format!("cannot build `{example}` for {board} and a model of {len} bytes")
        })?;
        model.check_fits(program.model_partition())?;
        Ok(program)
    }

    /// Builds the baseline of `bench` for `board`, with the library in a folder.
    pub fn build_baseline(board: &Board, library: &Path) -> Result<Self> {
        let adapt = |command: &mut Command| {
            command.args(["--features", "baseline"]).env("CMSIS_NN_FOLDER", library);
        };
        Self::build_with(board, boards::baseline()?, adapt)
            .with_context(|| format!("cannot build the baseline for {}", board.name))
    }

    fn build_with(
        board: &Board,
        example: &Example,
        adapt: impl FnOnce(&mut Command),
    ) -> Result<Self> {
        let toolchain = bare_metal::ensure(&board.target)?;
        let target_dir = target_dir(board);
        let folder = project::firmware().join(&board.name);
        let mut command = toolchain.cargo("build", &folder, &target_dir);
        adapt(command.args(["--release", "--bin", &example.name]));
        let doing = format!("building {} for {}", example.name, board.name);
        Logged::new(&format!("build-{}", board.name), &doing).run(&mut command)?;
        let elf = target_dir.join(&board.target).join("release").join(&example.name);
        Self::open(elf, toolchain.compiler())
    }

    fn open(elf: PathBuf, compiler: String) -> Result<Self> {
        let context = || format!("cannot read the program {}", elf.display());
        let bytes = fs::read(&elf).with_context(context)?;
        let usage = Usage::read(&bytes).with_context(context)?;
        Ok(Self { elf, usage, compiler })
    }

    pub fn elf(&self) -> &Path {
        &self.elf
    }

    /// Returns the addresses of the model partition.
    pub fn model_partition(&self) -> &Range<u64> {
        &self.usage.model
    }

    /// Returns what it takes of the board's memory.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Returns the version of the compiler that built it.
    pub fn compiler(&self) -> &str {
        &self.compiler
    }
}

/// Lets the linker refuse a model that is longer than the board's partition.
///
/// A full model fits every board. With another length the board's programs
/// would be linked once more, so it is told for longer models alone.
fn tell_length(command: &mut Command, model: &Model) {
    if model.len() > Model::FULL_LEN {
        command.env(MODEL_LEN, model.len().to_string());
    }
}

/// Returns where the firmware of a board is built.
///
/// Builds with flags of their own are apart, or each would throw away the
/// `core` of the others.
pub fn target_dir(board: &Board) -> PathBuf {
    let shared = project::firmware().join("target");
    board.cpu.as_ref().map_or(shared.clone(), |cpu| shared.join(cpu))
}
