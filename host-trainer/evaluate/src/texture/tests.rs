//! The evaluation from files to JSON, with features that are known.

use std::{fs, path::Path};

use image::{Rgb, RgbImage};
use serde_json::Value;

use super::*;
use crate::{EvaluatedModelError, Findings};
use lcl_artefacts::feature_map::FeatureMap;
use lcl_images::{ImageSet, Source};

/// Features are 32-bit floats of bytes.
const ROUNDING: f64 = 1e-6;

/// Side of the images.
const SIDE: u32 = 16;

/// Writes families of uniform images, whose features are their byte.
fn write_families(folder: &Path, families: &[(&str, u8, u8)]) {
    for (family, texture, noise) in families {
        for sample in 1..=2_u8 {
            for (kind, byte) in [("tex", texture), ("noise", noise)] {
                // The samples differ, their mean is the byte.
                let byte = if sample == 1 { byte - 1 } else { byte + 1 };
                let name = format!("{kind}-{SIDE}-{family}-smp{sample}.png");
                let image = RgbImage::from_pixel(SIDE, SIDE, Rgb([byte; 3]));
                image.save(folder.join(name)).expect("a written image");
            }
        }
    }
}

fn stimuli(folder: &Path) -> Stimuli {
    let images = ImageSet::open(&[Source::Path(folder.to_owned())]).expect("images");
    Stimuli::new(images).expect("families")
}

/// V1 is the byte and its complement at one location; V2 is the square of the
/// byte at two locations, the second half as strong, and a silent channel.
#[expect(clippy::unnecessary_wraps, reason = "as a model's")]
fn features(images: &[RgbImage]) -> Result<[FeatureMap; 2], EvaluatedModelError> {
    let bytes: Vec<f32> =
        images.iter().map(|image| f32::from(image.get_pixel(3, 3).0[0])).collect();
    let n = images.len();
    let v1 = bytes.iter().flat_map(|&b| [b, 256.0 - b]).collect();
    let v2 = bytes.iter().flat_map(|&b| [b * b, 0.0, b * b / 2.0, 0.0]).collect();
    Ok([FeatureMap { n, h: 1, w: 1, c: 2, data: v1 }, FeatureMap { n, h: 1, w: 2, c: 2, data: v2 }])
}

fn options() -> Options {
    Options { side: SIDE, units: Units::Channel, seed: 0, ranking: None, against: None }
}

fn evaluate(folder: &Path, options: &Options) -> Result<TextureModulation, TextureError> {
    modulation_of("known", &stimuli(folder), options, features, &mut ())
}

/// Mean over two samples of the square of a byte.
fn square(byte: f64) -> f64 {
    byte.mul_add(byte, 1.0)
}

#[test]
fn files_become_the_json_that_others_read() {
    let folder = tempfile::tempdir().expect("a folder");
    write_families(folder.path(), &[("a", 192, 64), ("b", 64, 64), ("c", 100, 50)]);
    let found = evaluate(folder.path(), &options()).expect("a result");
    let json: Value = serde_json::to_value(&found).expect("JSON");
    let near = |value: &Value, expected: f64| {
        let value = value.as_f64().expect("a number");
        assert!((value - expected).abs() < ROUNDING, "{value} {expected}");
    };
    // V1: the byte gives 1/2, 0 and 1/3, its complement -1/2, 0 and -50/362.
    let v1 = [0.0, 0.0, (1.0 / 3.0 - 50.0 / 362.0) / 2.0];
    for (family, expected) in ["a", "b", "c"].into_iter().zip(v1) {
        near(&json["v1"]["r_mod_by_family"][family], expected);
    }
    near(&json["v1"]["r_mod_mean"], v1[2] / 3.0);
    near(&json["v1"]["r_mod_by_unit"][0], (0.5 + 1.0 / 3.0) / 3.0);
    // V2: locations are averaged, the silent channel is left out.
    let index = |t: f64, n: f64| modulation_index(square(t), square(n)).unwrap_or(f64::NAN);
    near(&json["v2"]["r_mod_by_family"]["c"], index(100.0, 50.0));
    near(&json["v2"]["r_mod_mean"], (index(192.0, 64.0) + index(100.0, 50.0)) / 3.0);
    assert_eq!(json["v2"]["r_mod_by_unit"][1], Value::Null);
    assert_eq!(json["v2"]["r_mod_by_unit"].as_array().map(Vec::len), Some(2));
    assert_eq!((&json["v2"]["silent_units"], &json["images"]), (&1.into(), &12.into()));
    let both = &json["v2_minus_v1"];
    near(&both["mean"], (index(192.0, 64.0) + index(100.0, 50.0)) / 3.0 - v1[2] / 3.0);
    // Both areas are unmodulated by b.
    assert_eq!((&both["larger"], &both["families"]), (&2.into(), &3.into()));
    assert!(both["over_families"]["low"].as_f64() < both["over_families"]["high"].as_f64());
    let interval = &json["v2"]["r_mod_mean_interval"]["over_families"];
    assert!(interval["low"].as_f64() < interval["high"].as_f64());
    assert!(found.notes().iter().any(|note| note.starts_with("V2: 1 of 2 units respond to no")));
    assert!(found.page().contains("Mean index of each family"));
}

#[test]
fn locations_are_units_of_their_own() {
    let folder = tempfile::tempdir().expect("a folder");
    write_families(folder.path(), &[("a", 192, 64), ("b", 64, 64)]);
    let options = Options { units: Units::Location, ..options() };
    let found = evaluate(folder.path(), &options).expect("a result");
    assert_eq!((found.v1.r_mod_by_unit.len(), found.v2.r_mod_by_unit.len()), (2, 4));
    let half = modulation_index(square(192.0), square(64.0)).map(|index| index / 2.0);
    for (unit, expected) in found.v2.r_mod_by_unit.iter().zip([half, None, half, None]) {
        let same = unit.zip(expected).map(|(unit, expected)| (unit - expected).abs() < ROUNDING);
        assert!(same.unwrap_or(unit.is_none() && expected.is_none()), "{unit:?} {expected:?}");
    }
}

#[test]
fn a_model_is_compared_with_another_and_with_a_ranking() {
    let folder = tempfile::tempdir().expect("a folder");
    let families = [("im60", 200, 50), ("im56", 150, 50), ("im13", 100, 50), ("im48", 60, 50)];
    write_families(folder.path(), &families);
    let other = evaluate(folder.path(), &options()).expect("a result");
    assert_eq!(other.v2.ranking.as_ref().and_then(|ranking| ranking.rho), Some(1.0));

    let out = tempfile::tempdir().expect("a folder");
    let path = out.path().join("texture.json");
    fs::write(&path, serde_json::to_vec(&other).expect("JSON")).expect("a file");
    let against = Against::read_json(&path).expect("an earlier result");
    assert_eq!(against, Against::of(&other));
    let options = Options { against: Some(against), ..options() };
    let found = evaluate(folder.path(), &options).expect("a result");
    let v2 = found.v2.against.as_ref().expect("a comparison");
    assert_eq!((v2.rho, v2.families, v2.quantiles.len()), (Some(1.0), 4, 101));
    assert!(v2.quantiles.iter().all(|[ours, theirs]| (ours - theirs).abs() < ROUNDING));
    let gain = found.gain.as_ref().expect("both areas of both");
    assert_eq!((gain.mean, gain.larger, gain.families), (0.0, 0, 4));
    assert!(found.notes().iter().any(|note| note.starts_with("The gain is V2 − V1")));
    assert_eq!(found.fisher_tests.len(), 3);
    assert_eq!(found.fisher_tests[2].second, "V2 of known");
    // Correlations of 1 have no finite Fisher transform.
    assert_eq!(found.fisher_tests[2].p, None);
    assert!(found.page().contains("Quantile by quantile"));
}

#[test]
fn a_damaged_model_or_image_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    write_families(folder.path(), &[("a", 192, 64)]);
    let damaged = |images: &[RgbImage]| {
        let mut maps = features(images)?;
        maps[1].data[0] = f32::NAN;
        Ok(maps)
    };
    let error = modulation_of("damaged", &stimuli(folder.path()), &options(), damaged, &mut ())
        .expect_err("NaN")
        .to_string();
    assert!(error.contains("V2 of") && error.contains("not finite"), "{error}");
    fs::write(folder.path().join(format!("tex-{SIDE}-a-smp1.png")), b"none").expect("a file");
    let error = anyhow::Error::from(evaluate(folder.path(), &options()).expect_err("no image"));
    let line = format!("{error:#}");
    assert_eq!(line.matches("tex-16-a-smp1.png").count(), 1, "{line}");
    assert!(line.contains("every sample"), "{line}");
}

#[test]
fn a_ranking_of_other_families_is_an_error_before_anything_is_computed() {
    let folder = tempfile::tempdir().expect("a folder");
    write_families(folder.path(), &[("a", 192, 64), ("b", 64, 64)]);
    let ranking = Ranking { name: "order.txt".to_owned(), families: vec!["z".to_owned()] };
    let options = Options { ranking: Some(ranking), ..options() };
    let never = |_: &[RgbImage]| unreachable!("no feature is needed");
    let error = modulation_of("known", &stimuli(folder.path()), &options, never, &mut ())
        .expect_err("no family in common")
        .to_string();
    assert!(error.contains("order.txt") && error.contains("0 families in common"), "{error}");
}

#[test]
fn images_of_another_size_are_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    write_families(folder.path(), &[("a", 192, 64)]);
    let options = Options { side: 20, ..options() };
    let found = evaluate(folder.path(), &options).expect("a result");
    assert_eq!(found.resized_images, 4);
    assert!(found.notes().iter().any(|note| note.starts_with("4 of 4 images are not 20x20")));
}

#[test]
fn noise_that_was_made_completes_a_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let noise = tempfile::tempdir().expect("a folder");
    for sample in 1..=2_u32 {
        let texture = |x: u32, y: u32| Rgb([if (x * sample + y) % 5 < 2 { 150 } else { 110 }; 3]);
        let image = RgbImage::from_fn(SIDE, SIDE, texture);
        image.save(folder.path().join(format!("tex-{SIDE}-im9-smp{sample}.png"))).expect("a file");
    }
    let images = |of: &[&Path]| {
        let sources: Vec<Source> = of.iter().map(|path| Source::Path((*path).to_owned())).collect();
        ImageSet::open(&sources).expect("images")
    };
    let made = make_noise(&images(&[folder.path()]), noise.path(), 0, &mut ()).expect("noise");
    assert_eq!((made.images, made.other_images, made.uniform_images), (2, 0, 0));
    assert_eq!(made.tables()[0].rows.len(), 4);
    let both = Stimuli::new(images(&[folder.path(), noise.path()])).expect("a family");
    assert_eq!((both.families[0].name.as_str(), both.len()), ("9", 4));

    let read =
        || fs::read(noise.path().join(format!("noise-{SIDE}-im9-smp02.png"))).expect("a file");
    let first = read();
    make_noise(&images(&[folder.path()]), noise.path(), 0, &mut ()).expect("noise");
    assert_eq!(first, read());
    make_noise(&images(&[folder.path()]), noise.path(), 1, &mut ()).expect("noise");
    assert_ne!(first, read());
    let error = make_noise(&images(&[noise.path()]), noise.path(), 0, &mut ()).expect_err("noise");
    assert!(error.to_string().contains("tex-SIZE"), "{error}");
}
