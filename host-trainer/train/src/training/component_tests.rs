//! From a run with components of V1 to a blob with its trained parameters.

use std::path::Path;
use std::sync::Arc;

use image::RgbImage;
use lcl_artefacts::{
    checkpoint::{Checkpoint, ComponentsConfig, Normalisation, RetinaName, Surround},
    feature_map::FeatureMap,
    feature_model::FeatureModel,
    integer_features::{AREAS, integer_features},
};
use lcl_images::{ImageSet, SizedImages, Source, images_at_size};
use lcl_infer::{InputFormat, V1};
use lcl_quantise::{
    FoldedNetwork, architecture,
    passes::{calibrate, compare_layers},
    quantise,
};
use lcl_run::{
    config::{Config, Length},
    device::DeviceChoice,
    run::Start,
};

use super::tests::{config, run};
use crate::model::FloatNetwork;

/// How near the loops are to libtorch: both round to 32 bits, in another order.
const LIBTORCH: f32 = 1e-5;

/// What every component keeps at least, in dB.
const LEAST_DB: f64 = 38.0;

/// Width and height of the images.
const SIDE: u32 = 96;

/// The configurations of components that a blob carries, and all of them at once.
fn configurations() -> Vec<(&'static str, Config)> {
    let shipped =
        ["lcl-v2-centre-surround", "lcl-v2-tuned-norm", "lcl-v2-divisive-norm", "lcl-v2-retina"];
    let find = |name: &str| Config::find(name.as_ref()).expect("a configuration");
    let mut all: Vec<_> = shipped.into_iter().map(|name| (name, find(name))).collect();
    for (name, normalisation) in
        [("all, tuned", Normalisation::Tuned), ("all, divisive", Normalisation::Divisive)]
    {
        let mut config = find("lcl-v2-retina");
        config.components = Some(ComponentsConfig {
            centre_surround: Some(Surround::DogAsPublished),
            normalisation: Some(normalisation),
            retina: Some(RetinaName::ColourOpponent),
            ..ComponentsConfig::default()
        });
        all.push((name, config));
    }
    all
}

/// Trains a configuration two steps at a small size.
fn trained(mut config: Config, out: &Path) -> Checkpoint {
    let small = self::config(2);
    config.data = small.data;
    config.model.embedding_dim = small.model.embedding_dim;
    config.training = small.training;
    config.training.length = Length::Steps(2);
    run(&config, out, Start::Fresh).expect("a run");
    Checkpoint::read(&out.join("checkpoint.safetensors")).expect("a checkpoint")
}

fn images(images: usize, seed: u64) -> impl Fn() -> SizedImages {
    let images = ImageSet::open(&[Source::Synthetic { images, seed }]).expect("images");
    let images = Arc::new(images);
    move || images_at_size(Arc::clone(&images), SIDE)
}

#[track_caller]
fn check_near(what: &str, got: &FeatureMap, expected: &FeatureMap) {
    assert_eq!(got.shape(), expected.shape(), "{what}");
    for (at, (got, expected)) in got.data.iter().zip(&expected.data).enumerate() {
        let error = (got - expected).abs() / expected.abs().max(1.0);
        assert!(error <= LIBTORCH, "{what}, value {at}: {got}, expected {expected}");
    }
}

/// Signal over noise, in dB.
fn sqnr_db(expected: &FeatureMap, got: &FeatureMap) -> f64 {
    let mut comparison = lcl_artefacts::compare::Comparison::default();
    comparison.add(&expected.data, &got.data);
    comparison.agreement().sqnr_db
}

#[test]
fn trained_components_become_blobs() {
    for (name, config) in configurations() {
        let folder = tempfile::tempdir().expect("a folder");
        let checkpoint = trained(config, &folder.path().join("run"));
        let libtorch = FloatNetwork::new(&checkpoint, DeviceChoice::Cpu).expect("a network");
        let loops = FoldedNetwork::new(&checkpoint).expect("a network");
        let (calibration, others) = (images(24, 1), images(6, 2));
        let seen: Vec<RgbImage> = others().map(|image| image.expect("an image").pixels).collect();
        let (expected, got) =
            (libtorch.features(&seen).expect("maps"), loops.features(&seen).expect("maps"));
        for tap in AREAS {
            check_near(&format!("{name}, {tap}"), got.tap(tap), expected.tap(tap));
        }

        let architecture = architecture(&checkpoint, InputFormat::Rgb888).expect("a blob's");
        let calibration = calibrate(&loops, architecture, calibration).expect("a calibration");
        let model = quantise(&checkpoint, &calibration).expect("integers");
        let file = model.to_blob().expect("a blob");
        let blob = file.open().expect("it opens");
        let layers = compare_layers(&loops, &blob, others()).expect("layers");
        let listed: Vec<String> =
            layers.iter().map(|(layer, found)| format!("{layer} {:.1}", found.sqnr_db)).collect();
        for (layer, found) in &layers {
            assert!(
                layer.as_str() == "pool2" || layer.as_str() == "conv2" || found.sqnr_db >= LEAST_DB,
                "{name}: {listed:?}"
            );
        }
        // The engine streams what the plain form computes, and that is near what
        // libtorch computes.
        let bytes = integer_features(&blob, &seen).expect("features");
        let v1 = sqnr_db(expected.tap(V1), &bytes[0].dequantise(&blob, V1));
        let by_layers = layers.iter().find(|(layer, _)| layer.as_str() == "pool1");
        let by_layers = by_layers.expect("a pool").1.sqnr_db;
        assert!((v1 - by_layers).abs() < 0.05, "{name}: {v1} and {by_layers}");
    }
}
