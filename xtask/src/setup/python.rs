//! Python 3 and its pip: the user's, or one in a folder of the project.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::lock::Lock;
use super::system;
use crate::process::{Logged, find, note, output};
use crate::project::{remove, tools};

/// Installs packages into `folder`, a place of their own, with the arguments that
/// pip takes after `install`, unless `is_there`; `doing` says what is installed.
///
/// They are unpacked beside it and moved at the end, so that an interrupted
/// installation never looks complete.
pub fn install(
    folder: &Path,
    arguments: &[&str],
    doing: &str,
    is_there: impl Fn() -> bool,
) -> Result<()> {
    if is_there() {
        return Ok(());
    }
    let mut pip = pip()?;
    let _lock = Lock::take()?;
    // Another xtask may have installed it meanwhile.
    if is_there() {
        return Ok(());
    }
    let (partial, temporary) = (folder.with_extension("partial"), folder.with_extension("tmp"));
    for folder in [folder, &partial, &temporary] {
        remove(folder)?;
    }
    fs::create_dir_all(&temporary)
        .with_context(|| format!("cannot create {}", temporary.display()))?;
    pip.env("TMPDIR", &temporary).args(["install", "--disable-pip-version-check", "--target"]);
    pip.arg(&partial).args(arguments).env_remove("LD_LIBRARY_PATH");
    let name = folder.file_name().and_then(OsStr::to_str).unwrap_or("python");
    Logged::new(&format!("install-{name}"), doing)
        .run(&mut pip)
        .context("cannot install Python packages")?;
    fs::rename(&partial, folder)
        .with_context(|| format!("cannot move {} into place", partial.display()))?;
    remove(&temporary)
}

/// Returns a pip: Python's own, one in a virtual environment of the project,
/// or Debian's.
fn pip() -> Result<Command> {
    let python = python()?;
    let environment = tools().join("venv");
    let inside = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python3" });
    if let Some(pip) = pip_of(&python).or_else(|| pip_of(&inside)) {
        return Ok(pip);
    }
    note("Python has no pip: making an environment with one in .tools/venv (20 MB)");
    output(Command::new(&python).args(["-m", "venv"]).arg(&environment));
    if let Some(pip) = pip_of(&inside) {
        return Ok(pip);
    }
    remove(&environment)?;
    if find("apt-get").is_some() {
        system::install(&["python3-pip"], "pip")?;
    }
    pip_of(Path::new("/usr/bin/python3")).context(
        "Python has no pip: run `python3 -m ensurepip`, or install pip as your system has it",
    )
}

pub fn python() -> Result<PathBuf> {
    let found = ["python3", "python"].iter().find_map(find);
    found.context("Python 3 is missing: install Python 3.10 or newer")
}

fn pip_of(python: &Path) -> Option<Command> {
    output(Command::new(python).args(["-m", "pip", "--version"]))?;
    let mut command = Command::new(python);
    command.args(["-m", "pip"]);
    Some(command)
}
