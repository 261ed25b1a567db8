//! Links the CMSIS-NN that `cargo xtask bench --baseline` has built.

use std::env;

/// Names the folder of the library.
const VARIABLE: &str = "CMSIS_NN_FOLDER";

fn main() {
    println!("cargo:rerun-if-env-changed={VARIABLE}");
    println!("cargo:rerun-if-changed=build.rs");
    // Without it, all but linking a program works.
    if let Ok(folder) = env::var(VARIABLE) {
        println!("cargo:rerun-if-changed={folder}");
        println!("cargo:rustc-link-search=native={folder}");
        println!("cargo:rustc-link-lib=static=cmsis_nn");
    }
}
