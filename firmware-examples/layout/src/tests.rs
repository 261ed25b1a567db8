use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const LAYOUT: Layout = Layout {
    flash: Region { origin: 0, length: 0x1000 },
    model: Region { origin: 0x1000, length: 0x1000 },
    ram: Region { origin: 0x2000_0000, length: 0x1000 },
};

const MAPPED: MappedLayout = MappedLayout {
    flash: Region { origin: 0x1_0000, length: 0x2_1000 },
    model: Region { origin: 0x4_0000, length: 0x1000 },
    model_mapped_to: 0x3c40_0000,
    ram: Region { origin: 0x3fc8_0000, length: 0x1000 },
};

#[test]
fn names_the_model_partition() {
    let text = LAYOUT.memory_x(None);
    assert!(text.contains("MODEL : ORIGIN = 0x00001000, LENGTH = 0x1000"), "{text}");
    assert!(text.contains("_model_start = ORIGIN(MODEL);"), "{text}");
}

#[test]
fn a_mapped_partition_is_named_at_both_places() {
    let text = MAPPED.layout_x(None);
    assert!(text.contains("_model_start = 0x3c400000;\n_model_end = 0x3c401000;"), "{text}");
    assert!(text.contains("_model_in_flash = 0x40000;"), "{text}");
}

#[test]
fn refuses_what_overlaps_or_is_not_aligned() {
    assert_eq!(LAYOUT.check(), Ok(()));
    let model = Region { origin: 0x0ff0, length: 0x10 };
    assert!(Layout { model, ..LAYOUT }.check().is_err());
    let model = Region { origin: 0x1008, length: 0x10 };
    assert!(Layout { model, ..LAYOUT }.check().is_err());
}

#[test]
fn a_model_that_is_too_large_does_not_link() {
    let scripts = |len| [LAYOUT.memory_x(len) + SECTIONS, MAPPED.layout_x(len) + MAPPED_SECTIONS];
    for len in [None, Some(0x1000)] {
        for script in &scripts(len) {
            check_links(16, script);
        }
    }
    let expected = "the model takes 4097 bytes and the board's model partition has 4096";
    for script in &scripts(Some(0x1001)) {
        check_refused(16, script, expected);
    }
}

#[test]
fn a_program_that_grows_into_the_model_partition_does_not_link() {
    let script = LAYOUT.memory_x(None) + SECTIONS;
    check_links(0x1000, &script);
    check_refused(0x1001, &script, "will not fit in region 'FLASH': overflowed by 1 bytes");
    let script = MAPPED.layout_x(None) + MAPPED_SECTIONS;
    check_links(0x1000, &script);
    check_refused(0x1001, &script, "the program does not fit its 135168 bytes of flash");
}

/// In place of a runtime's and a HAL's.
const SECTIONS: &str = "SECTIONS { .text : { *(.data) } > FLASH }\n";
const MAPPED_SECTIONS: &str = "SECTIONS { .text 0x42000020 : { *(.data) } }\n";

#[track_caller]
fn check_links(program_len: usize, script: &str) {
    let output = link(program_len, script);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[track_caller]
fn check_refused(program_len: usize, script: &str, expected: &str) {
    let output = link(program_len, script);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "it links");
    assert!(errors.contains(expected), "{expected:?} is not in {errors}");
}

/// Links zeros in place of a program, with the linker of the boards' targets.
fn link(program_len: usize, script: &str) -> Output {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = env::temp_dir().join(format!("layout-{}-{number}", std::process::id()));
    fs::create_dir(&folder).expect("a new folder");
    fs::write(folder.join("program"), vec![0; program_len]).expect("written");
    fs::write(folder.join("script.x"), script).expect("written");
    let output = Command::new(linker())
        .args(["-flavor", "gnu", "-m", "armelf", "-Tscript.x"])
        .args(["--format=binary", "program", "-o", "linked"])
        .current_dir(&folder)
        .output();
    fs::remove_dir_all(&folder).expect("removed");
    output.expect("rust-lld starts: it comes with Rust, or with Debian's package rust-lld")
}

/// Returns the linker that comes with Rust, or else the `PATH`'s.
fn linker() -> PathBuf {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let print = |arguments: &[&str]| {
        let output = Command::new(&rustc).args(arguments).stderr(Stdio::null()).output();
        String::from_utf8(output.expect("rustc starts").stdout).expect("UTF-8")
    };
    let sysroot = print(&["--print", "sysroot"]);
    let version = print(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let linker = PathBuf::from(sysroot.trim()).join("lib/rustlib").join(host).join("bin/rust-lld");
    if linker.is_file() { linker } else { "rust-lld".into() }
}
