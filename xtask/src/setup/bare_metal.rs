//! A Rust for targets other than the host: those that have no operating system,
//! and the Linux of another architecture.
//!
//! This is the one place that decides which: the user's own where it has the
//! target or rustup can add it, otherwise one that carries the source of the
//! standard library, which is then built with the program.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use super::system;
use crate::process::{Logged, cargo, find, note, output};

/// How a program for a target is built.
#[derive(Debug, PartialEq, Eq)]
pub struct Toolchain {
    target: String,
    kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// The user's cargo, with the target installed.
    Installed,
    /// The user's cargo, with the library built from its `rust-src`.
    OwnSource,
    /// Debian's cargo, with the library built from its source package.
    Debian,
}

/// Where Debian's packages put Rust.
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CLIPPY: &str = "/usr/bin/cargo-clippy";

/// Variables that override the flags in the boards' cargo configurations.
const FLAGS_OF_THE_HOST: [&str; 4] =
    ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_BUILD_TARGET"];

/// Oldest Rust that builds the project, as (major, minor).
const OLDEST: (u32, u32) = (1, 85);

const DEBIAN_SYSROOT: &str = "/usr";
const DEBIAN_LINKER: &str = "/usr/bin/rust-lld";

/// Packages of a Rust with its source and its linker: Debian 12's newer one,
/// and what other releases call theirs.
const DEBIAN_PACKAGES: [&[&str]; 2] = [
    &["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm"],
    &["rustc", "cargo", "rust-src", "rust-lld"],
];

/// Returns a toolchain for `target`, after installing one if there is none.
pub fn ensure(target: &str) -> Result<Toolchain> {
    let kind = find_or_install(target)?;
    let toolchain = Toolchain { target: target.to_owned(), kind };
    note(format!("{target}: {}", toolchain.how()));
    Ok(toolchain)
}

/// Returns whether a toolchain for `target` is there, without installing any.
pub fn is_there(target: &str) -> bool {
    has_target(target) || debian_is_complete()
}

fn find_or_install(target: &str) -> Result<Kind> {
    if has_target(target) {
        return Ok(Kind::Installed);
    }
    if debian_is_complete() {
        return Ok(Kind::Debian);
    }
    if find("rustup").is_some() {
        let doing = format!("adding {target} to the Rust toolchain (about 30 MB)");
        Logged { name: "rustup", doing: &doing, undisturbed: false }
            .run(Command::new("rustup").args(["target", "add", target]))
            .ok();
        if has_target(target) {
            return Ok(Kind::Installed);
        }
    }
    // Debian's own comes below, with its linker.
    let own = own_sysroot().filter(|sysroot| sysroot != Path::new(DEBIAN_SYSROOT));
    if own.is_some_and(|sysroot| has_source(&sysroot)) {
        return Ok(Kind::OwnSource);
    }
    let remedy = format!("run `rustup target add {target}`");
    if find("apt-get").is_none() {
        bail!("Rust has no target {target}: {remedy}");
    }
    install_debian().with_context(|| format!("Rust has no target {target}: {remedy}, or"))?;
    if debian_is_complete() {
        return Ok(Kind::Debian);
    }
    bail!("Rust has no target {target} and Debian's Rust is too old or incomplete: {remedy}");
}

fn install_debian() -> Result<()> {
    let known = |packages: &&[&str]| output(Command::new("apt-cache").arg("show").arg(packages[0]));
    let packages = DEBIAN_PACKAGES.into_iter().find(|packages| known(packages).is_some());
    let what = "a Rust with the source of its core library";
    system::install(packages.unwrap_or(DEBIAN_PACKAGES[1]), what)?;
    // The linker may be a link to a file of another package, of the same name.
    let linker = fs::read_link(DEBIAN_LINKER).ok();
    let package = linker.as_deref().and_then(Path::file_name).and_then(OsStr::to_str);
    match package {
        Some(package) if !Path::new(DEBIAN_LINKER).exists() => {
            system::install(&[package], "the linker of Debian's Rust")
        }
        _ => Ok(()),
    }
}

impl Toolchain {
    /// Returns `cargo SUBCOMMAND` for the target, to run in `folder`, with
    /// build output in `target_dir`.
    pub fn cargo(&self, subcommand: &str, folder: &Path, target_dir: &Path) -> Command {
        let mut command = match self.kind {
            Kind::Installed | Kind::OwnSource => cargo(),
            Kind::Debian if subcommand == "clippy" => debian(DEBIAN_CLIPPY),
            Kind::Debian => debian(DEBIAN_CARGO),
        };
        // Flags for this machine would take the place of the board's.
        for variable in FLAGS_OF_THE_HOST {
            command.env_remove(variable);
        }
        command.current_dir(folder).arg(subcommand).args(["--target", &self.target]);
        command.arg("--target-dir").arg(target_dir);
        if self.kind != Kind::Installed {
            command.env("RUSTC_BOOTSTRAP", "1").arg(format!("-Zbuild-std={}", self.library()));
        }
        command
    }

    /// Returns the crates of the standard library that the target has.
    fn library(&self) -> &'static str {
        if self.target.contains("-linux-") { "std,panic_unwind,test" } else { "core" }
    }

    /// Returns the compiler's version, as `rustc --version` says it.
    pub fn compiler(&self) -> String {
        let rustc = match self.kind {
            Kind::Installed | Kind::OwnSource => own_rustc(),
            Kind::Debian => DEBIAN_RUSTC.into(),
        };
        output(Command::new(rustc).arg("--version")).unwrap_or_else(|| "unknown".to_owned())
    }

    /// Sees that `cargo("clippy", …)` can run.
    pub fn ensure_clippy(&self) -> Result<()> {
        if self.kind != Kind::Debian {
            return super::components::ensure("clippy", "clippy");
        }
        if !Path::new(DEBIAN_CLIPPY).is_file() {
            let web = output(Command::new("dpkg").args(["-s", DEBIAN_PACKAGES[0][0]])).is_some();
            let package = if web { "rust-web-clippy" } else { "rust-clippy" };
            system::install(&[package], "clippy for Debian's Rust")?;
        }
        Ok(())
    }

    fn how(&self) -> &'static str {
        match self.kind {
            Kind::Installed => "building with your Rust, which has this target",
            Kind::OwnSource => "building with your Rust, and its library from rust-src",
            Kind::Debian => "building with Debian's Rust, and its library from source",
        }
    }
}

fn debian(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("CARGO", DEBIAN_CARGO).env("RUSTC", DEBIAN_RUSTC);
    // What rustup and cargo set up for the other toolchain.
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("LD_LIBRARY_PATH");
    command
}

fn own_rustc() -> OsString {
    env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

fn own_sysroot() -> Option<PathBuf> {
    output(Command::new(own_rustc()).args(["--print", "sysroot"])).map(PathBuf::from)
}

fn has_target(target: &str) -> bool {
    own_sysroot().is_some_and(|sysroot| sysroot.join("lib/rustlib").join(target).is_dir())
}

fn has_source(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib/src/rust/library/core").is_dir()
}

fn debian_is_complete() -> bool {
    let version = output(Command::new(DEBIAN_RUSTC).arg("--version"));
    let new_enough = version.and_then(|text| version_of(&text)).is_some_and(|v| v >= OLDEST);
    let there = |program| Path::new(program).is_file();
    new_enough
        && there(DEBIAN_CARGO)
        && there(DEBIAN_LINKER)
        && has_source(Path::new(DEBIAN_SYSROOT))
}

/// Returns major and minor of `rustc 1.85.0 (…)`.
fn version_of(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split_whitespace().nth(1)?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(version_of("rustc 1.96.0 (abc 2026-01-01)"), Some((1, 96)));
        assert_eq!(version_of("rustc"), None);
        assert!(version_of("rustc 1.75.0").is_some_and(|version| version < OLDEST));
    }

    #[test]
    fn flags_for_this_machine_do_not_reach_a_board() {
        let toolchain = Toolchain { target: "t".to_owned(), kind: Kind::Installed };
        let command = toolchain.cargo("build", Path::new("."), Path::new("target"));
        let removed: Vec<_> = command.get_envs().filter(|(_, value)| value.is_none()).collect();
        for variable in FLAGS_OF_THE_HOST {
            assert!(removed.contains(&(OsStr::new(variable), None)), "{variable}");
        }
    }

    #[test]
    fn source_is_built_only_where_the_target_is_not_installed() {
        let shown = |kind| {
            let toolchain = Toolchain { target: "thumbv7em-none-eabihf".to_owned(), kind };
            let command = toolchain.cargo("build", Path::new("."), Path::new("target"));
            crate::process::shown(&command)
        };
        assert!(!shown(Kind::Installed).contains("build-std"));
        assert!(shown(Kind::OwnSource).contains("-Zbuild-std=core"));
        assert!(shown(Kind::Debian).ends_with("--target-dir target -Zbuild-std=core"));
    }
}
