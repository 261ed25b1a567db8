//! cargo-fuzz, and the nightly Rust that it builds with.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{Logged, cargo, find, output};

/// Installs cargo-fuzz if it is missing, and says what to install where there
/// is no nightly Rust.
pub fn ensure() -> Result<()> {
    let remedy = "run `rustup toolchain install nightly --profile minimal`";
    if find("rustup").is_none() {
        bail!("fuzzing needs a nightly Rust: install rustup (https://rustup.rs), then {remedy}");
    }
    if output(nightly_cargo().arg("--version")).is_none() {
        bail!("fuzzing needs a nightly Rust: {remedy}");
    }
    if output(nightly_cargo().args(["fuzz", "--version"])).is_none() {
        let doing = "installing cargo-fuzz (about a minute)";
        Logged { name: "install-cargo-fuzz", doing, undisturbed: false }.run(cargo().args([
            "install",
            "cargo-fuzz",
            "--locked",
        ]))?;
    }
    Ok(())
}

/// Returns the nightly cargo, as a command.
pub fn nightly_cargo() -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo"]);
    // What rustup and cargo set up for the toolchain that runs xtask.
    for variable in ["RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH", "CARGO", "RUSTC"] {
        command.env_remove(variable);
    }
    command
}
