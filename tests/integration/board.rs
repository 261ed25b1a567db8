//! The host against the emulated boards, byte for byte.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use lcl_infer::PoolOrder;

use crate::command::{fail, folder, lcl, picture, root, succeed, xtask};
use crate::integers::{random_model, random_model_for, transform};

/// Every board, in xtask's order.
pub const BOARDS: [&str; 6] =
    ["mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547", "riscv32-virt"];

/// A command with `cargo xtask emulate`.
pub fn emulate(board: &str, example: &str, folder: &Path) -> Command {
    let mut command = xtask("emulate");
    command.args(["--board", board, "--example", example, "--model"]).arg(folder.join("m.lcl"));
    command
}

#[test]
fn emulated_boards_give_the_bytes_of_the_host() {
    for (input, pool, sides) in [
        ("rgb888", PoolOrder::MaxBlur, &[37, 96][..]),
        ("rgb888", PoolOrder::BlurMax, &[48]),
        ("rgb888", PoolOrder::Max, &[48]),
        ("gray8", PoolOrder::MaxBlur, &[48]),
    ] {
        let folder = folder();
        random_model_for(input, folder.path(), pool, "synthetic:8");
        for &side in sides {
            compare(folder.path(), side, &BOARDS);
        }
        if pool == PoolOrder::BlurMax {
            // The host's bytes are those of the other layout, which integers.rs shows.
            transform(folder.path(), "synthetic:8");
            compare(folder.path(), 48, &BOARDS);
        }
        if (input, pool) == ("rgb888", PoolOrder::MaxBlur) {
            compare(folder.path(), 224, &["mps2-an386", "mps3-an547"]);
        }
    }
}

#[track_caller]
fn compare(folder: &Path, side: u32, boards: &[&str]) {
    let path = |name: &str| folder.join(format!("{side}-{name}"));
    picture(side, side, side).save(path("i.png")).expect("saved");
    succeed(
        lcl()
            .args(["features", "--size", &side.to_string(), "--model"])
            .arg(folder.join("m.lcl"))
            .arg("--images")
            .arg(path("i.png"))
            .arg("--out")
            .arg(path("host.safetensors")),
    );
    let host = fs::read(path("host.safetensors")).expect("written by the host");
    for board in boards {
        succeed(
            emulate(board, "features", folder)
                .arg("--image")
                .arg(path("i.png"))
                .arg("--out")
                .arg(path(board)),
        );
        let features = fs::read(path(board)).expect("written for the board");
        assert!(host == features, "{board} at {side}: the files differ");
    }
}

#[test]
fn emulated_boards_pass_their_self_test() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:8");
    for board in BOARDS {
        succeed(&mut emulate(board, "self-test", folder.path()));
    }
}

#[test]
fn emulated_boards_pass_the_suite_of_kernels() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:8");
    for board in BOARDS {
        succeed(&mut emulate(board, "kernels", folder.path()));
    }
}

#[test]
fn emulated_boards_refuse_a_damaged_blob() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:8");
    let path = folder.path().join("m.lcl");
    let mut bytes = fs::read(&path).expect("the blob is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).expect("written");
    for board in BOARDS {
        let output = emulate(board, "self-test", folder.path()).output().expect("it starts");
        assert_eq!(output.status.code(), Some(1), "{board}");
        let log = log(&output);
        assert!(
            log.contains("error: the blob is damaged: its CRC-32 should be "),
            "{board}: {log}"
        );
    }
}

#[test]
fn a_board_says_what_is_wrong_with_its_model_partition() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:8");
    let path = folder.path().join("m.lcl");
    let sound = fs::read(&path).expect("the blob is there");
    for (place, bytes, expected) in [
        (8, &[4][..], "format version 4 and this program reads 3"),
        (12, b"lcl.u8.v9", "contract b\"lcl.u8.v9\", which this program does not know"),
        (0, b"JFIF", "there is no blob in the model partition"),
    ] {
        let mut wrong = sound.clone();
        wrong[place..place + bytes.len()].copy_from_slice(bytes);
        fs::write(&path, wrong).expect("written");
        let output = emulate("mps2-an386", "self-test", folder.path()).output().expect("it starts");
        assert_eq!(output.status.code(), Some(1), "{expected}");
        assert!(log(&output).contains(expected), "{expected:?} is not in {}", log(&output));
    }
}

fn log(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_model_that_is_too_large_does_not_link() {
    let folder = folder();
    fs::write(folder.path().join("m.lcl"), vec![0; (2 << 20) + 1]).expect("written");
    let output = emulate("mps2-an385", "bench", folder.path()).output().expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    let expected =
        "the model takes 2097153 bytes and the board's model partition has 2097152: take a smaller";
    assert!(errors.contains(expected), "{errors}");
    let last = errors.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("error: cannot build `bench` for mps2-an385 and a model of"),
        "{last}"
    );
}

#[test]
fn images_that_are_not_there_are_named() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:8");
    let mut command = emulate("mps2-an386", "features", folder.path());
    let error = fail(command.args(["--image", "nowhere.png"]));
    assert!(error.contains("nowhere.png"), "{error}");
}

/// Images reach an emulated board in a file that `cargo xtask emulate` writes:
/// this starts the emulator without it.
#[test]
fn a_file_of_the_host_that_is_not_there_is_named() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:8");
    succeed(&mut emulate("mps2-an386", "features", folder.path()));
    let target = root().join("firmware-examples/target/thumbv7em-none-eabihf/release");
    let program = target.join("features");
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).expect("created");
    let mut emulator = Command::new("qemu-system-arm")
        .current_dir(&empty)
        .args(["-machine", "mps2-an386", "-display", "none", "-serial", "null"])
        .args(["-monitor", "none", "-semihosting-config", "enable=on,target=native"])
        .args(["-device", "loader,file=../m.lcl,addr=0x200000,force-raw=on", "-kernel"])
        .arg(&program)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the emulator is there: `cargo xtask setup emulator`");
    let decoded = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["run", "--quiet", "--package", "defmt-log", "--"])
        .arg(&program)
        .stdin(emulator.stdout.take().expect("it is piped"))
        .output()
        .expect("it starts");
    assert_eq!(emulator.wait().expect("it ends").code(), Some(1));
    let expected = "error: frames.bin is not in the emulator's folder: run this through `cargo";
    assert!(log(&decoded).contains(expected), "{}", log(&decoded));
}

#[test]
fn every_emulated_board_is_compared_with_the_host() {
    let listed = succeed(&mut xtask("boards"));
    let run = "cargo xtask emulate --board ";
    let names = listed.lines().filter_map(|line| line.split_once(run)?.1.split(' ').next());
    assert_eq!(names.collect::<Vec<_>>(), BOARDS);
}

#[test]
fn unknown_boards_and_examples_list_the_known_ones() {
    for command in ["emulate", "flash"] {
        let refused = |board: &str, example: &str| {
            fail(xtask(command).args(["--board", board, "--example", example]))
        };
        let error = refused("toaster", "features");
        assert!(error.contains(&BOARDS.join(", ")) && error.contains("pico2"), "{error}");
        let error = refused("mps2-an386", "dance");
        assert!(
            error.contains("features, camera, watch, population, self-test, kernels"),
            "{error}"
        );
    }
    let error = fail(&mut xtask("trian"));
    assert!(error.contains("train, fit, prepare, quantise, features"), "{error}");
}
