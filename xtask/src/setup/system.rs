//! Programs of the operating system's package manager: `tools.toml`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::process::{Logged, find, output};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tools {
    tool: Vec<Tool>,
}

/// A program and the packages that bring it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tool {
    names: Vec<String>,
    what: String,
    packages: Packages,
}

/// Packages, with blanks between, and a command for macOS without one.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Packages {
    apt: String,
    dnf: String,
    pacman: String,
    brew: String,
    otherwise: String,
}

static TOOLS: LazyLock<Vec<Tool>> = LazyLock::new(|| {
    let tools: Tools = toml::from_str(include_str!("tools.toml")).expect("a test reads it too");
    tools.tool
});

/// Returns the program of that name and its others, if it has any.
fn known(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.names.iter().any(|other| other == name))
}

/// Finds the program of that name, or of another that it goes by, in the `PATH`.
pub fn find_any(name: &str) -> Option<PathBuf> {
    match known(name) {
        Some(tool) => tool.names.iter().find_map(find),
        None => find(name),
    }
}

/// Installs the program of that name if it is not in the `PATH`, and returns the
/// name that it has here.
pub fn ensure(name: &str) -> Result<&str> {
    let Some(tool) = known(name) else {
        if find(name).is_some() {
            return Ok(name);
        }
        bail!("{name} is missing: install it and see that it is in the PATH");
    };
    let there = || tool.names.iter().find(|name| find(name).is_some());
    if let Some(name) = there() {
        return Ok(name);
    }
    if find("apt-get").is_some() {
        install(&tool.packages.apt.split(' ').collect::<Vec<_>>(), &tool.what)?;
        if let Some(name) = there() {
            return Ok(name);
        }
    }
    bail!("{} is missing: run {}", tool.what, tool.packages.remedy());
}

impl Packages {
    fn remedy(&self) -> String {
        let Self { apt, dnf, pacman, brew, otherwise } = self;
        let macos =
            if brew.is_empty() { otherwise.clone() } else { format!("brew install {brew}") };
        if cfg!(target_os = "macos") {
            return format!("`{macos}`");
        }
        let known = [("dnf", "dnf install", dnf), ("pacman", "pacman -S", pacman)];
        match known.into_iter().find(|(manager, ..)| find(manager).is_some()) {
            Some((_, install, packages)) => format!("`sudo {install} {packages}`"),
            None => format!("`sudo apt-get install -y {apt}`, or what your system has for it"),
        }
    }
}

/// Installs packages of Debian or Ubuntu after saying what and how large.
pub fn install(packages: &[&str], what: &str) -> Result<()> {
    let list = packages.join(" ");
    if output(Command::new("id").arg("-u")).as_deref() != Some("0") {
        bail!(
            "{what} is missing and only root can install it: run `sudo apt-get install -y {list}`"
        );
    }
    if simulate(packages).is_none() {
        update()?;
    }
    let report = simulate(packages).unwrap_or_default();
    if report.contains("newest version") && to_install(&report).next().is_none() {
        return Ok(());
    }
    let mut records = Command::new("apt-cache");
    records.args(["show", "--no-all-versions"]).args(to_install(&report));
    let size = sizes(&output(&mut records).unwrap_or_default());
    let install = || {
        let name = format!("install-{}", packages.first().copied().unwrap_or("packages"));
        let doing = format!("installing {list} for {what}{size}");
        apt(&name, &doing, &[&["-y", "install", "--no-install-recommends"], packages].concat())
            .with_context(|| format!("cannot install {what}"))
    };
    if install().is_ok() {
        return Ok(());
    }
    // An old list names versions that are no longer there.
    update()?;
    install()
}

fn update() -> Result<()> {
    apt("update-packages", "reading the list of the system's packages", &["update"])
        .context("cannot read the list of the system's packages: is there a network?")
}

fn apt(name: &str, doing: &str, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C");
    // Another apt-get ends at some time.
    command.args(["-o", "DPkg::Lock::Timeout=600"]).args(arguments);
    // Half a package of the system is worse than a program that outlives xtask.
    Logged { undisturbed: true, ..Logged::new(name, doing) }.run(&mut command)
}

/// Returns apt's plan, or `None` if it does not know the packages, or not yet.
fn simulate(packages: &[&str]) -> Option<String> {
    let mut command = Command::new("apt-get");
    command.env("LC_ALL", "C").args(["--simulate", "install", "--no-install-recommends"]);
    output(command.args(packages))
}

/// Returns the names of the packages that a simulation installs.
fn to_install(report: &str) -> impl Iterator<Item = &str> {
    let lines = report.lines().filter_map(|line| line.strip_prefix("Inst "));
    lines.filter_map(|line| line.split_whitespace().next())
}

/// Returns the sum of the sizes that apt's records state.
fn sizes(records: &str) -> String {
    let megabytes = |field: &str, unit: u64| {
        let values = records.lines().filter_map(|line| line.strip_prefix(field));
        let sum: u64 = values.filter_map(|value| value.trim().parse::<u64>().ok()).sum();
        (sum * unit).div_ceil(1_000_000)
    };
    let (download, installed) = (megabytes("Size:", 1), megabytes("Installed-Size:", 1024));
    format!(": {download} MB to download, {installed} MB on disk")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_summed_over_what_is_installed() {
        let report = "Reading package lists...\nInst b (2.0 Debian:12 [amd64])\n\
                      Inst a (1.0 Debian:12 [amd64])\nConf b (2.0 Debian:12 [amd64])\n";
        assert_eq!(to_install(report).collect::<Vec<_>>(), ["b", "a"]);
        let records = "Package: b\nInstalled-Size: 2000\nSize: 1500000\n\n\
                       Package: a\nInstalled-Size: 100\nSize: 40000\n";
        assert_eq!(sizes(records), ": 2 MB to download, 3 MB on disk");
    }

    #[test]
    fn a_program_that_is_nowhere_is_named_and_every_tool_has_a_remedy() {
        let error = ensure("no-such-program").expect_err("it is not there").to_string();
        assert!(error.contains("no-such-program"), "{error}");
        for Tool { names, packages, .. } in &*TOOLS {
            let Packages { apt, dnf, pacman, .. } = packages;
            assert!([apt, dnf, pacman].iter().all(|list| !list.is_empty()), "{names:?}");
            assert_ne!(packages.brew.is_empty(), packages.otherwise.is_empty(), "{names:?}");
        }
    }
}
