//! `lcl quantise` and checkpoints that are not as they should be: dead channels,
//! poor calibration images, names and files of PyTorch.

use std::{fs, path::Path, process::Command};

use host_trainer::{
    checkpoint::Checkpoint,
    config::{InputConfig, ModelConfig},
};
use image::RgbImage;
use serde_json::Value;

use crate::command::{fail, folder, lcl, succeed};
use crate::quantisation::compare;

/// What a dead channel among 64 may cost the others, in dB: it takes a part of
/// the features away, too, from which the others' SQNR is counted.
const DEAD_CHANNEL_DB: f64 = 1.0;

fn checkpoint(folder: &Path, change: impl Fn(&mut Checkpoint)) {
    let mut checkpoint = Checkpoint::initial(ModelConfig::default(), InputConfig::default(), 11);
    checkpoint.projectors = None;
    change(&mut checkpoint);
    checkpoint.write(&folder.join("c.safetensors")).expect("written");
}

fn quantise(folder: &Path, calibration: &str, input: &str) -> Command {
    let mut command = lcl();
    command
        .current_dir(folder)
        .args(["quantise", "--checkpoint", "c.safetensors", "--out", "m.lcl"])
        .args(["--calibration", calibration, "--input", input]);
    command
}

/// Quantises and returns what was said on the standard error.
#[track_caller]
fn warnings(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{said}");
    said
}

fn sqnr(agreement: &Value) -> [f64; 2] {
    ["v1", "v2"].map(|area| agreement[area]["sqnr_db"].as_f64().expect("a number"))
}

/// Makes channel 7 of V1 the constant `bias`, before the ReLU.
fn constant(checkpoint: &mut Checkpoint, bias: f32) {
    let bn = &mut checkpoint.convolutions[0].bn;
    (bn.weight[7], bn.bias[7]) = (0.0, bias);
}

#[test]
fn a_dead_channel_costs_the_others_nothing() {
    let folder = folder();
    let of = |change: &dyn Fn(&mut Checkpoint)| {
        checkpoint(folder.path(), change);
        let said = warnings(&mut quantise(folder.path(), "synthetic:24:1", "rgb888"));
        (sqnr(&compare(folder.path(), "synthetic:16:2")), said)
    };
    let (whole, said) = of(&|_| {});
    assert!(!said.contains("V1: channel"), "{said}");
    for change in [
        &(|c: &mut Checkpoint| constant(c, 0.0)) as &dyn Fn(&mut Checkpoint),
        &|c| constant(c, -0.001),
        &|c| constant(c, -1e6),
        // Silent, of a huge scale.
        &|c| (c.convolutions[0].bn.weight[7], c.convolutions[0].bn.bias[7]) = (1e5, -1e9),
    ] {
        let (dead, said) = of(change);
        for stage in 0..2 {
            assert!(dead[stage] > whole[stage] - DEAD_CHANNEL_DB, "{dead:?} {whole:?} {said}");
        }
        assert!(said.contains("warning: V1: channel 7 can never be active"), "{said}");
    }
    let (constant, said) = of(&|c| constant(c, 2.0));
    assert!(constant[1] > whole[1] - DEAD_CHANNEL_DB, "{constant:?} {whole:?} {said}");
}

#[test]
fn a_colour_opponent_filter_costs_grey_images_nothing() {
    let folder = folder();
    let of = |change: &dyn Fn(&mut Checkpoint)| {
        checkpoint(folder.path(), change);
        warnings(&mut quantise(folder.path(), "synthetic:24:1", "gray8"));
        sqnr(&compare(folder.path(), "synthetic:16:2"))
    };
    let whole = of(&|_| {});
    for bias in [0.0, -0.001, 0.5] {
        let opponent = of(&|checkpoint| {
            let std = checkpoint.std;
            let filter = &mut checkpoint.convolutions[0].conv.weight[7 * 363..8 * 363];
            for at in 0..121 {
                filter[121 + at] = -filter[at] * std[1] / std[0];
                filter[242 + at] = 0.0;
            }
            checkpoint.convolutions[0].conv.bias[7] = bias;
        });
        assert!(opponent[1] > whole[1] - DEAD_CHANNEL_DB, "{bias}: {opponent:?} {whole:?}");
    }
}

#[test]
fn calibration_that_says_little_is_said() {
    let folder = folder();
    checkpoint(folder.path(), |_| {});
    let images = folder.path().join("images");
    fs::create_dir(&images).expect("made");
    for (fault, pixel) in [("without contrast", [0, 0, 0]), ("without contrast", [9, 200, 30])] {
        for index in 0..17 {
            let image = RgbImage::from_pixel(32, 32, image::Rgb(pixel));
            image.save(images.join(format!("{index}.png"))).expect("written");
        }
        let said = warnings(&mut quantise(folder.path(), "images", "rgb888"));
        assert!(
            said.contains("warning: the calibration is 17 images") && said.contains(fault),
            "{said}"
        );
    }
    let said = warnings(&mut quantise(folder.path(), "synthetic:1", "rgb888"));
    assert!(said.contains("the calibration is one image: fewer than 16"), "{said}");
}

/// Renames the tensors of a file with a prefix, and sets its format.
fn renamed(path: &Path, prefix: &str) {
    let bytes = fs::read(path).expect("bytes");
    let (length, rest) = bytes.split_at(8);
    let length =
        usize::try_from(u64::from_le_bytes(length.try_into().expect("eight"))).expect("a length");
    let header: Value = serde_json::from_slice(&rest[..length]).expect("JSON");
    let mut changed = serde_json::Map::new();
    for (name, entry) in header.as_object().expect("an object") {
        let name = if name == "__metadata__" { name.clone() } else { format!("{prefix}{name}") };
        changed.insert(name, entry.clone());
    }
    changed["__metadata__"]["format"] = "pt".into();
    let header = serde_json::to_vec(&changed).expect("JSON");
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend([&header[..], &rest[length..]].concat());
    fs::write(path, bytes).expect("written");
}

#[test]
fn checkpoints_of_pytorch_are_read_or_told_how_to_convert() {
    let folder = folder();
    checkpoint(folder.path(), |_| {});
    warnings(&mut quantise(folder.path(), "synthetic:16", "rgb888"));
    let expected = fs::read(folder.path().join("m.lcl")).expect("a blob");
    renamed(&folder.path().join("c.safetensors"), "module._orig_mod.");
    let said = warnings(&mut quantise(folder.path(), "synthetic:16", "rgb888"));
    assert!(said.contains("took module._orig_mod. off the names of its tensors"), "{said}");
    assert!(fs::read(folder.path().join("m.lcl")).expect("a blob") == expected);
    succeed(lcl().current_dir(folder.path()).args(["inspect", "m.lcl"]));

    fs::write(folder.path().join("c.safetensors"), b"PK\x03\x04 and so on").expect("written");
    let error = fail(&mut quantise(folder.path(), "synthetic:16", "rgb888"));
    assert!(error.contains("python3 -c") && error.contains("save_file"), "{error}");
}
