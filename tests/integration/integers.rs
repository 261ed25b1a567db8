//! The integers of a blob against a computation that shares no code with the
//! engine: from `lcl inspect --dump` and the contract's text alone.

// Everything is i64 here, so that indices and sums cannot wrap.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]

use std::{fs, path::Path};

use host_trainer::{
    checkpoint::Checkpoint,
    config::{InputConfig, ModelConfig},
};
use image::{Rgb, RgbImage};
use lcl_infer::PoolOrder;
use safetensors::SafeTensors;

use crate::command::{folder, lcl, picture, succeed};

/// Writes a checkpoint of random weights, layers only, and quantises it.
pub fn random_model(folder: &Path, pool: PoolOrder, calibration: &str) {
    random_model_for("rgb888", folder, pool, calibration);
}

/// As [`random_model`], for images of that format.
pub fn random_model_for(input: &str, folder: &Path, pool: PoolOrder, calibration: &str) {
    let model = ModelConfig { pool, ..ModelConfig::default() };
    let mut checkpoint = Checkpoint::initial(model, InputConfig::default(), 11);
    checkpoint.projectors = None;
    checkpoint.write(&folder.join("c.safetensors")).expect("written");
    succeed(
        lcl()
            .current_dir(folder)
            .args(["quantise", "--checkpoint", "c.safetensors", "--out", "m.lcl"])
            .args(["--calibration", calibration, "--input", input]),
    );
}

/// Quantises the checkpoint of [`random_model`] again, into a blob whose layers
/// are transformed.
pub fn transform(folder: &Path, calibration: &str) {
    succeed(
        lcl()
            .current_dir(folder)
            .args(["quantise", "--checkpoint", "c.safetensors", "--out", "m.lcl"])
            .args(["--calibration", calibration, "--layout", "fast"]),
    );
}

#[test]
fn layouts_give_the_same_weights_and_features() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:8");
    picture(48, 48, 7).save(folder.path().join("i.png")).expect("saved");
    let len = |name: &str| fs::metadata(folder.path().join(name)).expect("written").len();
    let written = |layout: &str| {
        let names = ["f", "t"].map(|name| format!("{layout}-{name}.safetensors"));
        let [features, dump] = &names;
        let line = ["features", "--model", "m.lcl", "--images", "i.png", "--size", "48", "--out"];
        succeed(lcl().current_dir(folder.path()).args(line).arg(features));
        succeed(lcl().current_dir(folder.path()).args(["inspect", "m.lcl", "--dump"]).arg(dump));
        names.map(|name| fs::read(folder.path().join(name)).expect("written"))
    };
    let (small_len, small) = (len("m.lcl"), written("small"));
    transform(folder.path(), "synthetic:8");
    assert!(len("m.lcl") > 3 * small_len, "{} of {small_len}", len("m.lcl"));
    let fast = written("fast");
    // The metadata alone says how weights stand in the blob.
    for (small, fast) in small.iter().zip(&fast) {
        let [small, fast] =
            [small, fast].map(|file| SafeTensors::deserialize(file).expect("safetensors"));
        assert!(small.len() > 1, "nothing is compared");
        assert_eq!(small.len(), fast.len());
        for (name, tensor) in small.tensors() {
            let other = fast.tensor(&name).expect("it has the same names");
            assert!(tensor.shape() == other.shape() && tensor.data() == other.data(), "{name}");
        }
    }
}

#[test]
fn every_byte_equals_an_independent_computation() {
    for (pool, width, height) in
        [(PoolOrder::MaxBlur, 96, 96), (PoolOrder::BlurMax, 48, 48), (PoolOrder::Max, 37, 37)]
    {
        let image = picture(width, height, 3);
        check("rgb888", pool, &image, image.as_raw());
    }
}

#[test]
fn blob_for_grey_images_sees_luma() {
    let image = picture(48, 48, 5);
    let luma = |pixel: &Rgb<u8>| {
        let [r, g, b] = pixel.0.map(u32::from);
        ((19_595 * r + 38_470 * g + 7471 * b + 32_768) >> 16) as u8
    };
    let bytes: Vec<u8> = image.pixels().map(luma).collect();
    check("gray8", PoolOrder::MaxBlur, &image, &bytes);
}

fn check(input: &str, pool: PoolOrder, image: &RgbImage, bytes: &[u8]) {
    let folder = folder();
    random_model_for(input, folder.path(), pool, "synthetic:8");
    image.save(folder.path().join("i.png")).expect("saved");
    let size = image.width().to_string();
    succeed(
        lcl()
            .current_dir(folder.path())
            .args(["features", "--model", "m.lcl", "--images", "i.png", "--out", "f.safetensors"])
            .args(["--size", &size]),
    );
    let dump = ["inspect", "m.lcl", "--dump", "t.safetensors"];
    succeed(lcl().current_dir(folder.path()).args(dump));

    let dump = fs::read(folder.path().join("t.safetensors")).expect("the dump is there");
    let dump = SafeTensors::deserialize(&dump).expect("safetensors");
    let features = fs::read(folder.path().join("f.safetensors")).expect("the features are there");
    let features = SafeTensors::deserialize(&features).expect("safetensors");

    let mut map = Map {
        height: image.height().into(),
        width: image.width().into(),
        values: bytes.iter().map(|&byte| byte.into()).collect(),
    };
    for (stage, (stride, padding)) in [(1, (4, 5)), (2, (1, 2))] {
        let tables = Tables::of(&dump, stage);
        map = pooled(pool, &convolved(&tables, &map, (stride, padding), Outside::Reflected));
        let got = features.tensor(&format!("v{stage}_q")).expect("bytes");
        let expected: Vec<u8> =
            map.values.iter().map(|&value| value.try_into().expect("a byte")).collect();
        let channels = map.values.len() / (map.height * map.width) as usize;
        let shape = [1, map.height as usize, map.width as usize, channels];
        assert_eq!(got.shape(), shape, "V{stage}, {pool:?}");
        assert_eq!(got.data(), expected, "V{stage}, {pool:?}");
        assert!(expected.iter().filter(|&&byte| byte > 0).count() > expected.len() / 4);

        let scales = floats(&dump, &format!("stage{stage}.output_scale"));
        let real = floats(&features, &format!("v{stage}"));
        let expected = expected.iter().zip(scales.iter().cycle()).map(|(&q, s)| s * f32::from(q));
        assert!(real.iter().copied().eq(expected), "dequantised V{stage}, {pool:?}");
    }
}

fn floats(tensors: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let data = tensors.tensor(name).expect("there").data().to_vec();
    data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("four"))).collect()
}

/// A feature map, `[H, W, C]`.
pub struct Map {
    pub height: i64,
    pub width: i64,
    pub values: Vec<i64>,
}

impl Map {
    pub fn at(&self, y: i64, x: i64, c: i64) -> Option<i64> {
        let channels = self.values.len() as i64 / (self.height * self.width);
        let inside = (0..self.height).contains(&y) && (0..self.width).contains(&x);
        inside.then(|| self.values[((y * self.width + x) * channels + c) as usize])
    }
}

pub struct Tables {
    /// `[out_c, kernel, kernel, in_c]`
    shape: [i64; 4],
    weight: Vec<i64>,
    bias: Vec<i64>,
    multiplier: Vec<i64>,
    shift: Vec<u32>,
}

impl Tables {
    pub fn of(dump: &SafeTensors<'_>, stage: usize) -> Self {
        let tensor = |name: &str| dump.tensor(&format!("stage{stage}.{name}")).expect("there");
        let words = |name: &str| {
            let data = tensor(name).data().to_vec();
            let word = |b: &[u8]| i64::from(i32::from_le_bytes(b.try_into().expect("four")));
            data.chunks_exact(4).map(word).collect()
        };
        let weight = tensor("weight");
        Self {
            shape: [0, 1, 2, 3].map(|dimension| weight.shape()[dimension] as i64),
            weight: weight.data().iter().map(|&byte| i64::from(byte as i8)).collect(),
            bias: words("bias"),
            multiplier: words("multiplier"),
            shift: tensor("shift").data().iter().map(|&byte| byte.into()).collect(),
        }
    }
}

/// What a convolution meets outside of the map.
#[derive(Clone, Copy, PartialEq)]
pub enum Outside {
    Reflected,
    Zero,
}

/// The place in a map that a place outside stands for, its edge not repeated.
pub fn reflected(at: i64, side: i64) -> i64 {
    let at = at.abs();
    if at < side { at } else { 2 * (side - 1) - at }
}

pub fn convolved(
    tables: &Tables,
    input: &Map,
    (stride, padding): (i64, i64),
    outside: Outside,
) -> Map {
    let [out_c, kernel, _, in_c] = tables.shape;
    let side = |side: i64| (side + 2 * padding - kernel) / stride + 1;
    let (height, width) = (side(input.height), side(input.width));
    let mut values = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for oc in 0..out_c {
                let mut acc = tables.bias[oc as usize];
                for ky in 0..kernel {
                    for kx in 0..kernel {
                        for c in 0..in_c {
                            let (y, x) = (y * stride + ky - padding, x * stride + kx - padding);
                            let (row, column) =
                                (reflected(y, input.height), reflected(x, input.width));
                            let at = ((oc * kernel + ky) * kernel + kx) * in_c + c;
                            let value = match outside {
                                Outside::Reflected => input.at(row, column, c).expect("inside"),
                                Outside::Zero => input.at(y, x, c).unwrap_or(0),
                            };
                            acc += tables.weight[at as usize] * value;
                        }
                    }
                }
                assert!(i32::try_from(acc).is_ok(), "the accumulator fits 32 bits");
                let shift = tables.shift[oc as usize];
                let product = acc * tables.multiplier[oc as usize];
                values.push(((product + (1 << (shift - 1))) >> shift).clamp(0, 255));
            }
        }
    }
    Map { height, width, values }
}

pub fn pooled(pool: PoolOrder, input: &Map) -> Map {
    match pool {
        PoolOrder::MaxBlur => blurred(&maximum(input, 1), 2),
        PoolOrder::BlurMax => maximum(&blurred(input, 1), 2),
        PoolOrder::Max => maximum(input, 2),
    }
}

fn maximum(input: &Map, stride: i64) -> Map {
    windows(input, stride, |window| window.into_iter().filter_map(|(_, v)| v).max().expect("one"))
}

fn blurred(input: &Map, stride: i64) -> Map {
    windows(input, stride, |window| {
        let sum: i64 = window.into_iter().map(|(tap, value)| tap * value.unwrap_or(0)).sum();
        (sum + 8) >> 4
    })
}

/// Reduces every 3×3 window, given as binomial taps and the values that exist.
fn windows(input: &Map, stride: i64, reduce: impl Fn(Vec<(i64, Option<i64>)>) -> i64) -> Map {
    let channels = input.values.len() as i64 / (input.height * input.width);
    let side = |side: i64| (side - 1) / stride + 1;
    let (height, width) = (side(input.height), side(input.width));
    let taps = [(-1, 1), (0, 2), (1, 1)];
    let mut values = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for c in 0..channels {
                let window = taps.iter().flat_map(|(dy, row_tap)| {
                    taps.iter().map(move |(dx, column_tap)| {
                        let value = input.at(y * stride + dy, x * stride + dx, c);
                        (row_tap * column_tap, value)
                    })
                });
                values.push(reduce(window.collect()));
            }
        }
    }
    Map { height, width, values }
}
