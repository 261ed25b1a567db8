//! The program that carries images and features to and from a board.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{Logged, cargo};
use crate::project;

/// Builds it.
pub fn ensure() -> Result<()> {
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--manifest-path"]);
    build.arg(project::root().join("xtask/link/Cargo.toml")).arg("--target-dir").arg(target());
    let doing = "building the link to the board, with probe-rs (minutes the first time)";
    Logged { name: "build-board-link", doing, undisturbed: false }
        .run(&mut build)
        .context("cannot build the link to the board: it needs Rust 1.89 or newer")
}

/// Returns the program, as a command.
pub fn command() -> Command {
    Command::new(target().join("release/board-link"))
}

fn target() -> PathBuf {
    project::root().join("target/board-link")
}
