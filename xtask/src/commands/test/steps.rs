//! The checks, as data: what each needs and what it runs.

use std::collections::HashSet;
use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;

use crate::boards::{self, BOARDS};
use crate::commands::fuzz;
use crate::firmware::{Run, target_dir};
use crate::process::cargo;
use crate::project;
use crate::setup::{bare_metal, components, jpeg, libtorch, oldest, system};

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

/// Seconds that each target is fuzzed for.
const FUZZ_SECONDS: u64 = 30;

/// Every check, cheap ones first.
pub const STEPS: &[Step] = &[
    Step { name: "format", description: "rustfmt, every workspace", prepare: format },
    Step { name: "default", description: "tests that need nothing installed", prepare: default },
    Step { name: "engine", description: "lcl-infer, each feature alone and all", prepare: engine },
    Step { name: "aarch64", description: "lcl-infer on AArch64, emulated", prepare: aarch64 },
    Step { name: "narrow", description: "lcl-infer on a host of 32 bits", prepare: narrow },
    Step { name: "oldest", description: "the oldest Rust that manifests name", prepare: oldest },
    Step { name: "package", description: "lcl-infer as it is published", prepare: package },
    Step { name: "no-torch", description: "host-trainer without libtorch", prepare: no_torch },
    Step {
        name: "bare-metal",
        description: "lcl-infer for each board, that it cannot panic, and that this is tested",
        prepare: bare_metal,
    },
    Step { name: "firmware", description: "programs for boards", prepare: firmware },
    Step { name: "budgets", description: "what each board may take", prepare: budgets },
    Step { name: "link", description: "what carries images to boards", prepare: link },
    Step { name: "clippy", description: "clippy, root workspace", prepare: clippy },
    Step { name: "trainer", description: "host-trainer's tests", prepare: trainer },
    Step { name: "integration", description: "tests across crates", prepare: integration },
    Step { name: "report", description: "a run's report, in a browser", prepare: report },
    Step { name: "fuzz", description: "any bytes into lcl-infer, for a minute", prepare: fuzzing },
    Step { name: "docs", description: "documentation builds", prepare: docs },
];

/// Target that every feature of the engine is built for together.
const FLOAT_TARGET: &str = "thumbv7em-none-eabihf";

/// What measures another engine beside ours.
const BASELINE_PACKAGE: &str = "baseline";

/// What boards share and no host can build.
const REAL_PACKAGES: &[&str] = &["physical", "sensor", "memory"];
const EMULATED_PACKAGES: &[&str] = &["emulated", "memory"];

/// Target that the kernels for AArch64 are tested on.
const AARCH64_TARGET: &str = "aarch64-unknown-linux-gnu";

/// Linux of 32 bits, which processors of x86-64 run as it is.
const NARROW_TARGET: &str = "i686-unknown-linux-musl";

/// The trainer's packages.
const TRAINER: [&str; 10] = [
    "host-trainer",
    "c10d",
    "lcl-artefacts",
    "lcl-evaluate",
    "lcl-images",
    "lcl-numerics",
    "lcl-pages",
    "lcl-quantise",
    "lcl-run",
    "lcl-train",
];

/// Targets that docs.rs builds lcl-infer for beside its own host.
const DOCUMENTED_TARGETS: &[&str] = &["aarch64-unknown-linux-gnu", "thumbv7em-none-eabihf"];

/// Targets whose processor has vectors and whose programs may not use them.
const UNUSUAL_TARGETS: &[&str] = &["aarch64-unknown-none-softfloat", "x86_64-unknown-none"];

fn format() -> Result<Vec<Command>> {
    components::ensure("rustfmt", "fmt")?;
    // `--all` would take in lcl-infer and its whole workspace.
    let mut firmware = root("fmt --check");
    firmware.current_dir(project::firmware());
    let mut link = root("fmt --check");
    link.current_dir(project::root().join("xtask/link"));
    let mut fuzz = root("fmt --check");
    fuzz.current_dir(project::root().join("fuzz"));
    Ok(vec![root("fmt --all --check"), firmware, fuzz, link])
}

#[expect(clippy::unnecessary_wraps, reason = "every step has one type")]
fn default() -> Result<Vec<Command>> {
    Ok(vec![root("test")])
}

#[expect(clippy::unnecessary_wraps, reason = "every step has one type")]
fn engine() -> Result<Vec<Command>> {
    Ok(vec![
        root("test --package lcl-infer --features float"),
        // With the kernels of this machine.
        root("test --package lcl-infer --features std"),
        // A host has no defmt logger to link with.
        root("check --package lcl-infer --features defmt"),
        root("check --package lcl-infer --all-features"),
    ])
}

fn aarch64() -> Result<Vec<Command>> {
    if cfg!(target_arch = "aarch64") {
        return Ok(vec![root("test --package lcl-infer --features std")]);
    }
    system::AARCH64_GCC.ensure()?;
    system::QEMU_AARCH64.ensure()?;
    let toolchain = bare_metal::ensure(AARCH64_TARGET)?;
    let target_dir = project::root().join("target").join("aarch64");
    let mut tests = toolchain.cargo("test", project::root(), &target_dir);
    // An emulated processor takes its time.
    tests.args(["--release", "--package", "lcl-infer", "--features", "std"]);
    tests.args(["--lib", "--test", "contract"]);
    let variable = |name| format!("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_{name}");
    let runner = format!("{} -L /usr/aarch64-linux-gnu", system::QEMU_AARCH64.name());
    tests.env(variable("LINKER"), system::AARCH64_GCC.name()).env(variable("RUNNER"), runner);
    Ok(vec![tests])
}

fn narrow() -> Result<Vec<Command>> {
    let toolchain = bare_metal::ensure(NARROW_TARGET)?;
    let target_dir = project::root().join("target").join("narrow");
    let mut tests = toolchain.cargo("test", project::root(), &target_dir);
    tests.args(["--package", "lcl-infer", "--features", "float", "--lib", "--test", "contract"]);
    // Rust's own linker and C library: a host of 64 bits may have no other.
    tests.env("CARGO_TARGET_I686_UNKNOWN_LINUX_MUSL_LINKER", "rust-lld");
    Ok(vec![tests])
}

fn oldest() -> Result<Vec<Command>> {
    jpeg::ensure()?;
    oldest::CHECKS.iter().map(oldest::Check::prepare).collect()
}

fn package() -> Result<Vec<Command>> {
    let mut commands = vec![root("package --package lcl-infer --allow-dirty")];
    for target in DOCUMENTED_TARGETS {
        let toolchain = bare_metal::ensure(target)?;
        let target_dir = project::root().join("target").join("package");
        let mut docs = toolchain.cargo("doc", project::root(), &target_dir);
        docs.args(["--no-deps", "--lib", "--package", "lcl-infer", "--features", "defmt,float"]);
        commands.push(docs);
    }
    for docs in commands.iter_mut().skip(1) {
        docs.env("RUSTDOCFLAGS", "-D warnings");
    }
    for target in UNUSUAL_TARGETS {
        let toolchain = bare_metal::ensure(target)?;
        let target_dir = project::root().join("target").join("package");
        let mut build = toolchain.cargo("build", project::root(), &target_dir);
        build.args(["--package", "lcl-infer", "--features", "defmt,float"]);
        commands.push(build);
    }
    Ok(commands)
}

fn no_torch() -> Result<Vec<Command>> {
    components::ensure("clippy", "clippy")?;
    jpeg::ensure()?;
    Ok(vec![
        root("clippy --release --package host-trainer --no-default-features --all-targets -- -D warnings"),
        root("test --release --package host-trainer --no-default-features --bin lcl"),
    ])
}

fn bare_metal() -> Result<Vec<Command>> {
    let mut commands = Vec::new();
    let mut built = HashSet::new();
    for board in BOARDS {
        // A core is linked for once, however many boards have it.
        if !built.insert((board.target, board.cpu)) {
            continue;
        }
        let toolchain = bare_metal::ensure(board.target)?;
        // In the board's folder, whose configuration has its flags.
        let folder = project::firmware().join(board.name);
        let mut link = toolchain.cargo("build", &folder, &target_dir(board));
        link.args(["--release", "--package", "panic-free"]);
        commands.push(link);
        if board.target == FLOAT_TARGET {
            let mut engine = toolchain.cargo("build", project::root(), &target_dir(board));
            engine.args(["--release", "--package", "lcl-infer", "--features", "defmt,float"]);
            commands.push(engine);
        }
    }
    commands.push(root("xtask planted"));
    Ok(commands)
}

fn firmware() -> Result<Vec<Command>> {
    let mut commands = Vec::new();
    for board in BOARDS {
        let toolchain = bare_metal::ensure(board.target)?;
        toolchain.ensure_clippy()?;
        let folder = project::firmware().join(board.name);
        let mut build = toolchain.cargo("build", &folder, &target_dir(board));
        build.args(["--release", "--bins"]);
        let mut clippy = toolchain.cargo("clippy", &folder, &target_dir(board));
        // With its version: esp-hal has a package of the name esp32c3, too.
        let package = format!("{}@{}", board.name, env!("CARGO_PKG_VERSION"));
        clippy.args(["--release", "--bins", "--lib", "--package", &package]);
        let with = if board.real().is_some() { REAL_PACKAGES } else { EMULATED_PACKAGES };
        clippy.args(with.iter().flat_map(|package| ["--package", package]));
        if board.gcc.is_some() {
            clippy.args(["--package", BASELINE_PACKAGE]);
        }
        clippy.args(["--", "-D", "warnings"]);
        commands.extend([build, clippy]);
    }
    let mut tests = root("test --package layout --package sensor --package shared --tests");
    tests.current_dir(project::firmware());
    commands.push(tests);
    Ok(commands)
}

fn budgets() -> Result<Vec<Command>> {
    ensure_boards()?;
    Ok(vec![root("xtask bench --check"), root("xtask boards --check")])
}

fn link() -> Result<Vec<Command>> {
    components::ensure("clippy", "clippy")?;
    let manifest = "--locked --manifest-path xtask/link/Cargo.toml --target-dir target/board-link";
    Ok(vec![
        root(&format!("test {manifest}")),
        root(&format!("clippy {manifest} --all-targets -- -D warnings")),
    ])
}

fn clippy() -> Result<Vec<Command>> {
    components::ensure("clippy", "clippy")?;
    jpeg::ensure()?;
    libtorch::ensure()?;
    Ok(vec![root("clippy --release --workspace --all-targets -- -D warnings")])
}

fn trainer() -> Result<Vec<Command>> {
    jpeg::ensure()?;
    libtorch::ensure()?;
    let mut tests = with_overflow_checks("test --release");
    tests.args(TRAINER.into_iter().flat_map(|package| ["--package", package]));
    Ok(vec![tests])
}

fn integration() -> Result<Vec<Command>> {
    jpeg::ensure()?;
    libtorch::ensure()?;
    ensure_boards()?;
    Ok(vec![with_overflow_checks("test --release --package tests -- --skip report::")])
}

fn report() -> Result<Vec<Command>> {
    jpeg::ensure()?;
    libtorch::ensure()?;
    system::BROWSER.ensure()?;
    let mut tests = with_overflow_checks("test --release --package tests -- report::");
    // So that the test is not passed over.
    tests.env("LCL_TESTS_WITH_BROWSER", "1");
    Ok(vec![tests])
}

fn fuzzing() -> Result<Vec<Command>> {
    components::ensure("clippy", "clippy")?;
    let mut clippy = root("clippy --lib --examples -- -D warnings");
    clippy.current_dir(project::root().join("fuzz"));
    let targets = fuzz::commands(fuzz::Target::value_variants(), FUZZ_SECONDS)?;
    Ok([clippy].into_iter().chain(targets).collect())
}

fn docs() -> Result<Vec<Command>> {
    jpeg::ensure()?;
    libtorch::ensure()?;
    let mut command = root("doc --release --no-deps --lib --package lcl-infer");
    command.args(TRAINER.into_iter().flat_map(|package| ["--package", package]));
    command.env("RUSTDOCFLAGS", "-D warnings");
    Ok(vec![command])
}

/// Installs what building for boards and emulating them needs.
fn ensure_boards() -> Result<()> {
    boards::emulated().try_for_each(Run::ensure)?;
    BOARDS.iter().try_for_each(|board| bare_metal::ensure(board.target).map(|_| ()))
}

/// Returns `cargo ARGUMENTS`, to run in the root, for a release build in which
/// lcl-infer checks its arithmetic as a debug build does.
fn with_overflow_checks(arguments: &str) -> Command {
    let mut command = root("--config profile.release.package.lcl-infer.overflow-checks=true");
    command.args(arguments.split(' '));
    command
}

/// Returns `cargo ARGUMENTS`, to run in the root.
fn root(arguments: &str) -> Command {
    let mut command = cargo();
    command.current_dir(project::root()).args(arguments.split(' '));
    command
}
