//! The doors that need Python: the package lcl-v2, and the export to ONNX.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Shown, source};
use crate::commands::host;
use crate::process::{Logged, note, output, run};
use crate::project;
use crate::setup::{libtorch, python};

/// What the checks need beside Python, in the releases that they were written with.
const PACKAGES: [&str; 4] =
    ["numpy==2.4.6", "onnx==1.23.2", "onnxruntime==1.31.1", "maturin==1.16.0"];

/// The checkpoint that is exported.
const CHECKPOINT: &str = "models/lcl-v2/checkpoint.safetensors";

/// The oldest Python whose stable interface has buffers.
const OLDEST: (u32, u32) = (3, 11);

/// Builds the wheel, unpacks it and runs its tests.
pub fn check(shown: &Shown) -> Result<()> {
    let program = python::python()?;
    let version =
        output(Command::new(&program).args(["-c", "import sys; print(*sys.version_info[:2])"]));
    let numbers: Vec<u32> = version
        .iter()
        .flat_map(|text| text.split(' '))
        .filter_map(|word| word.parse().ok())
        .collect();
    if numbers.as_slice() < &[OLDEST.0, OLDEST.1][..] {
        note(format_args!("skipped: the package lcl-v2 needs Python {}.{}", OLDEST.0, OLDEST.1));
        return Ok(());
    }
    let tools = packages()?;
    let folder = source("lcl-infer/python");
    // Its package looks for the program in the folder of Python's own alone.
    let mut build = Command::new(tools.join("bin/maturin"));
    build.current_dir(&folder).args(["build", "--release", "--interpreter"]).arg(&program);
    build.arg("--target-dir").arg(project::root().join("target/python"));
    build.arg("--out").arg(shown.path("wheels"));
    Logged::new("build-python", "building the package lcl-v2").run(&mut build)?;
    let wheel = project::files(&shown.path("wheels"))?.pop().context("there is no wheel")?;
    let installed = shown.path("installed");
    let mut unpack = Command::new(&program);
    unpack.args(["-m", "zipfile", "-e"]).arg(shown.path("wheels").join(wheel)).arg(&installed);
    run(&mut unpack)?;
    let mut tests = python_with(&[&installed, &tools])?;
    tests.arg(folder.join("tests/test_lcl_v2.py"));
    tests.env("LCL_MODEL", shown.model.path()).env("LCL_PICTURE", shown.path("picture.ppm"));
    run(tests.env("LCL_EXPECTED", &shown.expected))
        .context("the tests of the package lcl-v2 fail")?;
    note(format_args!("Python: {}", shown.expected));
    Ok(())
}

/// Exports the model that the repository has, and compares it with `lcl features`.
pub fn check_onnx(shown: &Shown) -> Result<()> {
    if !libtorch::is_ready() {
        note("skipped: the export to ONNX is compared with libtorch, which is not set up");
        return Ok(());
    }
    host::build_lcl()?;
    let lcl = project::root().join("target/release/lcl");
    let mut compare = python_with(&[&packages()?])?;
    compare
        .arg(source("xtask/src/commands/doors/compare_onnx.py"))
        .arg(lcl)
        .arg(source(CHECKPOINT));
    compare.arg(shown.folder.path());
    run(&mut compare).context("the export to ONNX is not the network")
}

fn packages() -> Result<PathBuf> {
    let folder = project::tools().join("doors");
    let doing = "installing onnxruntime, onnx and maturin into .tools/doors (60 MB to download)";
    python::install(&folder, &PACKAGES, doing, || folder.is_dir())?;
    Ok(folder)
}

fn python_with(folders: &[&Path]) -> Result<Command> {
    let mut command = Command::new(python::python()?);
    command.env("PYTHONPATH", env::join_paths(folders)?).env_remove("LD_LIBRARY_PATH");
    Ok(command)
}
