//! Simulated populations, and the evaluation from files to figures.

use std::{
    fs,
    io::{Cursor, Write},
    path::Path,
};

use image::{Rgb, RgbImage};
use npyz::WriterBuilder;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal, StandardNormal};
use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;
use crate::{Findings, steerable_pyramid::steerable_pyramid};
use lcl_images::Source;

/// Returns a `.npy` file.
pub(super) fn npy(shape: &[usize], values: &[f64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let shape: Vec<u64> = shape.iter().map(|&length| length as u64).collect();
    let options = npyz::WriteOptions::<f64>::new().default_dtype().shape(&shape);
    let mut writer = options.writer(&mut bytes).begin_nd().expect("a header");
    writer.extend(values.iter().copied()).expect("values");
    writer.finish().expect("as many values as the shape holds");
    bytes
}

/// Returns a `.npy` file of strings.
pub(super) fn npy_strings(strings: &[&str]) -> Vec<u8> {
    let width = strings.iter().map(|string| string.len()).max().unwrap_or(0);
    let mut bytes = Vec::new();
    let dtype = npyz::DType::Plain(format!("|S{width}").parse().expect("a type"));
    let options = npyz::WriteOptions::<[u8]>::new().dtype(dtype).shape(&[strings.len() as u64]);
    let mut writer = options.writer(&mut bytes).begin_nd().expect("a header");
    for string in strings {
        writer.push(string.as_bytes()).expect("a string");
    }
    writer.finish().expect("as many strings as the shape holds");
    bytes
}

/// Returns a `.npz` file.
pub(super) fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        archive.start_file(format!("{name}.npy"), SimpleFileOptions::default()).expect("a member");
        archive.write_all(bytes).expect("a member");
    }
    archive.finish().expect("an archive").into_inner()
}

/// Random gratings under noise, 128×128 pixels.
fn images(count: usize, random: &mut ChaCha8Rng) -> Vec<RgbImage> {
    let image = |random: &mut ChaCha8Rng| {
        let waves: Vec<[f64; 4]> = (0..3)
            .map(|_| {
                let [angle, phase] =
                    [0; 2].map(|_| random.random_range(0.0..std::f64::consts::TAU));
                let frequency = 0.4 * 2.0_f64.powf(random.random_range(-3.0..0.0));
                let contrast = random.random_range(5.0..35.0);
                [frequency * angle.cos(), frequency * angle.sin(), phase, contrast]
            })
            .collect();
        RgbImage::from_fn(128, 128, |x, y| {
            let (x, y) = (f64::from(x), f64::from(y));
            let wave = |[u, v, phase, contrast]: &[f64; 4]| {
                contrast * (std::f64::consts::TAU * (u * x + v * y) + phase).cos()
            };
            let value = 128.0 + waves.iter().map(wave).sum::<f64>();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a byte")]
            Rgb([value.clamp(0.0, 255.0) as u8; 3])
        })
    };
    (0..count).map(|_| image(random)).collect()
}

/// A population whose neurons respond to images with these drives, each of
/// variance 1, under independent Gaussian noise of that variance for each trial.
fn population(drives: &[Vec<f64>], repetitions: usize, noise: f64, seed: u64) -> Responses {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let normal = Normal::new(0.0, noise.sqrt()).expect("a variance");
    let drives: Vec<Vec<f64>> = drives.iter().map(|drive| standardised(drive)).collect();
    let stimuli = drives[0].len();
    let mut trials = Vec::new();
    for stimulus in 0..stimuli {
        for _ in 0..repetitions {
            trials.extend(drives.iter().map(|drive| drive[stimulus] + normal.sample(&mut random)));
        }
    }
    Responses { stimuli: Stimuli::InOrder(stimuli), repetitions, neurons: drives.len(), trials }
}

fn standardised(values: &[f64]) -> Vec<f64> {
    use lcl_numerics::statistics::{mean, standard_deviation};
    let (mean, deviation) = (mean(values), standard_deviation(values, 0));
    let (mean, deviation) = (mean.expect("values"), deviation.expect("values"));
    values.iter().map(|value| (value - mean) / deviation).collect()
}

fn score(features: &[f32], responses: &Responses) -> AreaScore {
    let stimuli = responses.stimuli.len();
    let (neurons, _) = responses.usable();
    let means = responses.means(&neurons);
    let ceiling = Ceiling::new(&responses.reliability(&neurons, 10, 1)).expect("a ceiling");
    let splits = stratified_splits(&vec![""; stimuli], 10, 1).expect("splits");
    let pls = Pls::default();
    let experiment = Experiment { responses: &means, ceiling: &ceiling, splits: &splits, pls };
    let gram = gram_matrix(features, stimuli);
    experiment.score("V1", &gram, features.len() / stimuli).expect("a score")
}

/// Linear, energy and normalised neurons over one pyramid: each drive is a
/// function of the moduli of a few channels at a few places.
fn drives(v1: &[f32], stimuli: usize, random: &mut ChaCha8Rng) -> [Vec<Vec<f64>>; 3] {
    let width = v1.len() / stimuli;
    let channels = crate::steerable_pyramid::CHANNELS;
    let mut kinds = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..12 {
        // Scales of 4 to 16 pixels a cycle, whose energy the images have.
        let channel = random.random_range(4..12);
        let place = random.random_range(0..width / channels) * channels;
        let pixel =
            |stimulus: usize, channel: usize| f64::from(v1[stimulus * width + place + channel]);
        let of = |drive: &dyn Fn(usize) -> f64| (0..stimuli).map(drive).collect::<Vec<f64>>();
        kinds[0].push(of(&|s| pixel(s, channel)));
        kinds[1].push(of(&|s| pixel(s, 40 + channel).powi(2)));
        let pool = |s: usize| (40..60).map(|other| pixel(s, other).powi(2)).sum::<f64>();
        kinds[2].push(of(&|s| pixel(s, 40 + channel).powi(2) / (0.05 + pool(s))));
    }
    kinds
}

/// Responses that the features determine are predicted, under noise as without;
/// features that do not determine them predict nothing.
#[test]
fn simulated_populations_are_recovered() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let stimuli = 300;
    let images = images(stimuli, &mut random);
    let [v1, _] = steerable_pyramid(&images).expect("a pyramid");
    let pixels: Vec<f32> =
        images.iter().flat_map(|image| image.pixels()).map(|p| f32::from(p[0])).collect();
    let kinds = drives(&v1.data, stimuli, &mut random);
    // The noise of a trial has ten times the variance of the signal: the
    // reliability of 20 trials is 20 / (20 + 10).
    let noise = 10.0;
    for (kind, drives) in ["linear-nonlinear", "energy", "normalised"].iter().zip(&kinds) {
        let clean = score(&v1.data, &population(drives, 20, 0.0, 3));
        let noisy = score(&v1.data, &population(drives, 20, noise, 3));
        let of_pixels = score(&pixels, &population(drives, 20, 0.0, 3));
        let figures = format!("{kind}: {} {} {}", clean.r.value, noisy.r.value, of_pixels.r.value);
        assert!((clean.ceiling - 1.0).abs() < 1e-9, "{figures}");
        // The median of 12 neurons, each known to about 0.05 from 300 stimuli.
        assert!((noisy.ceiling - 2.0 / 3.0).abs() < 0.05, "{figures}");
        // r² / c makes up for the noise of the test, not of the fit.
        let explained = noisy.r_squared_over_c.value / clean.r_squared_over_c.value;
        assert!((0.6..1.1).contains(&explained), "{figures}: {explained}");
        let (least, most) = match *kind {
            // Phase matters to a half-rectified neuron, and pixels have it in part.
            "linear-nonlinear" => (0.4, 0.35),
            // A linear regression on pixels cannot square.
            _ => (0.8, 0.15),
        };
        assert!(clean.r.value > least && of_pixels.r.value < most, "{figures}");
    }
    let unrelated: Vec<Vec<f64>> = (0..12)
        .map(|_| (0..stimuli).map(|_| StandardNormal.sample(&mut random)).collect())
        .collect();
    let nothing = score(&v1.data, &population(&unrelated, 20, 1.0, 4));
    assert!(nothing.r.value.abs() < 0.12, "{}", nothing.r.value);
}

/// Images of textures and noise in a folder, and spike counts in the layout of
/// Freeman and Ziemba that follow one channel of the pyramid at one place.
fn recording(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let [cells, bins, repetitions, samples, types, families] = [6, 60, 4, 10, 2, 2];
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let images = images(samples * types * families, &mut random);
    let [v1, _] = steerable_pyramid(&images)?;
    let width = v1.data.len() / images.len();
    fs::create_dir(folder.join("stimuli"))?;
    for (stimulus, image) in images.iter().enumerate() {
        let kind = ["tex", "noise"][stimulus / families % types];
        let family = [327, 13][stimulus % families];
        let sample = stimulus / families / types + 1;
        image.save(folder.join(format!("stimuli/{kind}-128x128-im{family}-smp{sample}.png")))?;
    }
    let mut counts = Vec::new();
    for cell in 0..cells {
        for bin in 0..bins {
            for repetition in 0..repetitions {
                for stimulus in 0..images.len() {
                    let drive = f64::from(v1.data[stimulus * width + 60 * 300 + 44 + cell]);
                    let noise: f64 = random.random_range(0.0..0.2);
                    counts.push(match cell {
                        // Never fires.
                        4 => 0.0,
                        // Was lost after the first trial.
                        5 if repetition > 0 => f64::NAN,
                        _ if bin < 20 => 7.0,
                        _ => drive + noise,
                    });
                }
            }
        }
    }
    let shape = [cells, bins, repetitions, samples, types, families];
    let types = npy_strings(&["texture", "noise"]);
    let families = npy(&[2], &[327.0, 13.0]);
    let arrays = [("v1", npy(&shape, &counts)), ("families", families), ("types", types)];
    fs::write(folder.join("v1.npz"), npz(&arrays))?;
    Ok(())
}

fn options() -> NeuralOptions {
    let preparation = Preparation { size: 128, field: None };
    NeuralOptions {
        preparation,
        pls: Pls { components: 10, ..Pls::default() },
        ..Default::default()
    }
}

#[test]
fn files_become_figures() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    recording(folder.path())?;
    let set = ImageSet::open(&[Source::Path(folder.path().join("stimuli"))])?;
    let layout = Layout { window: "20-60".parse()?, ..Layout::default() };
    let responses = read_responses(&folder.path().join("v1.npz"), &layout)?;
    let model = EvaluatedModel::steerable_pyramid();
    let options = NeuralOptions { quartiles: true, ..options() };
    let found = neural(&model, &set, &responses, &options, &mut ())?;
    assert_eq!((found.stimuli, found.recorded, found.unused_images), (40, 6, 0));
    assert_eq!(found.neurons, [0, 1, 2, 3]);
    assert!(found.stratified && !found.in_order);
    let json = serde_json::to_value(&found)?;
    assert_eq!(json["excluded"]["silent"], serde_json::json!([4]));
    assert_eq!(json["excluded"]["too_few_trials"], serde_json::json!([5]));
    for area in ["v1", "v2"] {
        let score = &json[area];
        for key in ["r", "r_over_c_squared", "r_squared_over_c"] {
            assert!(score[key]["value"].is_f64() && score[key]["error"].is_f64(), "{area} {key}");
        }
        for key in ["ceiling", "median_r_squared_over_c_squared", "median_r_squared_over_c"] {
            assert!(score[key].is_f64(), "{area} {key}");
        }
        assert_eq!(score["r_by_neuron"].as_array().map(Vec::len), Some(4));
        assert_eq!(score["quartiles"]["neurons"], 1);
    }
    assert_eq!(json["v1"]["features"], 32 * 32 * 60);
    assert_eq!(json["v2"]["features"], 16 * 16 * 60);
    let notes = found.notes().join(" ");
    assert!(notes.contains("4 of 6 neurons") && notes.contains("1 that never fire"), "{notes}");
    assert_eq!(found.tables().len(), 2);
    assert!(found.page().contains("neuron 3: c "));

    // The same again, and one area alone.
    let alone = NeuralOptions { areas: [true, false], ..options.clone() };
    let again = neural(&model, &set, &responses, &alone, &mut ())?;
    assert_eq!((again.v1, again.v2), (found.v1, None));
    Ok(())
}

#[test]
fn what_cannot_be_fitted_is_an_error() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    recording(folder.path())?;
    let set = ImageSet::open(&[Source::Path(folder.path().join("stimuli"))])?;
    let layout = Layout { window: "20-60".parse()?, ..Layout::default() };
    let responses = read_responses(&folder.path().join("v1.npz"), &layout)?;
    let model = EvaluatedModel::steerable_pyramid();
    let error = |responses: &Responses, options: &NeuralOptions| {
        neural(&model, &set, responses, options, &mut ()).expect_err("an error").to_string()
    };
    let many = NeuralOptions { pls: Pls { components: 36, ..Pls::default() }, ..options() };
    assert!(error(&responses, &many).contains("and there are 36 of 40"));
    let lost = Responses { trials: vec![f64::NAN; responses.trials.len()], ..responses.clone() };
    assert!(error(&lost, &options()).contains("6 have fewer than two trials"));
    let small = NeuralOptions { preparation: Preparation { size: 96, field: None }, ..options() };
    assert!(error(&responses, &small).contains("v1-steerpyr takes images"));
    let fewer = Responses { stimuli: Stimuli::InOrder(39), ..responses.clone() };
    assert!(error(&fewer, &options()).contains("39 stimuli and 40 images"));
    fs::remove_file(folder.path().join("stimuli/tex-128x128-im13-smp3.png"))?;
    let set = ImageSet::open(&[Source::Path(folder.path().join("stimuli"))])?;
    let missing = neural(&model, &set, &responses, &options(), &mut ()).expect_err("no image");
    assert!(missing.to_string().contains("1 of 40 stimuli have no image, such as tex-*-im13-smp3"));
    Ok(())
}
