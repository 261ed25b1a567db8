//! libtorch: PyTorch's own, in a folder of the project, or the user's.
//!
//! `.libtorch` in the root is a link to it, and `.cargo/config.toml` names the
//! link, so that plain cargo commands need no variable.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use super::python;
use super::system;
use crate::process::{note, output};
use crate::project;

/// Version that the bindings are made for.
const VERSION: &str = "2.11.0";

/// What has to agree in the version of a user's own libtorch.
const COMPATIBLE: &str = "2.11";

/// What pip takes, what that is, and the MB that unpacking takes.
type Wheels = (&'static [&'static str], &'static str, u64);

/// The CUDA build of PyTorch for Linux, with the two libraries that it does
/// not load without.
const CPU_ON_LINUX: Wheels = (
    &["--no-deps", "torch==2.11.0", "nvidia-cuda-runtime==13.0.96", "nvidia-cuda-cupti==13.0.85"],
    "for the CPU: 0.55 GB to download, 1.3 GB on disk",
    3_500,
);
const CUDA: Wheels = (&["torch==2.11.0"], "with CUDA for your NVIDIA GPU: 4.7 GB on disk", 12_000);
const OTHER: Wheels = (&["torch==2.11.0"], "for this system: up to 1 GB on disk", 3_000);

/// Returns whether libtorch is there, so that nothing has to be installed.
pub fn is_ready() -> bool {
    if env::var_os("LIBTORCH_USE_PYTORCH").is_some() || users_own().is_some() {
        return true;
    }
    check(&project::libtorch_link()).is_ok()
}

/// Sees that libtorch and a C++ compiler are there and `.libtorch` leads to
/// libtorch.
pub fn ensure() -> Result<()> {
    system::ensure("c++")?;
    if env::var_os("LIBTORCH_USE_PYTORCH").is_some() {
        return link(&from_python()?, "LIBTORCH_USE_PYTORCH");
    }
    if let Some(folder) = users_own() {
        return link(&folder, "LIBTORCH");
    }
    if check(&project::libtorch_link()).is_ok() {
        return Ok(());
    }
    let ours = project::tools().join("pytorch");
    install(&ours)?;
    link(&ours.join("torch"), "the installed PyTorch")
}

/// Returns the folder in `LIBTORCH`, unless it is what the project's own
/// configuration sets.
fn users_own() -> Option<PathBuf> {
    let folder = PathBuf::from(env::var_os("LIBTORCH")?);
    (folder != project::libtorch_link()).then_some(folder)
}

fn from_python() -> Result<PathBuf> {
    let script = "import os, torch; print(os.path.dirname(torch.__file__))";
    output(Command::new(python::python()?).args(["-c", script])).map(PathBuf::from).context(
        "LIBTORCH_USE_PYTORCH is set but python3 cannot import torch: install it, or unset the \
         variable and let xtask install libtorch",
    )
}

/// Makes `.libtorch` a link to `folder`, which `origin` named.
fn link(folder: &Path, origin: &str) -> Result<()> {
    check(folder).with_context(|| format!("cannot use {origin}"))?;
    let link = project::libtorch_link();
    if fs::canonicalize(&link).ok() == fs::canonicalize(folder).ok() {
        return Ok(());
    }
    match fs::symlink_metadata(&link) {
        Ok(metadata) if metadata.is_symlink() => fs::remove_file(&link)
            .with_context(|| format!("cannot replace the link {}", link.display()))?,
        Ok(_) => bail!("{} is no link: move it away", link.display()),
        Err(_) => {}
    }
    let target = folder.strip_prefix(project::root()).unwrap_or(folder);
    note(format_args!("linking .libtorch to {}", target.display()));
    match symlink(target, &link) {
        // Another xtask was first.
        Err(_) if fs::canonicalize(&link).ok() == fs::canonicalize(folder).ok() => Ok(()),
        made => made.with_context(|| format!("cannot create the link {}", link.display())),
    }
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_dir(target, link)
}

/// Checks that `folder` is a libtorch of the right version.
fn check(folder: &Path) -> Result<()> {
    let library = ["libtorch_cpu.so", "libtorch_cpu.dylib", "torch_cpu.lib"];
    if !library.iter().any(|name| folder.join("lib").join(name).is_file()) {
        bail!("{} has no lib/{}: it is no libtorch", folder.display(), library[0]);
    }
    let read = |name| fs::read_to_string(folder.join(name)).ok();
    let version = read("build-version").or_else(|| read("version.py")?.lines().find_map(assigned));
    let fits = |version: &str| version.trim().starts_with(COMPATIBLE);
    if version.as_deref().is_some_and(fits)
        || env::var_os("LIBTORCH_BYPASS_VERSION_CHECK").is_some()
    {
        return Ok(());
    }
    bail!(
        "{} is libtorch {}, and {COMPATIBLE} is needed: install PyTorch {VERSION}, or unset LIBTORCH \
         and let xtask install it",
        folder.display(),
        version.as_deref().map_or("of an unknown version", str::trim)
    );
}

/// Returns the version in a line such as `__version__ = '2.11.0+cu130'`.
fn assigned(line: &str) -> Option<String> {
    let value = line.strip_prefix("__version__")?.trim_start().strip_prefix('=')?;
    Some(value.trim().trim_matches(['\'', '"']).to_owned())
}

fn install(folder: &Path) -> Result<()> {
    let is_there = || check(&folder.join("torch")).is_ok();
    if is_there() {
        return Ok(());
    }
    let (packages, description, space_mb) = match (env::consts::OS, env::consts::ARCH) {
        ("linux", _) if has_nvidia_gpu() => CUDA,
        ("linux", "x86_64") => CPU_ON_LINUX,
        _ => OTHER,
    };
    let tools = project::tools();
    fs::create_dir_all(&tools).with_context(|| format!("cannot create {}", tools.display()))?;
    if let Some(free) = free_mb(&tools).filter(|&free| free < space_mb) {
        bail!(
            "installing libtorch takes {space_mb} MB while it unpacks and {} has {free} MB left: free \
             some space, or set LIBTORCH to a PyTorch {VERSION} that you have",
            tools.display()
        );
    }
    let doing = format!("installing PyTorch {VERSION} into .tools/pytorch {description}");
    python::install(folder, packages, &doing, is_there).with_context(|| {
        format!(
            "cannot install libtorch: run this again where there is a network, or set LIBTORCH to a \
             PyTorch {VERSION} that you have"
        )
    })
}

fn has_nvidia_gpu() -> bool {
    Path::new("/proc/driver/nvidia/version").exists()
        || output(Command::new("nvidia-smi").arg("-L")).is_some_and(|gpus| gpus.contains("GPU"))
}

/// Returns the free space of the disk that `folder` is on, if the system says.
fn free_mb(folder: &Path) -> Option<u64> {
    fs4::available_space(folder).ok().map(|bytes| bytes / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_wheel_is_read() {
        assert_eq!(assigned("__version__ = '2.11.0+cu130'").as_deref(), Some("2.11.0+cu130"));
        assert_eq!(assigned("debug = False"), None);
    }

    #[test]
    fn a_folder_without_the_library_is_refused() {
        let error = check(Path::new("/nonexistent")).expect_err("there is nothing").to_string();
        assert!(error.contains("/nonexistent"), "{error}");
    }
}
