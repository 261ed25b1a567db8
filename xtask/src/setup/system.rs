//! Programs of the operating system's package manager.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{find, note, output, run};

/// A program and the packages that bring it.
#[derive(Debug)]
pub struct Program {
    /// The names that it may have; one is enough.
    pub names: &'static [&'static str],
    /// What it is for.
    pub purpose: &'static str,
    /// Packages of Debian and Ubuntu.
    pub apt: &'static [&'static str],
    /// Command for Fedora.
    pub dnf: &'static str,
    /// Command for Arch.
    pub pacman: &'static str,
    /// Command for macOS.
    pub macos: &'static str,
}

/// The C++ compiler that torch-sys builds its bindings with.
pub const CPP_COMPILER: Program = Program {
    names: &["c++", "g++", "clang++"],
    purpose: "a C++ compiler, for the bindings to libtorch",
    apt: &["g++"],
    dnf: "sudo dnf install gcc-c++",
    pacman: "sudo pacman -S gcc",
    macos: "xcode-select --install",
};

/// The emulator of the Arm boards.
pub const QEMU_ARM: Program = Program {
    names: &["qemu-system-arm"],
    purpose: "QEMU, which emulates the boards",
    apt: &["qemu-system-arm"],
    dnf: "sudo dnf install qemu-system-arm",
    pacman: "sudo pacman -S qemu-system-arm",
    macos: "brew install qemu",
};

/// Every program that may be asked for.
const PROGRAMS: &[Program] = &[CPP_COMPILER, QEMU_ARM];

impl Program {
    /// Installs the program if none of its names is in the `PATH`.
    pub fn ensure(&self) -> Result<()> {
        let there = || self.names.iter().any(|name| find(name).is_some());
        if there() {
            return Ok(());
        }
        if find("apt-get").is_some() {
            install(self.apt, self.purpose)?;
            if there() {
                return Ok(());
            }
        }
        bail!(
            "{} is missing: install it with `{}`",
            self.purpose,
            self.remedy()
        );
    }

    fn remedy(&self) -> String {
        let managers = [
            ("dnf", self.dnf),
            ("pacman", self.pacman),
            ("brew", self.macos),
        ];
        let known = managers
            .into_iter()
            .find(|(manager, _)| find(manager).is_some());
        match known {
            Some((_, command)) => command.to_owned(),
            None if cfg!(target_os = "macos") => self.macos.to_owned(),
            None => format!("sudo {}", apt_command(self.apt)),
        }
    }
}

/// Installs the program of that name, whichever of [`PROGRAMS`] has it.
pub fn ensure(name: &str) -> Result<()> {
    match PROGRAMS
        .iter()
        .find(|program| program.names.contains(&name))
    {
        Some(program) => program.ensure(),
        None if find(name).is_some() => Ok(()),
        None => bail!("{name} is missing: install it and see that it is in the PATH"),
    }
}

/// Installs packages of Debian or Ubuntu after saying what and how large.
pub fn install(packages: &[&str], purpose: &str) -> Result<()> {
    let is_root = output(Command::new("id").arg("-u")).as_deref() == Some("0");
    if !is_root {
        bail!(
            "{purpose} is missing and only root can install it: run `sudo {}`",
            apt_command(packages)
        );
    }
    if plan(packages).is_none() {
        run(&mut apt(&["-qq", "update"]))?;
    }
    let size = plan(packages).unwrap_or_default();
    note(format!(
        "installing {} ({purpose}){size}",
        packages.join(" ")
    ));
    run(apt(&["-qq", "-y", "install", "--no-install-recommends"]).args(packages))
}

/// Returns what apt says the packages take, or nothing where it knows them
/// not, or not yet.
fn plan(packages: &[&str]) -> Option<String> {
    let mut command = apt(&["--simulate", "install", "--no-install-recommends"]);
    output(command.args(packages))?;
    let mut command = apt(&["--assume-no", "install", "--no-install-recommends"]);
    let report = command.args(packages).output().ok()?;
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    Some(sizes(&report))
}

/// Returns the sentences of apt's report that state sizes.
fn sizes(report: &str) -> String {
    let lines = report
        .lines()
        .filter(|line| line.starts_with("Need to get") || line.starts_with("After this operation"));
    let lines: Vec<_> = lines.map(|line| line.trim_end_matches('.')).collect();
    if lines.is_empty() {
        String::new()
    } else {
        format!(": {}", lines.join("; "))
    }
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("LC_ALL", "C")
        .args(arguments);
    command
}

fn apt_command(packages: &[&str]) -> String {
    format!("apt-get install -y {}", packages.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_come_from_the_report() {
        let report = "Reading package lists...\nNeed to get 22.1 MB of archives.\n\
                      After this operation, 95 MB of additional disk space will be used.\n";
        assert_eq!(
            sizes(report),
            ": Need to get 22.1 MB of archives; After this operation, 95 MB of additional disk \
             space will be used"
        );
        assert_eq!(sizes("nothing"), "");
    }

    #[test]
    fn a_program_that_is_nowhere_is_named() {
        let error = ensure("no-such-program")
            .expect_err("it is not there")
            .to_string();
        assert!(error.contains("no-such-program"), "{error}");
    }
}
