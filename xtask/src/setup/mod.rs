//! Everything that commands need from outside the repository, and how it comes
//! here.
//!
//! Each `ensure` returns at once if the thing is there. Otherwise it says what it
//! installs and how large that is, installs it, and fails with the one command to
//! type if it may not.

pub mod bare_metal;
pub mod cmsis_nn;
pub mod libtorch;
pub mod lock;
pub mod python;
pub mod rustup;
pub mod system;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{Logged, cargo};
use crate::project;

/// Installs the tools that host-trainer builds libjpeg-turbo with; its source comes
/// with a crate.
pub fn jpeg() -> Result<()> {
    system::ensure("cmake")?;
    if cfg!(any(target_arch = "x86", target_arch = "x86_64")) {
        system::ensure("nasm")?;
    }
    Ok(())
}

/// Builds the program that carries images and features to and from a board.
pub fn board_link() -> Result<Command> {
    let doing = "building the link to the board, with probe-rs (minutes the first time)";
    workspace("xtask/link", "board-link", doing)
        .context("cannot build the link to the board: it needs Rust 1.89 or newer")
}

/// Builds tract, to time it beside our engine.
pub fn tract() -> Result<Command> {
    workspace("xtask/baselines/tract", "tract-baseline", "building tract (minutes the first time)")
        .context("cannot build tract")
}

/// Installs ONNX Runtime and OpenVINO, and returns the script that times them.
pub fn python_baselines() -> Result<Command> {
    /// Packages, in the releases that were measured.
    const PACKAGES: [&str; 4] =
        ["numpy==2.4.6", "onnx==1.23.2", "onnxruntime==1.31.1", "openvino==2026.4.1"];
    let folder = project::tools().join("host-baselines");
    let doing =
        "installing onnxruntime and openvino into .tools/host-baselines (100 MB to download)";
    python::install(&folder, &PACKAGES, doing, || folder.is_dir())?;
    let mut command = Command::new(python::python()?);
    command.arg(project::root().join("xtask/baselines/host.py")).env("PYTHONPATH", folder);
    command.env_remove("LD_LIBRARY_PATH");
    Ok(command)
}

/// Installs Unicorn, with its hash, and returns the script that runs programs on models
/// of chips. Unicorn is GPL-2.0: a process of its own, never linked and never shipped.
pub fn bench_top() -> Result<Command> {
    let scripts = project::firmware().join("bench-top");
    let folder = project::tools().join("bench-top");
    let requirements = scripts.join("requirements.txt");
    let requirements = requirements.to_string_lossy();
    let arguments =
        ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", &requirements];
    let doing = "installing the core of an emulator, Unicorn, into .tools/bench-top (16 MB)";
    python::install(&folder, &arguments, doing, || folder.is_dir())?;
    let mut command = Command::new(python::python()?);
    command.arg(scripts.join("bench_top.py")).env("PYTHONPATH", folder);
    command.env("PYTHONDONTWRITEBYTECODE", "1").env_remove("LD_LIBRARY_PATH");
    Ok(command)
}

/// Returns the program that [`board_link`] builds, as a command.
pub fn built(program: &str) -> Command {
    Command::new(target(program).join("release").join(program))
}

/// Builds a workspace of its own with one program, in a folder of `target`.
fn workspace(folder: &str, program: &str, doing: &str) -> Result<Command> {
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--manifest-path"]);
    build.arg(project::root().join(folder).join("Cargo.toml"));
    build.arg("--target-dir").arg(target(program));
    Logged::new(&format!("build-{program}"), doing).run(&mut build)?;
    Ok(built(program))
}

fn target(program: &str) -> PathBuf {
    Path::new(project::root()).join("target").join(program)
}
