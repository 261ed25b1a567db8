//! The host against the emulated board, byte for byte.

use std::{fs, path::Path, process::Command};

use lcl_infer::PoolOrder;

use crate::command::{fail, folder, lcl, picture, root, succeed};
use crate::integers::random_model;

/// A command with `cargo xtask emulate` on the emulated Cortex-M4F.
fn emulate(example: &str, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(root())
        .args(["xtask", "emulate", "--board", "mps2-an386", "--example", example, "--model"])
        .arg(folder.join("m.lcl"));
    command
}

#[test]
fn emulated_board_gives_the_bytes_of_the_host() {
    for (pool, sides) in [
        (PoolOrder::MaxBlur, &[48, 96, 224][..]),
        (PoolOrder::BlurMax, &[48]),
        (PoolOrder::Max, &[48]),
    ] {
        let folder = folder();
        random_model(folder.path(), pool, "synthetic:8");
        for &side in sides {
            let path = |name: &str| folder.path().join(format!("{side}-{name}"));
            picture(side, side, side).save(path("i.png")).expect("saved");
            succeed(
                lcl()
                    .args(["features", "--size", &side.to_string(), "--model"])
                    .arg(folder.path().join("m.lcl"))
                    .arg("--images")
                    .arg(path("i.png"))
                    .arg("--out")
                    .arg(path("host.safetensors")),
            );
            succeed(
                emulate("features", folder.path())
                    .arg("--image")
                    .arg(path("i.png"))
                    .arg("--out")
                    .arg(path("board.safetensors")),
            );
            let host = fs::read(path("host.safetensors")).expect("written by the host");
            let board = fs::read(path("board.safetensors")).expect("written for the board");
            assert!(host == board, "{pool:?} at {side}: the files differ");
        }
    }
}

#[test]
fn emulated_board_passes_its_self_test() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:8");
    succeed(&mut emulate("self-test", folder.path()));
}

#[test]
fn emulated_board_refuses_a_damaged_blob() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:8");
    let path = folder.path().join("m.lcl");
    let mut bytes = fs::read(&path).expect("the blob is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).expect("written");
    let output = emulate("self-test", folder.path()).output().expect("it starts");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn unknown_boards_and_examples_list_the_known_ones() {
    let error = fail(Command::new(env!("CARGO")).current_dir(root()).args([
        "xtask",
        "emulate",
        "--board",
        "toaster",
        "--example",
        "features",
    ]));
    assert!(error.contains("mps2-an386"), "{error}");
    let error = fail(Command::new(env!("CARGO")).current_dir(root()).args([
        "xtask",
        "emulate",
        "--board",
        "mps2-an386",
        "--example",
        "dance",
    ]));
    assert!(error.contains("features, self-test"), "{error}");
    let error = fail(Command::new(env!("CARGO")).current_dir(root()).args(["xtask", "trian"]));
    assert!(error.contains("train, quantise, features"), "{error}");
}
