//! A Rust for targets other than the host: those that have no operating system,
//! and the Linux of another architecture.
//!
//! This is the one place that decides which: the user's own if it has the target
//! or rustup can add it, otherwise Debian's, which builds the standard library from
//! its source.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{rustup, system};
use crate::process::{cargo, find, note, output};

/// How a program for a target is built.
#[derive(Debug, PartialEq, Eq)]
pub struct Toolchain {
    target: String,
    debian: bool,
}

/// Debian 12's Rust with its source, its linker and clippy, and the files of it
/// that are looked for.
const DEBIAN_PACKAGES: [&str; 5] =
    ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "rust-web-clippy"];
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_FILES: [&str; 5] = [
    DEBIAN_CARGO,
    DEBIAN_RUSTC,
    "/usr/bin/cargo-clippy",
    "/usr/bin/rust-lld",
    "/usr/lib/rustlib/src/rust/library/core",
];

/// Oldest Rust 1 that builds the project.
const OLDEST_MINOR: u32 = 85;

/// Variables that override the flags in the boards' cargo configurations.
const FLAGS_OF_THE_HOST: [&str; 4] =
    ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_BUILD_TARGET"];

/// Returns a toolchain for `target`, after installing one if there is none.
pub fn ensure(target: &str) -> Result<Toolchain> {
    if !is_there(target) {
        rustup::target(target);
    }
    if !is_there(target) {
        let remedy = format!("Rust has no target {target}: run `rustup target add {target}`");
        if find("apt-get").is_none() {
            bail!(remedy);
        }
        system::install(&DEBIAN_PACKAGES, "a Rust with the source of its core library")
            .with_context(|| format!("{remedy}, or"))?;
        if !is_there(target) {
            bail!("{remedy} (Debian's Rust is too old or incomplete)");
        }
    }
    let toolchain = Toolchain { target: target.to_owned(), debian: !has_target(target) };
    note(format_args!(
        "{target}: building with {}",
        if toolchain.debian { "Debian's Rust, and its library from source" } else { "your Rust" }
    ));
    Ok(toolchain)
}

/// Returns whether a toolchain for `target` is there, without installing any.
pub fn is_there(target: &str) -> bool {
    has_target(target)
        || DEBIAN_FILES.iter().all(|file| Path::new(file).exists())
            && output(Command::new(DEBIAN_RUSTC).arg("--version")).is_some_and(|v| is_new(&v))
}

/// Returns whether `rustc 1.85.0 (…)` is one that builds the project.
fn is_new(version: &str) -> bool {
    let minor = version.strip_prefix("rustc 1.").and_then(|rest| rest.split('.').next());
    minor.and_then(|minor| minor.parse::<u32>().ok()).is_some_and(|minor| minor >= OLDEST_MINOR)
}

impl Toolchain {
    /// Returns `cargo SUBCOMMAND` for the target, to run in `folder`, with
    /// build output in `target_dir`.
    pub fn cargo(&self, subcommand: &str, folder: &Path, target_dir: &Path) -> Command {
        let mut command = if self.debian { Command::new(DEBIAN_CARGO) } else { cargo() };
        // Flags for this machine would take the place of the board's.
        for variable in FLAGS_OF_THE_HOST {
            command.env_remove(variable);
        }
        command.current_dir(folder).arg(subcommand).args(["--target", &self.target]);
        command.arg("--target-dir").arg(target_dir);
        if self.debian {
            // In place of the settings that rustup and cargo made for the other toolchain.
            command.env("CARGO", DEBIAN_CARGO).env("RUSTC", DEBIAN_RUSTC);
            command.env_remove("RUSTUP_TOOLCHAIN").env_remove("LD_LIBRARY_PATH");
            let linux = self.target.contains("-linux-");
            let library = if linux { "std,panic_unwind,test" } else { "core" };
            command.env("RUSTC_BOOTSTRAP", "1").arg(format!("-Zbuild-std={library}"));
        }
        command
    }

    /// Returns the compiler's version, as `rustc --version` says it.
    pub fn compiler(&self) -> String {
        let mut rustc = if self.debian { Command::new(DEBIAN_RUSTC) } else { own_rustc() };
        output(rustc.arg("--version")).unwrap_or_else(|| "unknown".to_owned())
    }
}

fn own_rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

fn has_target(target: &str) -> bool {
    let sysroot = output(own_rustc().args(["--print", "sysroot"]));
    sysroot.is_some_and(|sysroot| Path::new(&sysroot).join("lib/rustlib").join(target).is_dir())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;
    use crate::process::shown;

    #[test]
    fn flags_for_this_machine_do_not_reach_a_board_and_source_is_built_with_debians_rust_alone() {
        let command = |debian| {
            let toolchain = Toolchain { target: "thumbv7em-none-eabihf".to_owned(), debian };
            toolchain.cargo("build", Path::new("."), Path::new("target"))
        };
        let own = command(false);
        let removed: Vec<_> = own.get_envs().filter(|(_, value)| value.is_none()).collect();
        for variable in FLAGS_OF_THE_HOST {
            assert!(removed.contains(&(OsStr::new(variable), None)), "{variable}");
        }
        assert!(!shown(&own).contains("build-std"));
        assert!(shown(&command(true)).ends_with("--target-dir target -Zbuild-std=core"));
        assert!(is_new("rustc 1.96.0 (abc 2026-01-01)") && !is_new("rustc 1.63.0") && !is_new("x"));
    }
}
