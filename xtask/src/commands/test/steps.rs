//! The checks, as data: what each needs and what it runs.

use std::env;
use std::process::Command;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::boards;
use crate::commands::{fuzz, setup::all_boards};
use crate::firmware::target_dir;
use crate::process::cargo;
use crate::setup::{self, bare_metal, libtorch, rustup, system};
use crate::{CHECKED, project};

/// One check.
#[derive(Debug)]
pub struct Step {
    /// Name on the command line.
    pub name: &'static str,
    /// What it shows.
    pub shows: &'static str,
    needs: &'static [Need],
    /// Commands of cargo in the root, or below a folder before a colon.
    runs: &'static [&'static str],
    /// Further commands.
    more: fn() -> Result<Vec<Command>>,
}

/// A thing to install.
#[derive(Clone, Copy, Debug)]
enum Need {
    Rustfmt,
    Clippy,
    Jpeg,
    Libtorch,
    Boards,
    Browser,
}

const fn step(name: &'static str, shows: &'static str) -> Step {
    Step { name, shows, needs: &[], runs: &[], more: || Ok(Vec::new()) }
}

/// Seconds that each target is fuzzed for.
const FUZZ_SECONDS: u64 = 30;

/// Every check, cheap ones first. Those that compile the same crates do so with the
/// same flags, so that each is compiled once.
pub const STEPS: &[Step] = &[
    Step {
        needs: &[Need::Rustfmt],
        // `--all` would take in lcl-infer and its whole workspace.
        runs: &[
            "fmt --all --check",
            "firmware-examples: fmt --check",
            "fuzz: fmt --check",
            "xtask/link: fmt --check",
        ],
        ..step("format", "rustfmt, every workspace")
    },
    Step { runs: &["xtask tidy"], ..step("tidy", "pages say what the code is") },
    Step {
        // The first is compiled already: it runs this.
        runs: &["test --package xtask", "test --package lcl-infer --package lcl-infer-suite"],
        ..step("default", "tests that need nothing installed")
    },
    Step {
        runs: &[
            "test --package lcl-infer --features float",
            // With the kernels of this machine.
            "test --package lcl-infer --features std",
            // A host has no defmt logger to link with.
            "check --package lcl-infer --features defmt",
            "check --package lcl-infer --all-features",
        ],
        ..step("engine", "lcl-infer, each feature alone and all")
    },
    Step { more: aarch64, ..step("aarch64", "lcl-infer on AArch64, emulated") },
    Step { more: narrow, ..step("narrow", "lcl-infer on a host of 32 bits") },
    Step { more: oldest, ..step("oldest", "the oldest Rust that manifests name") },
    Step {
        runs: &["package --package lcl-infer --allow-dirty"],
        more: package,
        ..step("package", "lcl-infer as it is published")
    },
    Step {
        needs: &[Need::Clippy, Need::Jpeg],
        runs: &[
            "clippy --release --package host-trainer --no-default-features --all-targets -- -D warnings",
        ],
        ..step("no-torch", "host-trainer without libtorch")
    },
    Step {
        more: bare_metal,
        ..step(
            "bare-metal",
            "lcl-infer for each board, that it cannot panic, and that this is tested",
        )
    },
    Step { needs: &[Need::Clippy], more: firmware, ..step("firmware", "programs for boards") },
    Step {
        needs: &[Need::Boards],
        runs: &["xtask bench --check", "xtask boards --check"],
        ..step("budgets", "what each board may take")
    },
    Step {
        needs: &[Need::Clippy],
        runs: &[
            "xtask/link: test --locked --target-dir ../../target/board-link",
            "xtask/link: clippy --locked --target-dir ../../target/board-link --all-targets -- -D warnings",
        ],
        ..step("link", "what carries images to boards")
    },
    Step {
        needs: &[Need::Clippy, Need::Jpeg, Need::Libtorch],
        runs: &["clippy --release --workspace --all-targets -- -D warnings"],
        ..step("clippy", "clippy, root workspace")
    },
    Step {
        needs: &[Need::Jpeg, Need::Libtorch],
        runs: &["test --release --workspace --exclude tests --exclude xtask --exclude defmt-log \
                 --exclude lcl-infer --exclude lcl-infer-suite"],
        ..step("trainer", "host-trainer's tests")
    },
    Step {
        needs: &[Need::Jpeg, Need::Libtorch, Need::Boards],
        runs: &["test --release --package tests -- --skip report::"],
        ..step("integration", "tests across crates")
    },
    Step {
        needs: &[Need::Jpeg, Need::Libtorch, Need::Browser],
        runs: &["test --release --package tests -- report::"],
        ..step("report", "a run's report, in a browser")
    },
    Step {
        needs: &[Need::Clippy],
        runs: &["fuzz: clippy --lib --examples -- -D warnings"],
        more: || fuzz::commands(fuzz::Target::value_variants(), FUZZ_SECONDS),
        ..step("fuzz", "any bytes into lcl-infer, for a minute")
    },
    Step {
        needs: &[Need::Jpeg, Need::Libtorch],
        runs: &["doc --release --workspace --no-deps --lib"],
        ..step("docs", "documentation builds")
    },
];

impl Step {
    /// Installs what the step needs and returns the commands that it runs, in order.
    pub fn prepare(&self) -> Result<Vec<Command>> {
        for need in self.needs {
            match need {
                Need::Rustfmt => rustup::component("rustfmt", "fmt")?,
                Need::Clippy => rustup::component("clippy", "clippy")?,
                Need::Jpeg => setup::jpeg()?,
                Need::Libtorch => libtorch::ensure()?,
                Need::Boards => all_boards()?,
                Need::Browser => drop(system::ensure("chromium")?),
            }
        }
        let commands = self.runs.iter().map(|line| command(line));
        Ok(commands.chain((self.more)()?).collect())
    }
}

/// Returns the command of a line.
fn command(line: &str) -> Command {
    let (folder, arguments) = line.split_once(": ").unwrap_or(("", line));
    let mut command = cargo();
    command.current_dir(project::root().join(folder));
    if arguments.contains(" --release ") {
        command.args(["--config", CHECKED.1]);
    }
    // For cargo in the commands, so that it compiles nothing with other flags.
    command.env(CHECKED.0, CHECKED.1).args(arguments.split_whitespace());
    command.env("RUSTDOCFLAGS", "-D warnings");
    // So that the test is not passed over.
    command.env("LCL_TESTS_WITH_BROWSER", "1");
    command
}

fn aarch64() -> Result<Vec<Command>> {
    const TARGET: &str = "aarch64-unknown-linux-gnu";
    if cfg!(target_arch = "aarch64") {
        return Ok(vec![command("test --package lcl-infer --features std")]);
    }
    let linker = system::ensure("aarch64-linux-gnu-gcc")?;
    let emulator = system::ensure("qemu-aarch64-static")?;
    // An emulated processor takes its time.
    let mut tests = for_target(TARGET, "test", "aarch64", "--release --features std")?;
    tests.args(["--lib", "--test", "contract"]);
    let variable = |name| format!("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_{name}");
    let runner = format!("{emulator} -L /usr/aarch64-linux-gnu");
    tests.env(variable("LINKER"), linker).env(variable("RUNNER"), runner);
    Ok(vec![tests])
}

fn narrow() -> Result<Vec<Command>> {
    // Linux of 32 bits, which processors of x86-64 run as it is.
    const TARGET: &str = "i686-unknown-linux-musl";
    let mut tests = for_target(TARGET, "test", "narrow", "--features float")?;
    tests.args(["--lib", "--test", "contract"]);
    // Rust's own linker and C library: a host of 64 bits may have no other.
    tests.env("CARGO_TARGET_I686_UNKNOWN_LINUX_MUSL_LINKER", "rust-lld");
    Ok(vec![tests])
}

fn package() -> Result<Vec<Command>> {
    // docs.rs builds for these beside its own host.
    let documented = ["aarch64-unknown-linux-gnu", "thumbv7em-none-eabihf"].iter();
    // Their processors have vectors, and their programs may not use them.
    let unusual = ["aarch64-unknown-none-softfloat", "x86_64-unknown-none"].iter();
    let docs = documented.map(|target| {
        let features = "--no-deps --lib --features defmt,float";
        let mut docs = for_target(target, "doc", "package", features)?;
        docs.env("RUSTDOCFLAGS", "-D warnings");
        Ok(docs)
    });
    let build = |target: &&str| for_target(target, "build", "package", "--features defmt,float");
    docs.chain(unusual.map(build)).collect()
}

/// Returns a command of cargo for lcl-infer and a target, in a folder of `target`.
fn for_target(target: &str, subcommand: &str, folder: &str, arguments: &str) -> Result<Command> {
    let target_dir = project::root().join("target").join(folder);
    let toolchain = bare_metal::ensure(target)?;
    let mut command = toolchain.cargo(subcommand, project::root(), &target_dir);
    command.args(["--package", "lcl-infer"]).args(arguments.split(' '));
    Ok(command)
}

/// Returns a check of every workspace, and of boards one for each HAL, with the Rust
/// that its manifest names.
fn oldest() -> Result<Vec<Command>> {
    // The workspace, the manifest that names the Rust, target and arguments.
    const CHECKS: &[(&str, &str, Option<&str>, &str)] = &[
        // Together, so that what they share is compiled once.
        (
            "",
            "",
            None,
            "--package lcl-infer --package xtask --package host-trainer --no-default-features \
             --features lcl-infer/defmt,lcl-infer/float,lcl-infer/std",
        ),
        ("fuzz", "fuzz", None, "--lib"),
        (
            "firmware-examples/mps2-an386",
            "firmware-examples",
            Some("thumbv7em-none-eabihf"),
            "--bins",
        ),
        (
            "firmware-examples/nrf52840-dk",
            "firmware-examples/nrf52840-dk",
            Some("thumbv7em-none-eabihf"),
            "--bins",
        ),
        (
            "firmware-examples/esp32c3",
            "firmware-examples/esp32c3",
            Some("riscv32imc-unknown-none-elf"),
            "--release --bins",
        ),
    ];
    let check = |&(folder, manifest, target, arguments): &(&str, &str, Option<&str>, &str)| {
        let version = rust_version(manifest)?;
        rustup::toolchain(&version, target)?;
        let mut check = rustup::of(&version, "cargo");
        check.current_dir(project::root().join(folder)).args(["check", "--locked", "--target-dir"]);
        check.arg(project::root().join("target/oldest")).args(arguments.split_whitespace());
        if let Some(target) = target {
            check.args(["--target", target]);
        }
        // Nothing is linked, so libjpeg-turbo need not be built.
        check.env("TURBOJPEG_SOURCE", "explicit").env("TURBOJPEG_LIB_DIR", env::temp_dir());
        Ok(check)
    };
    CHECKS.iter().map(check).collect()
}

/// Returns the `rust-version` that the manifest of a folder states.
fn rust_version(folder: &str) -> Result<String> {
    let manifest = project::read(&project::root().join(folder).join("Cargo.toml"))?;
    let mut lines = manifest.lines();
    let version = lines.find_map(|line| line.strip_prefix("rust-version = \""));
    let version = version.with_context(|| format!("{folder}/Cargo.toml has no rust-version"))?;
    Ok(version.trim_end_matches('"').to_owned())
}

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
    commands.push(command("xtask planted"));
    Ok(commands)
}

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
    let tests =
        "firmware-examples: test --package layout --package sensor --package shared --tests";
    commands.push(command(tests));
    Ok(commands)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::shown;

    #[test]
    fn release_builds_of_this_machine_have_the_same_flags() {
        let checked = format!("cargo --config {} test --release", CHECKED.1);
        assert!(shown(&command("test --release --package tests")).starts_with(&checked));
        assert_eq!(shown(&command("fuzz: fmt --check")), "cargo fmt --check");
        for folder in ["", "fuzz", "firmware-examples", "firmware-examples/esp32c3"] {
            assert!(rust_version(folder).is_ok_and(|version| version.starts_with("1.")));
        }
    }
}
