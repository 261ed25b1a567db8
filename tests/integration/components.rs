//! Blobs with components of V1: refusals, and their bytes against a computation
//! that shares no code with the engine.

// Everything is i64 here, so that indices and sums cannot wrap.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]

use std::{fs, path::Path};

use host_trainer::{
    checkpoint::{
        Checkpoint, ComponentsConfig, InputConfig, ModelConfig, Normalisation, RetinaName, Surround,
    },
    config::Config,
};
use lcl_infer::PoolOrder;
use safetensors::SafeTensors;
use serde_json::Value;

use crate::command::{fail, folder, lcl, picture, succeed};
use crate::integers::{Map, Outside, Tables, convolved, pooled, reflected};

/// Width and height of the images.
const SIDE: u32 = 48;

fn write(folder: &Path, components: ComponentsConfig, model: ModelConfig) {
    let mut input = InputConfig::default();
    if components.retina.is_some() {
        (input.mean, input.std) = ([0.0; 3], [1.0; 3]);
    }
    let model = ModelConfig { embedding_dim: 2, ..model };
    let mut checkpoint = Checkpoint::initial(model, input, 11).with_components(components, 11);
    checkpoint.projectors = None;
    checkpoint.write(&folder.join("c.safetensors")).expect("written");
}

#[test]
fn what_no_blob_carries_leaves_nothing_behind() {
    let folder = folder();
    let magnified = Config::find("lcl-v2-magnification".as_ref()).expect("a configuration");
    write(folder.path(), magnified.components.expect("components"), magnified.model);
    // No image is read: there is none.
    let line = ["quantise", "--checkpoint", "c.safetensors", "--calibration", "nowhere"];
    let line = [&line[..], &["--size", "128", "--out", "m.lcl"]].concat();
    let said = fail(lcl().current_dir(folder.path()).args(line));
    for part in ["magnification: ", "65536 bytes", "--fovea", "lcl features"] {
        assert!(said.contains(part), "{said}");
    }
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn every_byte_of_components_equals_an_independent_computation() {
    for normalisation in [Normalisation::Tuned, Normalisation::Divisive] {
        let folder = folder();
        let components = ComponentsConfig {
            centre_surround: Some(Surround::Dog),
            normalisation: Some(normalisation),
            retina: Some(RetinaName::ColourOpponent),
            ..ComponentsConfig::default()
        };
        write(folder.path(), components, ModelConfig::default());
        let image = picture(SIDE, SIDE, 3);
        image.save(folder.path().join("i.png")).expect("saved");
        let run = |line: &str| succeed(lcl().current_dir(folder.path()).args(line.split(' ')));
        run("quantise --checkpoint c.safetensors --calibration synthetic:8 --size 48 --out m.lcl");
        run("features --model m.lcl --images i.png --size 48 --out f.safetensors");
        run("inspect m.lcl --dump t.safetensors");
        let read = |name: &str| fs::read(folder.path().join(name)).expect("written");
        let (dump, features) = (read("t.safetensors"), read("f.safetensors"));
        let (_, metadata) = SafeTensors::read_metadata(&dump).expect("safetensors");
        let strings = metadata.metadata().as_ref().expect("metadata");
        let layers: Value = serde_json::from_str(&strings["layers"]).expect("a list");
        let names: Vec<_> = layers.as_array().expect("a list").iter().map(|l| &l["name"]).collect();
        let expected = ["retina", "conv1", "surround", "norm1", "pool1", "conv2", "pool2"];
        assert_eq!(names, expected);
        let dump = SafeTensors::deserialize(&dump).expect("safetensors");
        let features = SafeTensors::deserialize(&features).expect("safetensors");

        let values = image.as_raw().iter().map(|&byte| byte.into()).collect();
        let seen = Map { height: SIDE.into(), width: SIDE.into(), values };
        let number = |name: &str| layers[0][name].as_i64().expect("a number");
        let map = opponent(&seen, number("gain"), number("offset"));
        let map = convolved(&Tables::of(&dump, 1), &map, (4, 5), Outside::Reflected);
        let map = convolved(&Tables::of(&dump, 2), &map, (1, 2), Outside::Zero);
        let v1 = pooled(PoolOrder::MaxBlur, &divided(&dump, &map));
        let map = convolved(&Tables::of(&dump, 3), &v1, (1, 2), Outside::Reflected);
        let v2 = pooled(PoolOrder::MaxBlur, &map);
        for (name, map) in [("v1_q", v1), ("v2_q", v2)] {
            let expected: Vec<u8> = map.values.iter().map(|&value| value as u8).collect();
            assert!(expected.iter().filter(|&&byte| byte > 0).count() > expected.len() / 8);
            assert_eq!(features.tensor(name).expect("bytes").data(), expected, "{name}");
        }
    }
}

/// Kind 8 of docs/blob.md.
fn opponent(image: &Map, gain: i64, offset: i64) -> Map {
    let around = |taps: &[i64], y: i64, x: i64, value: &dyn Fn(i64, i64) -> i64| -> i64 {
        let half = taps.len() as i64 / 2;
        let mut sum = 0;
        for (dy, down) in (-half..).zip(taps) {
            for (dx, along) in (-half..).zip(taps) {
                let (y, x) = (reflected(y + dy, image.height), reflected(x + dx, image.width));
                sum += down * along * value(y, x);
            }
        }
        sum
    };
    let (centre, surround) = ([1, 2, 1], [1, 2, 2, 2, 1]);
    let byte = |c: i64| move |y: i64, x: i64| image.at(y, x, c).expect("inside");
    let (red, green, blue) = (byte(0), byte(1), byte(2));
    let light = |y, x| red(y, x) + 2 * green(y, x) + blue(y, x);
    let yellow = |y, x| red(y, x) + green(y, x);
    let contrasts = |y: i64, x: i64| {
        [
            4 * around(&centre, y, x, &light) - around(&surround, y, x, &light),
            16 * around(&centre, y, x, &red) - 4 * around(&surround, y, x, &green),
            16 * around(&centre, y, x, &blue) - 2 * around(&surround, y, x, &yellow),
        ]
    };
    let energy = |y, x| contrasts(y, x).iter().map(|d| d.abs()).sum();
    let mut values = Vec::new();
    for (y, x) in (0..image.height).flat_map(|y| (0..image.width).map(move |x| (y, x))) {
        let d = 4 * around(&surround, y, x, &light) + around(&centre, y, x, &energy) + 16 * offset;
        for contrast in contrasts(y, x) {
            for part in [contrast.max(0), (-contrast).max(0)] {
                values.push(((16 * gain * part + d / 2) / d).min(255));
            }
        }
    }
    Map { values, ..*image }
}

/// Kind 3 of docs/blob.md.
fn divided(dump: &SafeTensors<'_>, input: &Map) -> Map {
    let words = |name: &str| -> Vec<i64> {
        let data = dump.tensor(&format!("norm1.{name}")).expect("there").data();
        let word = |b: &[u8]| i64::from(i32::from_le_bytes(b.try_into().expect("four")));
        data.chunks_exact(4).map(word).collect()
    };
    let weight = dump.tensor("norm1.weight").expect("there");
    let (channels, kernel) = (weight.shape()[0] as i64, weight.shape()[1] as i64);
    let (bias, multiplier) = (words("bias"), words("multiplier"));
    let mut values = Vec::new();
    for (y, x) in (0..input.height).flat_map(|y| (0..input.width).map(move |x| (y, x))) {
        for i in 0..channels {
            let mut d = bias[i as usize];
            for (ky, kx) in (0..kernel * kernel).map(|tap| (tap / kernel, tap % kernel)) {
                for j in 0..channels {
                    let at = ((i * kernel + ky) * kernel + kx) * channels + j;
                    let value = input.at(y + ky - kernel / 2, x + kx - kernel / 2, j);
                    d += i64::from(weight.data()[at as usize]) * value.unwrap_or(0);
                }
            }
            let byte = input.at(y, x, i).expect("inside");
            values.push(((byte * multiplier[i as usize] + d / 2) / d).min(255));
        }
    }
    Map { values, ..*input }
}
