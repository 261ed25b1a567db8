//! A program built for a board.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use object::{Object, ObjectSymbol};

use crate::boards::{Board, Example};
use crate::process::run;
use crate::project;
use crate::setup::bare_metal;

/// A program built for a board.
#[derive(Debug)]
pub struct Program {
    elf: PathBuf,
    model_partition: Range<u64>,
}

impl Program {
    /// Builds `example` for `board`, with what that needs.
    pub fn build(board: &Board, example: &Example) -> Result<Self> {
        let toolchain = bare_metal::ensure(board.target)?;
        let target_dir = target_dir();
        let folder = project::firmware().join(board.name);
        let mut command = toolchain.cargo("build", &folder, &target_dir);
        run(command.args(["--release", "--bin", example.name]))
            .with_context(|| format!("cannot build `{}` for {}", example.name, board.name))?;
        let elf = target_dir.join(board.target).join("release").join(example.name);
        Self::open(elf)
    }

    fn open(elf: PathBuf) -> Result<Self> {
        let context = || format!("cannot read the program {}", elf.display());
        let bytes = fs::read(&elf).with_context(context)?;
        let model_partition = partition(&bytes).with_context(context)?;
        Ok(Self { elf, model_partition })
    }

    /// Returns the program's file.
    pub fn elf(&self) -> &Path {
        &self.elf
    }

    /// Returns the addresses of the model partition.
    pub fn model_partition(&self) -> &Range<u64> {
        &self.model_partition
    }
}

/// Returns where the firmware is built.
pub fn target_dir() -> PathBuf {
    project::firmware().join("target")
}

/// Reads the partition's symbols, which the board's linker script defines.
fn partition(elf: &[u8]) -> Result<Range<u64>> {
    let file = object::File::parse(elf)?;
    let address = |name| {
        let symbol = file.symbols().find(|symbol| symbol.name() == Ok(name));
        symbol
            .map(|symbol| symbol.address())
            .with_context(|| format!("it has no symbol {name}: is it an example for a board?"))
    };
    Ok(address("_model_start")?..address("_model_end")?)
}
