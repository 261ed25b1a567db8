//! Writes into the binaries and tests where they find libtorch, so that no
//! `LD_LIBRARY_PATH` is needed to run them, and which version it is.
//!
//! torch-sys passes the folder on to this crate, and this crate to its own direct
//! dependants, which have the same build script; built without libtorch there is
//! no such variable.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Variables with libtorch's folder of libraries, from torch-sys and from here.
const FOLDER: [&str; 2] = ["DEP_TCH_LIBTORCH_LIB", "DEP_LCL_TRAIN_LIBTORCH"];

fn main() {
    for name in FOLDER {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let unix = env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family.contains("unix"));
    let Some(folder) = FOLDER.iter().find_map(env::var_os).map(PathBuf::from) else {
        return;
    };
    // A relative LIBTORCH counts from the workspace root, as in
    // `.cargo/config.toml`; the loader would take it from the current folder.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let Some(root) = root.skip(1).find(|folder| folder.join("Cargo.lock").is_file()) else {
        return;
    };
    let folder = root.join(folder);
    println!("cargo::metadata=LIBTORCH={}", folder.display());
    if let Some(version) = folder.parent().and_then(libtorch_version) {
        println!("cargo::rustc-env=LIBTORCH_VERSION={version}");
    }
    if !unix {
        return;
    }
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", folder.display());
    // A checkout that was moved still finds its own `.libtorch`, from
    // target/PROFILE/ and from target/PROFILE/deps/.
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN/../../.libtorch/lib");
        println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN/../../../.libtorch/lib");
    }
}

/// Returns the version that libtorch, or the Python package around it, states.
fn libtorch_version(libtorch: &Path) -> Option<String> {
    let read = |name: &str| {
        let path = libtorch.join(name);
        let text = fs::read_to_string(&path).ok()?;
        println!("cargo::rerun-if-changed={}", path.display());
        Some(text)
    };
    let of_archive = || Some(read("build-version")?.trim().to_owned());
    let of_package = || {
        let text = read("version.py")?;
        let line = text.lines().find(|line| line.starts_with("__version__"))?;
        Some(line.split('\'').nth(1)?.to_owned())
    };
    of_archive().or_else(of_package)
}
