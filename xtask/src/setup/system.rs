//! Programs of the operating system's package manager.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{Logged, find, output};

/// A program and the packages that bring it.
#[derive(Debug)]
pub struct Program {
    /// The names that it may have; one is enough.
    pub names: &'static [&'static str],
    /// What it is.
    pub what: &'static str,
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
    what: "a C++ compiler",
    apt: &["g++"],
    dnf: "sudo dnf install gcc-c++",
    pacman: "sudo pacman -S gcc",
    macos: "xcode-select --install",
};

/// What libjpeg-turbo is built with.
pub const CMAKE: Program = Program {
    names: &["cmake"],
    what: "CMake, for libjpeg-turbo",
    apt: &["cmake", "make"],
    dnf: "sudo dnf install cmake make",
    pacman: "sudo pacman -S cmake make",
    macos: "brew install cmake",
};

/// The assembler of libjpeg-turbo's loops for x86.
pub const NASM: Program = Program {
    names: &["nasm", "yasm"],
    what: "the assembler NASM, for libjpeg-turbo",
    apt: &["nasm"],
    dnf: "sudo dnf install nasm",
    pacman: "sudo pacman -S nasm",
    macos: "brew install nasm",
};

/// The emulator of the Arm boards.
pub const QEMU_ARM: Program = Program {
    names: &["qemu-system-arm"],
    what: "the emulator QEMU",
    apt: &["qemu-system-arm"],
    dnf: "sudo dnf install qemu-system-arm",
    pacman: "sudo pacman -S qemu-system-arm",
    macos: "brew install qemu",
};

/// The emulator of the RISC-V boards.
pub const QEMU_RISCV: Program = Program {
    names: &["qemu-system-riscv32"],
    what: "the emulator QEMU for RISC-V",
    apt: &["qemu-system-misc"],
    dnf: "sudo dnf install qemu-system-riscv",
    pacman: "sudo pacman -S qemu-system-riscv",
    macos: "brew install qemu",
};

/// The compiler of C for Arm's cores, for CMSIS-NN.
pub const ARM_GCC: Program = Program {
    names: &["arm-none-eabi-gcc"],
    what: "GCC for Arm's cores",
    apt: &["gcc-arm-none-eabi"],
    dnf: "sudo dnf install arm-none-eabi-gcc-cs",
    pacman: "sudo pacman -S arm-none-eabi-gcc",
    macos: "brew install arm-none-eabi-gcc",
};

/// The compiler, and so the linker and the C library, of AArch64 Linux.
pub const AARCH64_GCC: Program = Program {
    names: &["aarch64-linux-gnu-gcc"],
    what: "GCC for AArch64",
    apt: &["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"],
    dnf: "sudo dnf install gcc-aarch64-linux-gnu sysroot-aarch64-fc-glibc",
    pacman: "sudo pacman -S aarch64-linux-gnu-gcc",
    macos: "brew install aarch64-unknown-linux-gnu",
};

/// The emulator of AArch64 programs.
pub const QEMU_AARCH64: Program = Program {
    names: &["qemu-aarch64-static", "qemu-aarch64"],
    what: "the emulator QEMU for AArch64 programs",
    apt: &["qemu-user-static"],
    dnf: "sudo dnf install qemu-user-static-aarch64",
    pacman: "sudo pacman -S qemu-user-static",
    macos: "brew install lima, for a Linux: QEMU emulates programs of another there alone",
};

/// The browser that reports are looked at with.
pub const BROWSER: Program = Program {
    names: &["chromium", "chromium-browser", "google-chrome", "chrome"],
    what: "the browser Chromium",
    apt: &["chromium"],
    dnf: "sudo dnf install chromium",
    pacman: "sudo pacman -S chromium",
    macos: "brew install --cask chromium",
};

/// Every program that may be asked for.
const PROGRAMS: &[Program] =
    &[CPP_COMPILER, CMAKE, NASM, QEMU_ARM, QEMU_RISCV, ARM_GCC, AARCH64_GCC, QEMU_AARCH64, BROWSER];

impl Program {
    /// Installs the program if none of its names is in the `PATH`.
    pub fn ensure(&self) -> Result<()> {
        let there = || self.names.iter().any(|name| find(name).is_some());
        if there() {
            return Ok(());
        }
        if find("apt-get").is_some() {
            install(self.apt, self.what)?;
            if there() {
                return Ok(());
            }
        }
        bail!("{} is missing: run {}", self.what, self.remedy());
    }

    /// Returns the name that the program has here.
    pub fn name(&self) -> &'static str {
        let there = self.names.iter().find(|name| find(name).is_some());
        there.or(self.names.first()).copied().unwrap_or_default()
    }

    fn remedy(&self) -> String {
        let managers = [("dnf", self.dnf), ("pacman", self.pacman), ("brew", self.macos)];
        let known = managers.into_iter().find(|(manager, _)| find(manager).is_some());
        match known {
            Some((_, command)) => format!("`{command}`"),
            None if cfg!(target_os = "macos") => format!("`{}`", self.macos),
            None => format!("`sudo {}`, or what your system has for it", apt_command(self.apt)),
        }
    }
}

/// Installs the program of that name, whichever of [`PROGRAMS`] has it.
pub fn ensure(name: &str) -> Result<()> {
    match PROGRAMS.iter().find(|program| program.names.contains(&name)) {
        Some(program) => program.ensure(),
        None if find(name).is_some() => Ok(()),
        None => bail!("{name} is missing: install it and see that it is in the PATH"),
    }
}

/// Installs packages of Debian or Ubuntu after saying what and how large.
pub fn install(packages: &[&str], what: &str) -> Result<()> {
    let is_root = output(Command::new("id").arg("-u")).as_deref() == Some("0");
    if !is_root {
        bail!(
            "{what} is missing and only root can install it: run `sudo {}`",
            apt_command(packages)
        );
    }
    let mut report = simulate(packages);
    if report.is_none() {
        update()?;
        report = simulate(packages);
    }
    let report = report.unwrap_or_default();
    if report.contains("newest version") && to_install(&report).next().is_none() {
        return Ok(());
    }
    let mut records = Command::new("apt-cache");
    records.args(["show", "--no-all-versions"]).args(to_install(&report));
    let size = sizes(&output(&mut records).unwrap_or_default());
    let doing = format!("installing {} for {what}{size}", packages.join(" "));
    // Half a package of the system is worse than a program that outlives xtask.
    let name = format!("install-{}", packages.first().copied().unwrap_or("packages"));
    let step = Logged { name: &name, doing: &doing, undisturbed: true };
    let install = || {
        step.run(apt(&["-y", "install", "--no-install-recommends"]).args(packages))
            .with_context(|| format!("cannot install {what}"))
    };
    if simulate(packages).is_some() && install().is_ok() {
        return Ok(());
    }
    // An old list names versions that are no longer there.
    update()?;
    install()
}

fn update() -> Result<()> {
    let doing = "reading the list of the system's packages";
    Logged { name: "update-packages", doing, undisturbed: true }
        .run(&mut apt(&["update"]))
        .context("cannot read the list of the system's packages: is there a network?")
}

/// Returns what apt would do, or nothing where it knows the packages not, or
/// not yet.
fn simulate(packages: &[&str]) -> Option<String> {
    output(apt(&["--simulate", "install", "--no-install-recommends"]).args(packages))
}

/// Returns the names of the packages that a simulation installs.
fn to_install(report: &str) -> impl Iterator<Item = &str> {
    let lines = report.lines().filter_map(|line| line.strip_prefix("Inst "));
    lines.filter_map(|line| line.split_whitespace().next())
}

/// Returns the sum of the sizes that apt's records state.
fn sizes(records: &str) -> String {
    let sum = |field: &str| -> u64 {
        let values = records.lines().filter_map(|line| line.strip_prefix(field));
        values.filter_map(|value| value.trim().parse::<u64>().ok()).sum()
    };
    let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
    let (download, installed) = (sum("Size:"), sum("Installed-Size:") * 1024);
    format!(": {} MB to download, {} MB on disk", megabytes(download), megabytes(installed))
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C");
    // Another apt-get ends at some time.
    command.args(["-o", "DPkg::Lock::Timeout=600"]).args(arguments);
    command
}

fn apt_command(packages: &[&str]) -> String {
    format!("apt-get install -y {}", packages.join(" "))
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
    fn a_program_that_is_nowhere_is_named() {
        let error = ensure("no-such-program").expect_err("it is not there").to_string();
        assert!(error.contains("no-such-program"), "{error}");
    }
}
