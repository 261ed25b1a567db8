//! `cargo xtask setup`: installs ahead of time what commands install when they
//! need it.

use std::process::ExitCode;

use anyhow::Result;

use crate::boards;
use crate::firmware::Run;
use crate::process::note;
use crate::setup::{self, bare_metal, libtorch};

/// Arguments of `setup`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What to install
    #[arg(value_enum, default_value = "all")]
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// libtorch, a C++ compiler and what libjpeg-turbo is built with: for
    /// training and float features
    Libtorch,
    /// QEMU, and Rust for every board
    Emulator,
    /// Both
    All,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.what != What::Emulator {
        setup::jpeg()?;
        libtorch::ensure()?;
        note("libtorch is ready");
    }
    if arguments.what != What::Libtorch {
        all_boards()?;
        note("the emulator is ready");
    }
    Ok(ExitCode::SUCCESS)
}

/// Installs the emulators, and Rust for every board.
pub fn all_boards() -> Result<()> {
    boards::emulated().try_for_each(Run::ensure)?;
    boards::cores().try_for_each(|board| bare_metal::ensure(&board.target).map(|_| ()))
}
