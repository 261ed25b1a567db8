//! Writes into the binaries and tests where they find libtorch, so that no
//! `LD_LIBRARY_PATH` is needed to run them.
//!
//! torch-sys passes the folder on as `DEP_TCH_LIBTORCH_LIB`, to its direct
//! dependants only, which the packages with this build script are; built
//! without libtorch there is no such variable.

use std::{
    env,
    path::{Path, PathBuf},
};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    let unix = env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family.contains("unix"));
    if !unix {
        return;
    }
    let Some(folder) = env::var_os("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from) else {
        return;
    };
    // A relative LIBTORCH counts from the workspace root, as in
    // `.cargo/config.toml`; the loader would take it from the current folder.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", root.join(folder).display());
    // A checkout that was moved still finds its own `.libtorch`, from
    // target/PROFILE/ and from target/PROFILE/deps/.
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN/../../.libtorch/lib");
        println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN/../../../.libtorch/lib");
    }
}
