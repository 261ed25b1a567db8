//! Components of the user's own Rust: rustfmt and clippy.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{Logged, cargo, find, output};

/// Adds the component `name` if `cargo SUBCOMMAND` does not run.
pub fn ensure(name: &str, subcommand: &str) -> Result<()> {
    if output(cargo().args([subcommand, "--version"])).is_some() {
        return Ok(());
    }
    if find("rustup").is_some() {
        let doing = format!("adding {name} to the Rust toolchain (about 10 MB)");
        Logged { name: "rustup", doing: &doing, undisturbed: false }
            .run(Command::new("rustup").args(["component", "add", name]))
            .ok();
        if output(cargo().args([subcommand, "--version"])).is_some() {
            return Ok(());
        }
    }
    bail!("{name} is missing: run `rustup component add {name}`");
}
