//! Checkpoints with components of V1 as blobs: every layer against the float
//! network, without libtorch.

use image::RgbImage;
use lcl_artefacts::{
    checkpoint::{
        Checkpoint, ComponentsConfig, InputConfig, ModelConfig, Normalisation, RetinaName, Surround,
    },
    feature_model::FeatureModel,
    integer_features::{AREAS, integer_features},
    sized_image::{ImageError, SizedImage},
};
use lcl_infer::{InputFormat, LayerKind, Name};
use lcl_quantise::{
    FoldedNetwork, QuantisedModel, architecture,
    passes::{calibrate, compare_layers},
    quantise,
};

/// What the layers of V1 keep at least, in dB.
const LEAST_DB: f64 = 38.0;

/// Width and height of the images.
const SIDE: u32 = 64;

/// Images of waves of colour, from `first` on.
fn images(first: u32, count: u32) -> impl Iterator<Item = Result<SizedImage, ImageError>> {
    let wave = |phase: f64, seed: u32, x: u32, y: u32| {
        let (fy, fx) = (f64::from(seed % 5) * 0.11 + 0.03, f64::from(seed % 7) * 0.07 + 0.02);
        let (x, y) = (f64::from(x), f64::from(y));
        (fx * x + fy * y + phase).sin() + 0.5 * (0.6 * fy * x - 0.9 * fx * y + 2.0 * phase).cos()
    };
    (first..first + count).map(move |seed| {
        let pixels = RgbImage::from_fn(SIDE, SIDE, |x, y| {
            let byte = |c: u32| 128.0 + 70.0 * wave(f64::from(seed * (c + 3)), seed, x, y);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            let byte = |c: u32| byte(c).round().clamp(0.0, 255.0) as u8;
            image::Rgb([0, 1, 2].map(byte))
        });
        Ok(SizedImage { name: seed.to_string(), pixels })
    })
}

fn checkpoint(components: ComponentsConfig) -> Checkpoint {
    let mut input = InputConfig::default();
    if components.retina.is_some() {
        (input.mean, input.std) = ([0.0; 3], [1.0; 3]);
    }
    let model = ModelConfig { embedding_dim: 2, ..ModelConfig::default() };
    Checkpoint::initial(model, input, 5).with_components(components, 5)
}

/// Quantises initial weights and checks the layers of V1, and that the engine
/// streams what the layers' plain form gives.
fn check(components: ComponentsConfig, input: InputFormat, what: &str) -> QuantisedModel {
    let checkpoint = checkpoint(components);
    let network = FoldedNetwork::new(&checkpoint).expect("a network");
    let architecture = architecture(&checkpoint, input).expect("a blob's");
    let calibration = calibrate(&network, architecture, || images(0, 8)).expect("images");
    let model = quantise(&checkpoint, &calibration).expect("integers");
    let file = model.to_blob().expect("a blob");
    let blob = file.open().expect("it opens");
    let layers = compare_layers(&network, &blob, images(3, 2)).expect("layers");
    let found: Vec<String> =
        layers.iter().map(|(layer, found)| format!("{layer} {:.1}", found.sqnr_db)).collect();
    let of_v1 = || layers.iter().take_while(|(layer, _)| layer.as_str() != "conv2");
    assert!(of_v1().all(|(_, found)| found.sqnr_db >= LEAST_DB), "{what}: {found:?}");

    let seen: Vec<RgbImage> = images(3, 2).map(|image| image.expect("drawn").pixels).collect();
    let seen = lcl_artefacts::sized_image::as_seen(&seen, input);
    let float = network.features(&seen).expect("features");
    let bytes = integer_features(&blob, &seen).expect("features");
    for (tap, layer) in AREAS.into_iter().zip(["pool1", "pool2"]) {
        let at = Name::new(layer).and_then(|name| layers.iter().find(|(layer, _)| *layer == name));
        let by_layers = at.expect("there").1.sqnr_db;
        let mut comparison = lcl_artefacts::compare::Comparison::default();
        let index = usize::from(layer == "pool2");
        comparison.add(&float.tap(tap).data, &bytes[index].dequantise(&blob, tap).data);
        let streamed = comparison.agreement().sqnr_db;
        assert!((streamed - by_layers).abs() < 1e-3, "{what}: {streamed} and {by_layers}");
    }
    model
}

#[test]
fn each_component_keeps_its_features() {
    let none = ComponentsConfig::default();
    let surround = ComponentsConfig { centre_surround: Some(Surround::Dog), ..none };
    let tuned = ComponentsConfig { normalisation: Some(Normalisation::Tuned), ..none };
    let divisive = ComponentsConfig { normalisation: Some(Normalisation::Divisive), ..none };
    let retina = ComponentsConfig { retina: Some(RetinaName::ColourOpponent), ..none };
    let all = ComponentsConfig {
        centre_surround: Some(Surround::DogAsPublished),
        normalisation: Some(Normalisation::Divisive),
        ..retina
    };
    let rgb = InputFormat::Rgb888;
    for (components, what) in [
        (tuned, "tuned normalisation"),
        (divisive, "divisive normalisation"),
        (all, "a retina, centre and surround, divisive normalisation"),
    ] {
        check(components, rgb, what);
    }
    check(tuned, InputFormat::Gray8, "tuned normalisation of grey images");
    let seeing = check(retina, rgb, "a retina");
    let gain = seeing.architecture.layers().iter().find_map(|layer| match layer.kind {
        LayerKind::Opponent(retina) => Some(retina.gain()),
        _ => None,
    });
    // Calibration found a contrast below the largest that there can be.
    assert!(gain.is_some_and(|gain| gain > 64), "{gain:?}");
    let model = check(surround, rgb, "centre and surround");
    // The channels that pass have the same bytes.
    let [conv1, surround, _] = &model.convolutions[..] else { panic!("three convolutions") };
    assert_eq!(surround.output_scale[16..], conv1.output_scale[16..]);
    for channel in 16..64 {
        let requant = surround.channels[channel].requant;
        assert!(
            (0..=255).all(|byte| i32::from(requant.requantise(127 * byte)) == byte),
            "{channel}"
        );
    }
}
