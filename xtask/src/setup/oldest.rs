//! The oldest Rust that each manifest says it builds with.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{find, note, output, run};
use crate::project;

/// What is checked with the Rust that a manifest names.
#[derive(Debug)]
pub struct Check {
    /// Manifest that states `rust-version`, from the root.
    manifest: &'static str,
    /// Folder that cargo runs in, from the root.
    folder: &'static str,
    /// Target, where it is not the host.
    target: Option<&'static str>,
    arguments: &'static [&'static str],
}

/// Every workspace, and of boards one for each HAL.
pub const CHECKS: &[Check] = &[
    Check {
        manifest: "Cargo.toml",
        folder: ".",
        target: None,
        arguments: &["--package", "lcl-infer", "--all-features"],
    },
    Check { manifest: "Cargo.toml", folder: ".", target: None, arguments: &["--package", "xtask"] },
    Check {
        manifest: "Cargo.toml",
        folder: ".",
        target: None,
        arguments: &["--package", "host-trainer", "--no-default-features"],
    },
    Check { manifest: "fuzz/Cargo.toml", folder: "fuzz", target: None, arguments: &["--lib"] },
    Check {
        manifest: "firmware-examples/Cargo.toml",
        folder: "firmware-examples/mps2-an386",
        target: Some("thumbv7em-none-eabihf"),
        arguments: &["--bins"],
    },
    Check {
        manifest: "firmware-examples/nrf52840-dk/Cargo.toml",
        folder: "firmware-examples/nrf52840-dk",
        target: Some("thumbv7em-none-eabihf"),
        arguments: &["--bins"],
    },
    Check {
        manifest: "firmware-examples/esp32c3/Cargo.toml",
        folder: "firmware-examples/esp32c3",
        target: Some("riscv32imc-unknown-none-elf"),
        arguments: &["--release", "--bins"],
    },
];

impl Check {
    /// Installs the Rust that the manifest names, and returns what it is to
    /// check.
    pub fn prepare(&self) -> Result<Command> {
        let path = project::root().join(self.manifest);
        let context = || format!("cannot read {}", path.display());
        let manifest = fs::read_to_string(&path).with_context(context)?;
        let version = rust_version(&manifest);
        let version = version.with_context(|| format!("{} has no rust-version", self.manifest))?;
        ensure(version, self.target)?;
        let mut command = cargo(version);
        command.current_dir(project::root().join(self.folder));
        command.args(["check", "--locked", "--target-dir"]);
        command.arg(project::root().join("target/oldest"));
        command.args(self.arguments);
        if let Some(target) = self.target {
            command.args(["--target", target]);
        }
        Ok(command)
    }
}

/// Returns the version that a manifest states itself.
fn rust_version(manifest: &str) -> Option<&str> {
    let mut lines = manifest.lines();
    let version = lines.find_map(|line| line.strip_prefix("rust-version = "))?;
    Some(version.trim_matches('"'))
}

fn ensure(version: &str, target: Option<&str>) -> Result<()> {
    let remedy = format!("`rustup toolchain install {version} --profile minimal`");
    if find("rustup").is_none() {
        bail!("there is no Rust {version}: install rustup (https://rustup.rs), then run {remedy}");
    }
    let rustup = || {
        let mut rustup = Command::new("rustup");
        rustup.args(["toolchain", "install", version, "--profile", "minimal"]);
        rustup.args(["--no-self-update"]);
        if let Some(target) = target {
            rustup.args(["--target", target]);
        }
        rustup
    };
    let sysroot = output(rustc(version).args(["--print", "sysroot"]));
    let has_target = |sysroot: &String| {
        let libraries = std::path::Path::new(sysroot).join("lib/rustlib");
        target.is_none_or(|target| libraries.join(target).is_dir())
    };
    if !sysroot.as_ref().is_some_and(has_target) {
        note(format!("installing Rust {version} (about 200 MB)"));
        run(&mut rustup()).with_context(|| format!("there is no Rust {version}: run {remedy}"))?;
    }
    Ok(())
}

fn rustc(version: &str) -> Command {
    of(version, "rustc")
}

fn cargo(version: &str) -> Command {
    of(version, "cargo")
}

fn of(version: &str, program: &str) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", version, program]);
    // What rustup and cargo set up for the toolchain that runs xtask.
    for variable in ["RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH", "CARGO", "RUSTC"] {
        command.env_remove(variable);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_the_one_that_a_manifest_states() {
        assert_eq!(rust_version("[package]\nrust-version = \"1.85\"\n"), Some("1.85"));
        assert_eq!(rust_version("[package]\nrust-version.workspace = true\n"), None);
    }

    #[test]
    fn every_check_has_a_version() {
        for check in CHECKS {
            let text = fs::read_to_string(project::root().join(check.manifest));
            assert!(rust_version(&text.expect("it is there")).is_some(), "{}", check.manifest);
        }
    }
}
