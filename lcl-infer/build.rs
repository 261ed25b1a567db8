//! Finds the instruction set that the kernels may use.
//!
//! Stable Rust does not show the DSP and vector extensions of Cortex-M to
//! `cfg(target_feature)`, so they are read from the target and from the flags
//! that name its core.
//!
//! It also gives the assembly of this build names that no other build of the
//! crate has, so that a program may link two versions of it.

use std::path::Path;
use std::{env, fs};

/// Kernels for an instruction set, and how a target shows that it has it.
struct Kernels {
    name: &'static str,
    /// Start of the target's name.
    targets: &'static [&'static str],
    /// As in `-Ctarget-cpu`.
    cores: &'static [&'static str],
    /// As in `-Ctarget-feature`.
    feature: &'static str,
}

/// Kernels for processors on which a feature is shown: a name, the architecture
/// and what they cannot do without. Programs without floats in registers have
/// no vectors either.
const VECTORS: &[(&str, &str, &str)] =
    &[("x86-64", "x86_64", "sse2"), ("neon", "aarch64", "neon"), ("wasm", "wasm32", "simd128")];

/// Those for Cortex-M, the best first.
const KERNELS: &[Kernels] = &[
    Kernels {
        name: "helium",
        targets: &[],
        cores: &["cortex-m52", "cortex-m55", "cortex-m85"],
        feature: "mve",
    },
    Kernels {
        name: "arm-dsp",
        targets: &["thumbv7em"],
        cores: &["cortex-m4", "cortex-m7", "cortex-m33", "cortex-m35p"],
        feature: "dsp",
    },
    Kernels { name: "armv7-m", targets: &["thumbv7m", "thumbv8m.main"], cores: &[], feature: "v7" },
];

/// Assembly that is read from a file, and the start of its names.
const ASSEMBLY: [&str; 2] = ["conv.s", "pool.s"];
const PREFIX: &str = "lcl_infer_helium_";

fn main() {
    let names = VECTORS.iter().map(|(name, ..)| *name);
    let names = names.chain(KERNELS.iter().map(|kernels| kernels.name));
    let names: Vec<_> = names.map(|name| format!("{name:?}")).collect();
    println!("cargo::rustc-check-cfg=cfg(lcl_kernels, values({}))", names.join(", "));
    println!("cargo::rustc-check-cfg=cfg(lcl_kernels)");
    println!("cargo::rerun-if-changed=build.rs");

    let features = variable("CARGO_CFG_TARGET_FEATURE");
    let flags = variable("CARGO_ENCODED_RUSTFLAGS");
    let flags: Vec<&str> = flags.split('\x1f').collect();
    let chosen = match variable("CARGO_CFG_TARGET_ARCH").as_str() {
        "arm" => cortex_m(&variable("TARGET"), &features, &flags),
        arch => vectors(arch, &features),
    };
    if let Some(name) = chosen {
        println!("cargo::rustc-cfg=lcl_kernels");
        println!("cargo::rustc-cfg=lcl_kernels={name:?}");
    }
    if matches!(chosen, Some("arm-dsp" | "armv7-m" | "helium")) {
        name_assembly();
    }
}

/// Returns the kernels for a processor whose features are shown.
pub(crate) fn vectors(arch: &str, shown: &str) -> Option<&'static str> {
    let found = VECTORS
        .iter()
        .find(|(_, of, feature)| *of == arch && shown.split(',').any(|shown| shown == *feature));
    found.map(|(name, ..)| *name)
}

/// Returns the kernels for a Cortex-M: `flags` are those of rustc, one each.
pub(crate) fn cortex_m(target: &str, shown: &str, flags: &[&str]) -> Option<&'static str> {
    // `-C` and `--codegen` may have their value behind them, after `=` or as the
    // next flag, and what is read here is told by its own name.
    let settings = flags.iter().map(|flag| {
        let setting = flag.strip_prefix("--codegen=").or_else(|| flag.strip_prefix("-C"));
        setting.unwrap_or(flag).trim_start()
    });
    let set = |key: &'static str| {
        let settings = settings.clone();
        settings.filter_map(move |setting| setting.strip_prefix(key)?.strip_prefix('='))
    };
    let features = || set("target-feature").flat_map(|list| list.split(','));
    let found = KERNELS.iter().find(|kernels| {
        let by_target = kernels.targets.iter().any(|prefix| target.starts_with(prefix));
        let by_core =
            set("target-cpu").next_back().is_some_and(|core| kernels.cores.contains(&core));
        let switched = |sign| features().any(|it| it.strip_prefix(sign) == Some(kernels.feature));
        let shown = shown.split(',').any(|feature| feature == kernels.feature);
        (by_target || by_core || shown || switched('+')) && !switched('-')
    });
    found.map(|kernels| kernels.name)
}

/// Puts what tells this build from every other into the names of the assembly.
fn name_assembly() {
    // Cargo gives each version and each source of a package a folder of its own.
    let folder = variable("OUT_DIR");
    let build = folder.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    println!("cargo::rustc-env=LCL_INFER_BUILD={build:016x}");
    for name in ASSEMBLY {
        let source = Path::new("src/kernels/arch/helium").join(name);
        println!("cargo::rerun-if-changed={}", source.display());
        let text = fs::read_to_string(&source).expect("the package has its sources");
        let text = text.replace(PREFIX, &format!("{PREFIX}{build:016x}_"));
        fs::write(Path::new(&folder).join(name), text).expect("cargo's folder can be written to");
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}
