//! `cargo xtask flash` without a board: what it would do, and what it refuses
//! before it does.

use std::{env, fs, path::Path, process::Command};

use lcl_infer::PoolOrder;

use crate::command::{fail, folder, root, succeed, xtask};
use crate::integers::random_model;

/// Every real board, in xtask's order, and what writes its program.
const BOARDS: [(&str, &str); 4] = [
    ("nrf52840-dk", "probe-rs download --chip nRF52840_xxAA"),
    ("nucleo-h743zi", "probe-rs download --chip STM32H743ZITx"),
    ("pico2", "probe-rs download --chip RP235x"),
    ("esp32c3", "espflash flash --chip esp32c3"),
];

/// A command with `cargo xtask flash`.
fn flash(board: &str, example: &str, folder: &Path) -> Command {
    let mut command = xtask("flash");
    command.args(["--board", board, "--example", example, "--model"]).arg(folder.join("m.lcl"));
    command
}

#[test]
fn a_dry_run_says_what_a_program_takes_and_what_would_run() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:8");
    for (board, flasher) in BOARDS {
        let text = succeed(flash(board, "features", folder.path()).arg("--dry-run"));
        let sizes = ["bytes of flash (", "model    336016 of ", "are statics", "bytes are left"];
        let commands = [flasher, "m.lcl", "release/features", "board-link", "Nothing was written"];
        for part in sizes.iter().chain(&commands) {
            assert!(text.contains(part), "{part:?} is not in what {board} says:\n{text}");
        }
        let mut command = flash(board, "features", folder.path());
        let text = succeed(command.args(["--dry-run", "--model-only"]));
        assert!(text.contains("m.lcl") && !text.contains("release/features"), "{board}:\n{text}");
    }
}

#[test]
fn a_model_that_programs_refuse_is_not_written() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:8");
    let path = folder.path().join("m.lcl");
    let sound = fs::read(&path).expect("the blob is there");
    let refused = || {
        fail(flash("nrf52840-dk", "self-test", folder.path()).args(["--model-only", "--dry-run"]))
    };
    for (place, bytes, expected) in [
        (8, &[4][..], "format version 4 and this program reads version 3: update the program"),
        (
            12,
            b"lcl.u8.v9",
            "contract \"lcl.u8.v9\" and this program runs \"lcl.u8.v1\" and \"lcl.u8.v2\"",
        ),
        (70_000, &[0x55, 0x55], "the blob is damaged"),
        (0, b"JFIF", "not a blob"),
    ] {
        let mut wrong = sound.clone();
        wrong[place..place + bytes.len()].copy_from_slice(bytes);
        fs::write(&path, wrong).expect("written");
        let error = refused();
        assert!(error.contains("m.lcl cannot be run: ") && error.contains(expected), "{error}");
    }
    fs::write(&path, &sound[..1000]).expect("written");
    assert!(refused().contains("the blob is truncated: it has 1000 of 336016 bytes"));
    fs::remove_file(&path).expect("removed");
    let error = refused();
    assert!(error.contains("cannot read the model") && error.contains("m.lcl"), "{error}");
}

#[test]
fn what_is_missing_is_said_before_anything_is_built() {
    let folder = folder();
    // The program itself, since without a PATH cargo finds no compiler.
    succeed(Command::new(env!("CARGO")).current_dir(root()).args(["build", "--package", "xtask"]));
    let test = env::current_exe().expect("a test knows its own path");
    let target = test.ancestors().nth(3).expect("TARGET/PROFILE/deps/integration");
    let xtask = target.join("debug").join(format!("xtask{}", env::consts::EXE_SUFFIX));
    for (board, expected) in [
        (
            "pico2",
            "probe-rs is missing: run `cargo install probe-rs-tools --locked`, or use --dry-run",
        ),
        ("esp32c3", "espflash is missing: run `cargo install espflash --locked`, or use --dry-run"),
    ] {
        let mut command = Command::new(&xtask);
        command.args(["flash", "--board", board, "--example", "self-test"]);
        let error = fail(command.env("PATH", folder.path()));
        assert_eq!(error, format!("error: {expected}"));
    }
}

#[cfg(unix)]
#[test]
fn without_a_probe_it_says_what_to_connect() {
    use std::os::unix::fs::PermissionsExt;

    let folder = folder();
    let probe_rs = folder.path().join("probe-rs");
    fs::write(&probe_rs, "#!/bin/sh\necho No debug probes were found.\n").expect("written");
    fs::set_permissions(&probe_rs, fs::Permissions::from_mode(0o755)).expect("it may run");
    let path = env::var_os("PATH").unwrap_or_default();
    let paths = [folder.path().to_owned()].into_iter().chain(env::split_paths(&path));
    let path = env::join_paths(paths).expect("no path has a colon");
    for (board, expected) in [
        ("nrf52840-dk", "connect the USB socket of the board's own debugger (J2)"),
        ("nucleo-h743zi", "connect the USB socket of the board's ST-LINK (CN1)"),
        ("pico2", "connect a Raspberry Pi Debug Probe"),
    ] {
        let error = fail(flash(board, "self-test", folder.path()).env("PATH", &path));
        assert!(error.contains("there is no debug probe") && error.contains(expected), "{error}");
    }
}

#[test]
fn boards_of_the_other_command_are_sent_there() {
    let folder = folder();
    let error = fail(&mut flash("mps2-an386", "self-test", folder.path()));
    assert!(
        error.contains("`cargo xtask emulate --board mps2-an386 --example self-test`"),
        "{error}"
    );
    let emulate = ["--board", "pico2", "--example", "self-test"];
    let error = fail(xtask("emulate").args(emulate));
    assert!(error.contains("`cargo xtask flash --board pico2"), "{error}");
}
