//! What is wrong with the input is said in one line with the remedy, and no
//! half-written file is left.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use host_trainer::{
    checkpoint::Checkpoint,
    config::{InputConfig, ModelConfig},
};
use image::{DynamicImage, ImageBuffer, Luma, LumaA, Rgb, Rgba};
use lcl_infer::PoolOrder;

use crate::command::{fail, folder, lcl, picture, succeed};
use crate::integers::random_model;

/// Computes features of `images` with the blob in `folder`.
fn features(folder: &Path, images: &str, size: &str) -> Command {
    let mut command = lcl();
    command
        .current_dir(folder)
        .args(["features", "--model", "m.lcl", "--out", "f.safetensors"])
        .args(["--images", images, "--size", size]);
    command
}

/// Checks that a command fails, that its one line names all of `expected`, and
/// that it leaves no new file in `folder`.
#[track_caller]
fn check_fails(folder: &Path, command: &mut Command, expected: &[&str]) {
    let before = listing(folder);
    let error = fail(command);
    for part in expected {
        assert!(error.contains(part), "{part:?} is missing in {error:?}");
    }
    assert_eq!(listing(folder), before, "a file was left");
}

fn listing(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("readable")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn folders_without_images() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    check_fails(folder.path(), &mut features(folder.path(), "nowhere", "48"), &["nowhere"]);
    fs::create_dir(folder.path().join("empty")).expect("created");
    check_fails(folder.path(), &mut features(folder.path(), "empty", "48"), &["empty"]);
    fs::create_dir(folder.path().join("texts")).expect("created");
    fs::write(folder.path().join("texts/a.txt"), "no image").expect("written");
    check_fails(
        folder.path(),
        &mut features(folder.path(), "texts", "48"),
        &["texts", "no images", "png"],
    );
    for data in ["nowhere", "empty", "texts"] {
        let mut train = lcl();
        train.current_dir(folder.path()).args(["train", "--out", "run", "--data", data]);
        check_fails(folder.path(), &mut train, &[data]);
    }
}

#[test]
fn damaged_images_are_skipped_counted_and_named_until_they_are_most() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    let images = folder.path().join("images");
    fs::create_dir(&images).expect("created");
    for index in 0..3 {
        picture(64, 64, index).save(images.join(format!("{index}.jpg"))).expect("saved");
    }
    let whole = fs::read(images.join("0.jpg")).expect("readable");
    fs::write(images.join("cut.jpg"), &whole[..whole.len() / 2]).expect("written");
    fs::write(images.join("rubbish.png"), b"not a picture").expect("written");
    let output = features(folder.path(), "images", "48").output().expect("it starts");
    assert!(output.status.success(), "{}", errors(&output));
    for name in ["cut.jpg", "rubbish.png"] {
        assert!(errors(&output).contains(name), "{name} is missing in {}", errors(&output));
    }
    let written = fs::read(folder.path().join("f.safetensors")).expect("there");
    let written = safetensors::SafeTensors::deserialize(&written).expect("whole");
    assert_eq!(written.tensor("v1_q").expect("there").shape()[0], 3);

    fs::write(images.join("more.png"), b"").expect("written");
    fs::write(images.join("most.png"), b"").expect("written");
    check_fails(folder.path(), &mut features(folder.path(), "images", "48"), &["4 of 7"]);
}

#[test]
fn images_that_are_too_small() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    picture(40, 15, 0).save(folder.path().join("i.png")).expect("saved");
    check_fails(
        folder.path(),
        &mut features(folder.path(), "i.png", "48"),
        &["i.png", "40", "15", "16"],
    );
}

#[test]
fn sizes_that_cannot_be_streamed() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    check_fails(folder.path(), &mut features(folder.path(), "synthetic:1", "16"), &["16", "17"]);
    let checkpoint = ["features", "--model", "c.safetensors", "--images", "synthetic:1"];
    check_fails(
        folder.path(),
        lcl().current_dir(folder.path()).args(checkpoint).args(["--size", "16", "--out", "f.s"]),
        &["16", "17"],
    );
}

#[test]
fn other_kinds_of_pixels_are_converted() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    let path = |name: &str| folder.path().join(name);
    let grey = |x: u32, y: u32| u8::try_from(3 * x + y).expect("below 256");
    let reference =
        DynamicImage::ImageRgb8(ImageBuffer::from_fn(48, 48, |x, y| Rgb([grey(x, y); 3])));
    reference.save(path("rgb.png")).expect("saved");
    let kinds: [(&str, DynamicImage); 4] = [
        ("grey.png", ImageBuffer::from_fn(48, 48, |x, y| Luma([grey(x, y)])).into()),
        (
            "grey16.png",
            ImageBuffer::from_fn(48, 48, |x, y| Luma([u16::from(grey(x, y)) * 257])).into(),
        ),
        ("grey_alpha.png", ImageBuffer::from_fn(48, 48, |x, y| LumaA([grey(x, y), 255])).into()),
        (
            "alpha16.png",
            ImageBuffer::from_fn(48, 48, |x, y| {
                let grey = u16::from(grey(x, y)) * 257;
                Rgba([grey, grey, grey, u16::MAX])
            })
            .into(),
        ),
    ];
    let of = |name: &str| {
        succeed(&mut features(folder.path(), name, "48"));
        let written = fs::read(path("f.safetensors")).expect("there");
        let written = safetensors::SafeTensors::deserialize(&written).expect("whole");
        written.tensor("v2_q").expect("there").data().to_vec()
    };
    let expected = of("rgb.png");
    for (name, image) in kinds {
        image.save(path(name)).expect("saved");
        assert!(of(name) == expected, "{name}");
    }
}

/// Writes a checkpoint whose tensors `change` has had its way with.
fn changed_checkpoint(folder: &Path, change: impl FnOnce(&mut Checkpoint)) {
    let mut checkpoint = Checkpoint::initial(ModelConfig::default(), InputConfig::default(), 1);
    checkpoint.projectors = None;
    change(&mut checkpoint);
    checkpoint.write(&folder.join("c.safetensors")).expect("written");
}

fn quantise(folder: &Path) -> Command {
    let mut command = lcl();
    command
        .current_dir(folder)
        .args(["quantise", "--checkpoint", "c.safetensors", "--calibration", "synthetic:4"])
        .args(["--out", "m.lcl"]);
    command
}

#[test]
fn checkpoints_that_are_not_numbers() {
    for value in [f32::NAN, f32::INFINITY] {
        let folder = folder();
        changed_checkpoint(folder.path(), |checkpoint| {
            checkpoint.convolutions[1].bn.bias[7] = value;
        });
        check_fails(folder.path(), &mut quantise(folder.path()), &["layer2.bn.bias"]);
    }
}

/// Rewrites the header of a safetensors file.
fn forge(path: &Path, from: &str, to: &str) {
    let bytes = fs::read(path).expect("readable");
    let header_len: [u8; 8] = bytes[..8].try_into().expect("eight");
    let body = 8 + usize::try_from(u64::from_le_bytes(header_len)).expect("small");
    let header = String::from_utf8(bytes[8..body].to_vec()).expect("UTF-8");
    assert!(header.contains(from), "{from} is not in {header}");
    let header = header.replace(from, to);
    let header_len = u64::try_from(header.len()).expect("small").to_le_bytes();
    fs::write(path, [&header_len, header.as_bytes(), &bytes[body..]].concat()).expect("written");
}

#[test]
fn checkpoints_with_missing_extra_or_wrongly_shaped_tensors() {
    let folder = folder();
    let path = folder.path().join("c.safetensors");
    changed_checkpoint(folder.path(), |_| {});
    forge(&path, "layer2.bn.weight", "layer2.bn.wait__");
    check_fails(folder.path(), &mut quantise(folder.path()), &["c.safetensors", "layer2.bn.w"]);
    changed_checkpoint(folder.path(), |_| {});
    forge(&path, "[64,3,11,11]", "[64,11,3,11]");
    check_fails(
        folder.path(),
        &mut quantise(folder.path()),
        &["layer1.conv.weight", "[64, 3, 11, 11]", "[64, 11, 3, 11]"],
    );
    fs::write(&path, b"rubbish").expect("written");
    check_fails(folder.path(), &mut quantise(folder.path()), &["c.safetensors"]);
    fs::remove_file(&path).expect("removed");
    check_fails(folder.path(), &mut quantise(folder.path()), &["c.safetensors"]);
}

#[test]
fn blobs_that_are_damaged_or_of_another_version() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    let path = folder.path().join("m.lcl");
    let sound = fs::read(&path).expect("readable");
    let inspect = || {
        let mut command = lcl();
        command.current_dir(folder.path()).args(["inspect", "m.lcl"]);
        command
    };
    let check = |bytes: &[u8], expected: &[&str]| {
        fs::write(&path, bytes).expect("written");
        check_fails(folder.path(), &mut inspect(), expected);
    };
    check(&sound[..sound.len() - 1], &["m.lcl", "truncated"]);
    check(b"", &["m.lcl", "truncated"]);
    check(&[0; 100], &["m.lcl", "not a blob"]);
    let mut damaged = sound.clone();
    damaged[70_000] ^= 4;
    check(&damaged, &["m.lcl", "damaged", "CRC-32"]);
    let mut newer = sound.clone();
    newer[8] = 4;
    check(&newer, &["version 4", "update the program"]);
    let mut older = sound;
    for version in [1, 2] {
        older[8] = version;
        check(&older, &[&format!("version {version}"), "quantise the checkpoint again"]);
    }
    fs::remove_file(&path).expect("removed");
    check_fails(folder.path(), &mut inspect(), &["m.lcl"]);
}

#[cfg(unix)]
#[test]
fn files_that_do_not_fit_are_not_left_half_written() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    let before = listing(folder.path());
    let old = fs::read(folder.path().join("m.lcl")).expect("readable");
    // A limit on the size of files stands in for a full disk: writing fails
    // half-way in the same place.
    let mut limited = Command::new("sh");
    limited
        .current_dir(folder.path())
        .args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$@\"", "sh"])
        .arg(lcl().get_program())
        .args(["quantise", "--checkpoint", "c.safetensors", "--calibration", "synthetic:4"])
        .args(["--out", "m.lcl"]);
    let error = fail(&mut limited);
    assert!(error.contains("m.lcl"), "{error}");
    assert_eq!(listing(folder.path()), before);
    assert!(fs::read(folder.path().join("m.lcl")).expect("still there") == old);
}

#[test]
fn unknown_commands_list_the_known_ones() {
    let error = fail(lcl().arg("trian"));
    assert!(error.contains("train, fit, prepare, quantise, features, compare, inspect"), "{error}");
}
