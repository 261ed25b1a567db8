use std::{collections::BTreeMap, path::PathBuf};

use super::*;
use crate::tensor_file::{self, NamedTensor, Values};

struct Folder {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn folder() -> Folder {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("c.safetensors");
    Folder { _folder: folder, path }
}

fn initial() -> Checkpoint {
    let model = ModelConfig { pool: PoolOrder::BlurMax, embedding_dim: 8, input_side: 0 };
    let mut checkpoint = Checkpoint::initial(model, InputConfig::default(), 3);
    checkpoint.step = 12;
    checkpoint.config = Some("[data]\n".to_owned());
    checkpoint
}

/// Tensors and metadata of a file, to be changed by a test.
struct Parts {
    tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
    metadata: BTreeMap<String, String>,
}

impl Parts {
    fn layers_only() -> Self {
        let mut parts = Self { tensors: Vec::new(), metadata: BTreeMap::new() };
        for (layer, shape) in [("layer1", [64, 3, 11, 11]), ("layer2", [192, 64, 5, 5])] {
            parts = parts.with(&format!("{layer}.conv.weight"), &shape);
            for name in ["conv.bias", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"] {
                parts = parts.with(&format!("{layer}.{name}"), &shape[..1]);
            }
        }
        parts
    }

    fn without(mut self, name: &str) -> Self {
        self.tensors.retain(|(other, ..)| other != name);
        self
    }

    fn with(mut self, name: &str, shape: &[usize]) -> Self {
        let values = vec![1.0; shape.iter().product()];
        self.tensors.push((name.to_owned(), shape.to_vec(), values));
        self
    }

    fn value(mut self, name: &str, value: f32) -> Self {
        let tensor = self.tensors.iter_mut().find(|(other, ..)| other == name);
        tensor.expect("a tensor").2[0] = value;
        self
    }

    fn string(mut self, key: &str, value: &str) -> Self {
        self.metadata.insert(key.to_owned(), value.to_owned());
        self
    }

    fn read(&self) -> Result<Checkpoint, CheckpointError> {
        let folder = folder();
        let tensor = |(name, shape, values): &'_ (String, Vec<usize>, Vec<f32>)| {
            (name.clone(), shape.clone(), values.clone())
        };
        let owned: Vec<_> = self.tensors.iter().map(tensor).collect();
        let tensors: Vec<NamedTensor<'_>> = owned
            .iter()
            .map(|(name, shape, values)| NamedTensor {
                name: name.clone(),
                shape: shape.clone(),
                values: Values::F32(values),
            })
            .collect();
        tensor_file::write(&folder.path, &tensors, &self.metadata).expect("a file");
        Checkpoint::read(&folder.path)
    }
}

#[track_caller]
fn check_error(parts: &Parts, expected: &str) {
    let error = parts.read().expect_err(expected).to_string();
    assert!(error.contains(expected) && error.contains("c.safetensors"), "{error}");
    assert!(!error.contains('\n'), "{error}");
}

#[test]
fn round_trips_exactly_and_reproducibly() {
    let (a, b) = (folder(), folder());
    initial().write(&a.path).expect("written");
    initial().write(&b.path).expect("written");
    assert!(Checkpoint::read(&a.path).expect("read") == initial());
    let bytes = |folder: &Folder| std::fs::read(&folder.path).expect("bytes");
    assert!(bytes(&a) == bytes(&b));
}

#[test]
fn layers_alone_take_the_defaults() {
    let checkpoint = Parts::layers_only().read().expect("a checkpoint");
    assert_eq!((checkpoint.pool, checkpoint.step), (PoolOrder::MaxBlur, 0));
    assert_eq!(checkpoint.input(), InputConfig::default());
    assert!(checkpoint.projectors.is_none() && checkpoint.config.is_none());
}

#[test]
fn missing_biases_of_convolutions_are_zero_and_counters_are_ignored() {
    let parts =
        Parts::layers_only().without("layer1.conv.bias").with("layer1.bn.num_batches_tracked", &[]);
    let checkpoint = parts.read().expect("a checkpoint");
    assert_eq!(checkpoint.convolutions[0].conv.bias, [0.0; 64]);
    assert_eq!(checkpoint.convolutions[1].conv.bias, [1.0; 192]);
}

#[test]
fn wrong_tensors_are_named_with_expected_and_got() {
    check_error(&Parts::layers_only().without("layer2.bn.weight"), "layer2.bn.weight is missing");
    check_error(&Parts::layers_only().with("fc.weight", &[2]), "fc.weight is unknown");
    let parts = Parts::layers_only().without("layer1.conv.weight");
    check_error(
        &parts.with("layer1.conv.weight", &[64, 3, 7, 7]),
        "layer1.conv.weight has shape [64, 3, 7, 7], expected [64, 3, 11, 11]",
    );
    let parts = Parts::layers_only().with("projector1.fc1.weight", &[64, 64]);
    check_error(&parts, "projector1.fc1.bias is missing");
    check_error(&Parts::layers_only().value("layer1.bn.bias", f32::NAN), "layer1.bn.bias has 1");
    check_error(&Parts::layers_only().value("layer2.conv.bias", f32::INFINITY), "infinite");
    check_error(&Parts::layers_only().value("layer2.bn.running_var", -1.0), "negative");
}

#[test]
fn strings_are_checked() {
    check_error(&Parts::layers_only().string("pool", "mean"), "pool = \"mean\"");
    check_error(&Parts::layers_only().string("std", "[1, 0, 1]"), "above 0");
    check_error(&Parts::layers_only().string("mean", "[1, 2]"), "three finite");
    check_error(&Parts::layers_only().string("step", "-1"), "whole number");
}

#[test]
fn an_unknown_format_is_none() {
    for format in ["pt", "lcl-v2", "np"] {
        let checkpoint = Parts::layers_only().string("format", format).read();
        assert!(checkpoint.is_ok(), "{format}: {checkpoint:?}");
    }
}

#[test]
fn prefixes_of_wrappers_are_taken_off() {
    let plain = Parts::layers_only().read().expect("a checkpoint");
    for prefix in ["module.", "_orig_mod.", "model.", "module._orig_mod."] {
        let mut parts = Parts::layers_only().with("layer1.bn.num_batches_tracked", &[]);
        for (name, ..) in &mut parts.tensors {
            *name = format!("{prefix}{name}");
        }
        assert!(parts.read().expect(prefix) == plain);
    }
    let twice = Parts::layers_only().with("module.layer1.bn.bias", &[64]);
    check_error(&twice, "module.layer1.bn.bias is unknown");
    check_error(
        &Parts::layers_only().with("model.head.weight", &[2]),
        "model.head.weight is unknown",
    );
}

#[test]
fn a_truncated_file_is_an_error() {
    let folder = folder();
    initial().write(&folder.path).expect("written");
    let bytes = std::fs::read(&folder.path).expect("bytes");
    for kept in [0, 4, 8, 100, bytes.len() - 1] {
        std::fs::write(&folder.path, &bytes[..kept]).expect("a file");
        assert!(Checkpoint::read(&folder.path).is_err(), "{kept}");
    }
}

#[test]
fn components_round_trip_with_the_names_of_modules() {
    let settings = ComponentsConfig {
        centre_surround: Some(Surround::Dog),
        normalisation: Some(Normalisation::Divisive),
        retina: Some(RetinaName::ColourOpponent),
        ..ComponentsConfig::default()
    };
    let folder = folder();
    let mut checkpoint = initial().with_components(settings, 3);
    checkpoint.input_side = 96;
    checkpoint.write(&folder.path).expect("written");
    assert!(Checkpoint::read(&folder.path).expect("read") == checkpoint);
    let file = tensor_file::TensorFile::read(&folder.path).expect("a file");
    let shape = |name: &str| {
        let tensors = file.tensors().expect("tensors");
        tensors.tensor(name).expect(name).shape().to_vec()
    };
    assert_eq!(shape("layer1.conv.weight"), [64, 6, 11, 11]);
    assert_eq!(shape("layer1.centre_surround.amplitude"), [256]);
    assert_eq!(shape("layer1.divisive_norm.theta"), [64, 64]);
    assert_eq!(shape("layer1.divisive_norm.bias"), [1]);
    assert_eq!(file.metadata()["input_side"], "96");
    assert_eq!(checkpoint.first_filters().len(), 64 * 3 * 121);
    let weights = &checkpoint.convolutions[0].conv.weight;
    // The second contrast of the first filter, ON less OFF.
    assert_eq!(checkpoint.first_filters()[121], weights[2 * 121] - weights[3 * 121]);
}

#[test]
fn components_that_do_not_fit_are_named() {
    let tuned = r#"{"normalisation":"tuned"}"#;
    let with = |text: &str| Parts::layers_only().string("components", text);
    check_error(&with(tuned), "layer1.tuned_norm.sigma is missing");
    check_error(
        &with(tuned).with("layer1.tuned_norm.sigma", &[63]),
        "layer1.tuned_norm.sigma has shape [63], expected [64]",
    );
    assert!(with(tuned).with("layer1.tuned_norm.sigma", &[64]).read().is_ok());
    let sigma = Parts::layers_only().with("layer1.tuned_norm.sigma", &[64]);
    check_error(&sigma, "layer1.tuned_norm.sigma is unknown");
    check_error(&with("{}"), "components is without any component");
    check_error(&with(r#"{"magnification":true}"#), "model.input_side is 0");
    check_error(&with(r#"{"normalisation":"softmax"}"#), "components as a JSON object");
    check_error(&Parts::layers_only().string("input_side", "99999999"), "input_side");
}
