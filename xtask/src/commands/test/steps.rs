//! The checks: `steps.toml`.

use std::process::Command;
use std::sync::LazyLock;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::boards;
use crate::commands::setup::all_boards;
use crate::firmware::target_dir;
use crate::process::cargo;
use crate::setup::{self, bare_metal, libtorch, rustup, system};
use crate::{CHECKED, project};

/// One check.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Name on the command line.
    pub name: String,
    /// What it shows.
    pub shows: String,
    #[serde(default)]
    needs: Vec<String>,
    run: Vec<String>,
    /// Commands that depend on the boards, before the others.
    more: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Steps {
    step: Vec<Step>,
}

/// Every check.
pub static STEPS: LazyLock<Vec<Step>> = LazyLock::new(|| {
    let steps: Steps = toml::from_str(include_str!("steps.toml")).expect("a test reads it too");
    steps.step
});

impl Step {
    /// Installs what the step needs and returns the commands that it runs, in order.
    pub fn prepare(&self) -> Result<Vec<Command>> {
        for need in &self.needs {
            match &**need {
                "rustfmt" => rustup::component("rustfmt", "fmt")?,
                "clippy" => rustup::component("clippy", "clippy")?,
                "jpeg" => setup::jpeg()?,
                "libtorch" => libtorch::ensure()?,
                "boards" => all_boards()?,
                tool => drop(system::ensure(tool)?),
            }
        }
        let mut commands = match self.more.as_deref() {
            None => Vec::new(),
            Some("bare-metal") => bare_metal()?,
            Some("firmware") => firmware()?,
            Some(other) => bail!("steps.toml: there are no commands `{other}`"),
        };
        for line in &self.run {
            commands.push(command(line)?);
        }
        Ok(commands)
    }
}

/// Returns the command of a line of the table.
fn command(line: &str) -> Result<Command> {
    let (place, arguments) = line.split_once(": ").unwrap_or(("", line));
    let (subcommand, arguments) = arguments.split_once(' ').context("it has arguments")?;
    let mut command = match place.split_once(' ') {
        Some(("oldest", folder)) => with_oldest(folder)?,
        Some((target, folder)) => {
            let toolchain = bare_metal::ensure(target.trim_start_matches('@'))?;
            let target_dir = project::root().join("target").join(folder);
            let mut command = toolchain.cargo(subcommand, project::root(), &target_dir);
            command.args(["--package", "lcl-infer"]).args(arguments.split(' '));
            for_linux(&mut command);
            return Ok(command);
        }
        None => {
            let mut command = cargo();
            command.current_dir(project::root().join(place));
            command
        }
    };
    if arguments.starts_with("--release ") && place.is_empty() {
        command.args(["--config", CHECKED.1]);
    }
    if place.starts_with("oldest") {
        // Nothing is linked, so libjpeg-turbo need not be built.
        command.env("TURBOJPEG_SOURCE", "explicit").env("TURBOJPEG_LIB_DIR", project::root());
    }
    // For cargo in the commands, so that it compiles nothing with other flags, and so
    // that no test is passed over.
    command.env(CHECKED.0, CHECKED.1).env("LCL_TESTS_WITH_BROWSER", "1");
    command.arg(subcommand).args(arguments.split(' ')).env("RUSTDOCFLAGS", "-D warnings");
    Ok(command)
}

/// Returns cargo of the Rust that the manifest of `FOLDER` or `FOLDER@TARGET`, or the
/// one above, names.
fn with_oldest(place: &str) -> Result<Command> {
    let (folder, target) = place.split_once('@').map_or((place, None), |(f, t)| (f, Some(t)));
    let folder = project::root().join(folder);
    let version = folder.ancestors().find_map(|folder| {
        let manifest = project::read(&folder.join("Cargo.toml")).ok()?;
        let line = manifest.lines().find_map(|line| line.strip_prefix("rust-version = \""));
        line.map(|version| version.trim_end_matches('"').to_owned())
    });
    let version = version.with_context(|| format!("{place} has no rust-version"))?;
    rustup::toolchain(&version, target)?;
    let mut command = rustup::of(&version, "cargo");
    command.current_dir(folder).env("CARGO_TARGET_DIR", project::root().join("target/oldest"));
    command.envs(target.map(|target| ("CARGO_BUILD_TARGET", target)));
    Ok(command)
}

/// Sets the linkers of other Linuxes.
fn for_linux(command: &mut Command) {
    const AARCH64: &str = "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_";
    let emulator = system::ensure("qemu-aarch64-static").unwrap_or("qemu-aarch64");
    command.env(AARCH64.to_owned() + "LINKER", "aarch64-linux-gnu-gcc");
    command.env(AARCH64.to_owned() + "RUNNER", format!("{emulator} -L /usr/aarch64-linux-gnu"));
    // Rust's own linker and C library: a host of 64 bits may have no other.
    command.env("CARGO_TARGET_I686_UNKNOWN_LINUX_MUSL_LINKER", "rust-lld");
    command.env("RUSTDOCFLAGS", "-D warnings");
}

/// Links `panic-free` for each core.
fn bare_metal() -> Result<Vec<Command>> {
    let mut commands = Vec::new();
    for board in boards::cores() {
        let toolchain = bare_metal::ensure(&board.target)?;
        // In the board's folder, whose configuration has its flags.
        let folder = project::firmware().join(&board.name);
        let mut link = toolchain.cargo("build", &folder, &target_dir(board));
        link.args(["--release", "--package", "panic-free"]);
        commands.push(link);
        if board.target == "thumbv7em-none-eabihf" {
            let mut engine = toolchain.cargo("build", project::root(), &target_dir(board));
            engine.args(["--release", "--package", "lcl-infer", "--features", "defmt,float"]);
            commands.push(engine);
        }
    }
    Ok(commands)
}

/// Builds and lints the programs of each board.
fn firmware() -> Result<Vec<Command>> {
    let mut commands = Vec::new();
    for board in boards::all() {
        let toolchain = bare_metal::ensure(&board.target)?;
        let folder = project::firmware().join(&board.name);
        let mut build = toolchain.cargo("build", &folder, &target_dir(board));
        build.args(["--release", "--bins"]);
        let mut clippy = toolchain.cargo("clippy", &folder, &target_dir(board));
        // With its version: esp-hal has a package of the name esp32c3, too.
        let package = format!("{}@{}", board.name, env!("CARGO_PKG_VERSION"));
        clippy.args(["--release", "--bins", "--lib", "--package", &package]);
        // What boards share and no host can build.
        let shared =
            if board.real.is_some() { "physical sensor memory" } else { "emulated memory" };
        let baseline = board.gcc.as_ref().map(|_| "baseline");
        for package in shared.split(' ').chain(baseline) {
            clippy.args(["--package", package]);
        }
        clippy.args(["--", "-D", "warnings"]);
        commands.extend([build, clippy]);
    }
    Ok(commands)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::shown;

    #[test]
    fn release_builds_of_this_machine_have_the_same_flags() {
        let shown = |line| shown(&command(line).expect("nothing is to be installed"));
        let expected = format!("cargo --config {} test --release --package tests", CHECKED.1);
        assert_eq!(shown("test --release --package tests"), expected);
        assert_eq!(shown("fuzz: fmt --check"), "cargo fmt --check");
        assert!(STEPS.iter().all(|step| !step.run.is_empty() || step.more.is_some()));
    }
}
