//! The checks, as data: what each needs and what it runs.

use std::process::Command;

use anyhow::Result;

use crate::boards::BOARDS;
use crate::firmware::{Run, target_dir};
use crate::process::cargo;
use crate::project;
use crate::setup::{bare_metal, components, libtorch};

/// One check.
#[derive(Debug)]
pub struct Step {
    /// Name on the command line.
    pub name: &'static str,
    /// What it shows.
    pub description: &'static str,
    /// Installs what it needs and returns what it runs, in order.
    pub prepare: fn() -> Result<Vec<Command>>,
}

/// Every check, cheap ones first.
pub const STEPS: &[Step] = &[
    Step { name: "format", description: "rustfmt, both workspaces", prepare: format },
    Step { name: "default", description: "tests that need nothing installed", prepare: default },
    Step { name: "engine", description: "lcl-infer, each feature alone and all", prepare: engine },
    Step { name: "no-torch", description: "host-trainer without libtorch", prepare: no_torch },
    Step {
        name: "bare-metal",
        description: "lcl-infer for a Cortex-M4, and that it cannot panic",
        prepare: bare_metal,
    },
    Step { name: "firmware", description: "programs for boards", prepare: firmware },
    Step { name: "clippy", description: "clippy, root workspace", prepare: clippy },
    Step { name: "trainer", description: "host-trainer's tests", prepare: trainer },
    Step { name: "integration", description: "tests across crates", prepare: integration },
    Step { name: "docs", description: "documentation builds", prepare: docs },
];

/// Target that the engine is built for without an operating system.
const BARE_METAL_TARGET: &str = "thumbv7em-none-eabihf";

fn format() -> Result<Vec<Command>> {
    components::ensure("rustfmt", "fmt")?;
    // `--all` would take in lcl-infer and its whole workspace.
    let mut firmware = root("fmt --check");
    firmware.current_dir(project::firmware());
    Ok(vec![root("fmt --all --check"), firmware])
}

#[expect(clippy::unnecessary_wraps, reason = "every step has one type")]
fn default() -> Result<Vec<Command>> {
    Ok(vec![root("test")])
}

#[expect(clippy::unnecessary_wraps, reason = "every step has one type")]
fn engine() -> Result<Vec<Command>> {
    Ok(vec![
        root("test --package lcl-infer --features float"),
        // A host has no defmt logger to link with.
        root("check --package lcl-infer --features defmt"),
        root("check --package lcl-infer --all-features"),
    ])
}

fn no_torch() -> Result<Vec<Command>> {
    components::ensure("clippy", "clippy")?;
    Ok(vec![root(
        "clippy --release --package host-trainer --no-default-features --all-targets -- -D warnings",
    )])
}

fn bare_metal() -> Result<Vec<Command>> {
    let toolchain = bare_metal::ensure(BARE_METAL_TARGET)?;
    let target_dir = target_dir();
    let build = |features: &[&str]| {
        let mut command = toolchain.cargo("build", project::root(), &target_dir);
        command.args(["--release", "--package", "lcl-infer"]).args(features);
        command
    };
    let panic_free = project::firmware().join("panic-free");
    let mut link = toolchain.cargo("build", &panic_free, &target_dir);
    link.arg("--release");
    Ok(vec![build(&[]), build(&["--all-features"]), link])
}

fn firmware() -> Result<Vec<Command>> {
    let mut commands = Vec::new();
    for board in BOARDS {
        let toolchain = bare_metal::ensure(board.target)?;
        toolchain.ensure_clippy()?;
        let folder = project::firmware().join(board.name);
        let mut build = toolchain.cargo("build", &folder, &target_dir());
        build.args(["--release", "--bins"]);
        let mut clippy = toolchain.cargo("clippy", &folder, &target_dir());
        clippy.args(["--release", "--bins", "--lib", "--", "-D", "warnings"]);
        commands.extend([build, clippy]);
    }
    let mut tests = root("test --package layout --package shared --lib");
    tests.current_dir(project::firmware()).arg("--target-dir").arg(target_dir());
    commands.push(tests);
    Ok(commands)
}

fn clippy() -> Result<Vec<Command>> {
    components::ensure("clippy", "clippy")?;
    libtorch::ensure()?;
    Ok(vec![root("clippy --release --workspace --all-targets -- -D warnings")])
}

fn trainer() -> Result<Vec<Command>> {
    libtorch::ensure()?;
    Ok(vec![root("test --release --package host-trainer")])
}

fn integration() -> Result<Vec<Command>> {
    libtorch::ensure()?;
    for board in BOARDS {
        Run::ensure(board)?;
        bare_metal::ensure(board.target)?;
    }
    Ok(vec![root("test --release --package tests")])
}

fn docs() -> Result<Vec<Command>> {
    libtorch::ensure()?;
    let mut command =
        root("doc --release --no-deps --lib --package lcl-infer --package host-trainer");
    command.env("RUSTDOCFLAGS", "-D warnings");
    Ok(vec![command])
}

/// Returns `cargo ARGUMENTS`, to run in the root.
fn root(arguments: &str) -> Command {
    let mut command = cargo();
    command.current_dir(project::root()).args(arguments.split(' '));
    command
}
