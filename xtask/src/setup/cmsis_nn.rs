//! CMSIS-NN, to measure beside ours: from the Python package `bakenn`, which
//! carries the sources of its kernels, built with Debian's GCC for Arm.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{python, system};
use crate::boards::Board;
use crate::firmware::target_dir;
use crate::process::{note, output, run};
use crate::project;

/// Package that has the sources.
const PACKAGE: &str = "bakenn==1.0.0";

/// What they are a release of.
pub const NAME: &str = "CMSIS-NN 4.0";

const COMPILER: &str = "arm-none-eabi-gcc";

/// Where they lie in the package.
const SOURCES: &str = "bakenn/backend/cmsis_nn/vendor";

/// Sources of the kernels that the network needs, in folders of `cmsis_nn/Source`.
const FOLDERS: [&str; 3] = ["ConvolutionFunctions", "NNSupportFunctions", "PoolingFunctions"];

/// The package's own memory functions, byte by byte; ours are Rust's.
const LEFT_OUT: &str = "bakenn_cmsis_memory.c";

/// Builds it for the board's core, and returns the folder of the library.
pub fn build(board: &Board) -> Result<PathBuf> {
    let Some(core) = &board.gcc else {
        bail!("CMSIS-NN is for Arm's cores, not for {}", board.description);
    };
    system::ensure(COMPILER)?;
    let package = project::tools().join("bakenn");
    let sources = package.join(SOURCES);
    let doing = format!("installing {PACKAGE} into .tools/bakenn (0.5 MB to download)");
    python::install(&package, &["--no-deps", PACKAGE], &doing, || sources.is_dir())?;
    let folder = target_dir(board).join("cmsis-nn").join(&board.name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    note(format_args!("building {NAME} for {}", board.name));
    let mut compile = Command::new(COMPILER);
    compile.current_dir(&folder).args(["-O3", "-mthumb", "-ffunction-sections", "-c"]).args(core);
    // No C library is needed beside what the compiler knows by itself.
    compile.args(["-DBAKENN_CMSIS_NN_FREESTANDING", "-Dbakenn_cmsis_memcpy=__builtin_memcpy"]);
    compile.arg("-Dbakenn_cmsis_memset=__builtin_memset");
    for include in ["cmsis_nn/Include", "cmsis_core/Include"] {
        compile.arg("-I").arg(sources.join(include));
    }
    let mut objects = Vec::new();
    for sub in FOLDERS {
        let folder = sources.join("cmsis_nn/Source").join(sub);
        for file in project::files(&folder)? {
            let is_source = file.extension().is_some_and(|extension| extension == "c");
            if is_source && !file.ends_with(LEFT_OUT) {
                objects.extend(file.file_name().map(|name| Path::new(name).with_extension("o")));
                compile.arg(folder.join(file));
            }
        }
    }
    run(&mut compile).context("cannot build CMSIS-NN")?;
    let mut archive = Command::new("arm-none-eabi-ar");
    archive.current_dir(&folder).args(["rcs", "libcmsis_nn.a"]).args(objects);
    run(&mut archive).context("cannot build CMSIS-NN")?;
    Ok(folder)
}

pub fn compiler() -> String {
    let version = output(Command::new(COMPILER).arg("-dumpfullversion"));
    format!("gcc {} -O3", version.as_deref().unwrap_or("of an unknown version"))
}
