//! Engines to measure beside ours on the host: ONNX Runtime and OpenVINO from
//! Python packages, tract built by cargo.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::python;
use crate::process::{Logged, cargo};
use crate::project;

/// Packages and the releases that were measured.
const PACKAGES: [&str; 4] =
    ["numpy==2.4.6", "onnx==1.23.2", "onnxruntime==1.31.1", "openvino==2026.4.1"];

/// Returns the script that runs the Python packages, as a command.
pub fn python_packages() -> Result<Command> {
    let folder = project::tools().join("host-baselines");
    if !folder.is_dir() {
        let doing =
            "installing onnxruntime and openvino into .tools/host-baselines (100 MB to download)";
        python::install(&folder, &PACKAGES, doing, || folder.is_dir())?;
    }
    let python = python::python().context("Python 3 is missing: install Python 3.10 or newer")?;
    let mut command = Command::new(python);
    command.arg(sources().join("host.py")).env("PYTHONPATH", folder);
    command.env_remove("LD_LIBRARY_PATH");
    Ok(command)
}

/// Builds tract, and returns the program that runs it, as a command.
pub fn tract() -> Result<Command> {
    let target = project::root().join("target/tract-baseline");
    let mut build = cargo();
    build.args(["build", "--quiet", "--release", "--locked", "--manifest-path"]);
    build.arg(sources().join("tract/Cargo.toml")).arg("--target-dir").arg(&target);
    let doing = "building tract (minutes the first time)";
    Logged { name: "build-tract", doing, undisturbed: false }
        .run(&mut build)
        .context("cannot build tract")?;
    Ok(Command::new(target.join("release/tract-baseline")))
}

fn sources() -> PathBuf {
    project::root().join("xtask/baselines")
}
