//! `lcl evaluate`: a checkpoint in float and the bytes of its blob, side by
//! side.

use std::{fs, path::Path, process::Command};

use host_trainer::tensor_file::{self, NamedTensor, Values};
use lcl_infer::PoolOrder;
use serde_json::Value;

use crate::command::{fail, folder, lcl, picture, succeed};
use crate::integers::random_model;

/// How far explained variance of the features of a blob may be from that of its
/// checkpoint.
const QUANTISED_R: f64 = 0.02;

/// How far an index of a blob may be from that of its checkpoint: bytes of
/// about 40 dB, averaged over channels, families and locations.
const QUANTISED: f64 = 0.01;

fn run(folder: &Path, line: &str) -> Command {
    let mut command = lcl();
    command.current_dir(folder).arg("evaluate").args(line.split(' '));
    command
}

fn json(folder: &Path, line: &str) -> Value {
    let printed = succeed(&mut run(folder, &format!("{line} --json")));
    serde_json::from_str(&printed).expect("one JSON object")
}

#[test]
fn texture_modulation_of_a_blob_is_that_of_its_checkpoint() {
    let folder = folder();
    let path = folder.path();
    random_model(path, PoolOrder::MaxBlur, "synthetic:16");
    fs::create_dir(path.join("textures")).expect("made");
    for (family, phase) in ["bark", "sand", "wall"].into_iter().zip([0, 100, 200]) {
        for sample in 1..=2 {
            let image = picture(64, 64, phase + sample);
            let name = format!("textures/tex-64-{family}-smp{sample}.png");
            image.save(path.join(name)).expect("written");
        }
    }
    let missing = fail(&mut run(path, "texture --model m.lcl --images textures --size 64"));
    assert!(missing.contains("noise"), "{missing}");
    succeed(&mut run(path, "texture --images textures --make-noise textures"));
    let of = |model: &str| {
        json(path, &format!("texture --model {model} --images textures --size 64 --out pages"))
    };
    let (float, bytes) = (of("c.safetensors"), of("m.lcl"));
    for area in ["v1", "v2"] {
        let mean = |found: &Value| found[area]["r_mod_mean"].as_f64().expect("a number");
        let difference = (mean(&float) - mean(&bytes)).abs();
        assert!(difference > 0.0 && difference < QUANTISED, "{area} {float} {bytes}");
        let families = float[area]["r_mod_by_family"].as_object().expect("an object");
        assert_eq!(families.keys().collect::<Vec<_>>(), ["bark", "sand", "wall"]);
    }
    assert!(fs::read_to_string(path.join("pages/texture.html")).expect("a page").contains("bark"));
}

#[test]
fn tuning_of_a_blob_is_that_of_its_checkpoint() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:16");
    let of = |model: &str| {
        let found = json(folder.path(), &format!("tuning --model {model}"));
        let units = found["units"].as_array().expect("units").clone();
        assert_eq!(units.len(), 64, "{model}");
        units
    };
    let (float, bytes) = (of("c.safetensors"), of("m.lcl"));
    let both = float.iter().zip(&bytes);
    let variance = |unit: &Value| unit["circular_variance"].as_f64();
    let differences: Vec<f64> =
        both.filter_map(|(a, b)| Some((variance(a)? - variance(b)?).abs())).collect();
    assert!(differences.len() > 32, "{}", differences.len());
    let mean = differences.iter().sum::<f64>() / differences.len() as f64;
    assert!(mean > 0.0 && mean < QUANTISED, "{mean}");
    let fields = json(folder.path(), "receptive-fields --model m.lcl");
    assert_eq!(fields["filters"].as_array().map(Vec::len), Some(64));
}

#[test]
fn a_probe_stands_on_float_and_on_bytes() {
    let folder = folder();
    let path = folder.path();
    random_model(path, PoolOrder::MaxBlur, "synthetic:16");
    // Two classes that brightness tells apart.
    for (part, images) in [("train", 8), ("test", 4)] {
        for (class, dim) in [("dark", 4), ("light", 1)] {
            let class = path.join(part).join(class);
            fs::create_dir_all(&class).expect("made");
            for index in 0..images {
                let mut image = picture(48, 48, 1000 * u32::from(dim) + index);
                image.iter_mut().for_each(|value| *value /= dim);
                image.save(class.join(format!("{part}{index}.png"))).expect("written");
            }
        }
    }
    let found = json(path, "probe --model c.safetensors m.lcl --data . --size 48");
    assert_eq!((found["train"].as_u64(), found["test"].as_u64()), (Some(16), Some(8)), "{found}");
    for model in found["models"].as_array().expect("models") {
        for area in ["v1", "v2"] {
            assert_eq!(model[area]["global"]["accuracy"].as_f64(), Some(1.0), "{model}");
            assert_eq!(model[area]["global"]["same_as_first"].as_f64(), Some(1.0), "{model}");
        }
    }
}

/// Responses `[stimuli, 4, neurons]` to the images in a folder: neurons that
/// follow the brightness of places in the image, with a pattern of noise, and
/// one that never fires.
fn record(folder: &Path, images: usize) -> Vec<String> {
    let places = [(8, 8), (40, 12), (20, 50), (52, 52)];
    let (mut names, mut trials) = (Vec::new(), Vec::new());
    for index in 0..images {
        let image = picture(128, 128, 7 * u32::try_from(index).expect("few"));
        let name = format!("{index:03}.png");
        image.save(folder.join(&name)).expect("written");
        names.push(name);
        for trial in 0..4 {
            for (neuron, (x, y)) in places.into_iter().enumerate() {
                let block = (0..576).map(|at| image.get_pixel(x + at % 24, y + at / 24)[1]);
                let mean = block.map(f32::from).sum::<f32>() / 576.0;
                let noise = [3.0, -2.0, 1.0, -4.0, 2.0][(3 * index + trial + neuron) % 5];
                trials.push(8.0 * mean + noise);
            }
            trials.push(0.0);
        }
    }
    let path = folder.with_file_name("responses.safetensors");
    let shape = vec![images, 4, places.len() + 1];
    let values = Values::F32(&trials);
    let tensor = NamedTensor { name: "responses".to_owned(), shape, values };
    let list = serde_json::to_string(&names).expect("a list");
    tensor_file::write(&path, &[tensor], &[("images".to_owned(), list)].into()).expect("written");
    names
}

#[test]
fn responses_are_explained_by_float_by_bytes_and_by_the_pyramid() {
    let folder = folder();
    let path = folder.path();
    random_model(path, PoolOrder::MaxBlur, "synthetic:16");
    fs::create_dir(path.join("stimuli")).expect("made");
    let names = record(&path.join("stimuli"), 60);
    let of = |model: &str| {
        let files = "--stimuli stimuli --responses responses.safetensors --out pages";
        json(path, &format!("neural --model {model} {files} --size 128 --components 5"))
    };
    let [float, bytes, pyramid] = ["c.safetensors", "m.lcl", "v1-steerpyr"].map(of);
    for area in ["v1", "v2"] {
        let r = |found: &Value| found[area]["r"]["value"].as_f64().expect("a number");
        let difference = (r(&float) - r(&bytes)).abs();
        assert!(difference > 0.0 && difference < QUANTISED_R, "{area} {float} {bytes}");
        assert!(r(&float) > 0.5, "{area} {float}");
        assert_eq!(pyramid[area]["features"], if area == "v1" { 61_440 } else { 15_360 });
    }
    for found in [&float, &bytes, &pyramid] {
        assert_eq!(found["neurons"], serde_json::json!([0, 1, 2, 3]));
        assert_eq!(found["excluded"]["silent"], serde_json::json!([4]));
    }
    assert!(fs::read_to_string(path.join("pages/neural.html")).expect("a page").contains("V2"));

    fs::remove_file(path.join("stimuli").join(&names[7])).expect("removed");
    let files = "--stimuli stimuli --responses responses.safetensors --size 128";
    let missing = fail(&mut run(path, &format!("neural --model m.lcl {files}")));
    assert!(missing.contains("1 of 60 stimuli have no image, such as 007.png"), "{missing}");
}
