//! Components, targets and other releases of Rust, through rustup.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{Logged, cargo, find, output};

/// Adds the component `name` if `cargo SUBCOMMAND` does not run.
pub fn component(name: &str, subcommand: &str) -> Result<()> {
    let there = || output(cargo().args([subcommand, "--version"])).is_some();
    if !there() {
        let doing = format!("adding {name} to the Rust toolchain (about 10 MB)");
        rustup(&doing, &["component", "add", name]).ok();
    }
    if !there() {
        bail!("{name} is missing: run `rustup component add {name}`");
    }
    Ok(())
}

/// Adds a target to the user's Rust, if rustup can.
pub fn target(target: &str) {
    let doing = format!("adding {target} to the Rust toolchain (about 30 MB)");
    rustup(&doing, &["target", "add", target]).ok();
}

/// Installs another Rust, such as `1.85` or `nightly`, with a target beside the
/// host's.
pub fn toolchain(version: &str, target: Option<&str>) -> Result<()> {
    let sysroot = output(of(version, "rustc").args(["--print", "sysroot"]));
    let has_target = |sysroot: &String| {
        let libraries = Path::new(sysroot).join("lib/rustlib");
        target.is_none_or(|target| libraries.join(target).is_dir())
    };
    if sysroot.as_ref().is_some_and(has_target) {
        return Ok(());
    }
    let mut install = vec!["toolchain", "install", version, "--profile", "minimal"];
    let remedy = format!("`rustup {}`", install.join(" "));
    install
        .extend(["--no-self-update"].into_iter().chain(target.map(|_| "--target")).chain(target));
    rustup(&format!("installing Rust {version} (about 200 MB)"), &install).with_context(|| {
        format!("there is no Rust {version}: install rustup (https://rustup.rs), then run {remedy}")
    })
}

/// Returns a program of another Rust, as a command.
pub fn of(version: &str, program: &str) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", version, program]);
    // What rustup and cargo set up for the toolchain that runs xtask.
    for variable in ["RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH", "CARGO", "RUSTC"] {
        command.env_remove(variable);
    }
    command
}

fn rustup(doing: &str, arguments: &[&str]) -> Result<()> {
    if find("rustup").is_none() {
        bail!("rustup is missing");
    }
    Logged::new("rustup", doing).run(Command::new("rustup").args(arguments))
}
