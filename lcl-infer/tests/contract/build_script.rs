//! Which kernels the build script chooses.

#[path = "../../build.rs"]
#[allow(dead_code, reason = "cargo runs the rest")]
mod script;

#[track_caller]
fn check(target: &str, flags: &[&str], expected: Option<&str>) {
    assert_eq!(script::cortex_m(target, "", flags), expected, "{target}, {flags:?}");
}

#[test]
fn core_is_read_however_rustc_may_be_told() {
    let target = "thumbv8m.main-none-eabihf";
    check(target, &[], Some("armv7-m"));
    for flags in [
        &["-Ctarget-cpu=cortex-m33"][..],
        &["-C target-cpu=cortex-m33"],
        &["-C", "target-cpu=cortex-m33"],
        &["--codegen=target-cpu=cortex-m33"],
        &["--codegen", "target-cpu=cortex-m33"],
        &["-Copt-level=3", "--codegen=target-cpu=cortex-m33", "-Cdebuginfo=2"],
        &["-Ctarget-cpu=cortex-m3", "--codegen=target-cpu=cortex-m33"],
        &["--codegen=target-feature=+dsp"],
    ] {
        check(target, flags, Some("arm-dsp"));
    }
    check(target, &["--codegen=target-cpu=cortex-m55"], Some("helium"));
    let without = &["-Ctarget-cpu=cortex-m33", "--codegen=target-feature=-dsp"];
    check(target, without, Some("armv7-m"));
    check("thumbv7em-none-eabihf", &[], Some("arm-dsp"));
    check("thumbv7m-none-eabi", &[], Some("armv7-m"));
    check("thumbv6m-none-eabi", &[], None);
}

#[test]
fn vectors_are_for_processors_that_show_them() {
    assert_eq!(script::vectors("aarch64", "neon,fp16"), Some("neon"));
    assert_eq!(script::vectors("aarch64", "v8a"), None);
    assert_eq!(script::vectors("x86_64", "fxsr,sse,sse2"), Some("x86-64"));
    assert_eq!(script::vectors("x86_64", ""), None);
    assert_eq!(script::vectors("riscv32", "m,c"), None);
    assert_eq!(script::vectors("wasm32", "simd128"), Some("wasm"));
    assert_eq!(script::vectors("wasm32", "bulk-memory"), None);
}
