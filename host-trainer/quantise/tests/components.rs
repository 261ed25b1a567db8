//! Components of a V1 in integers against float: signal over noise at their
//! taps, where float is a literal loop in f64.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::manual_midpoint,
    reason = "literal loops, whose numbers are small"
)]

use lcl_infer::{
    Architecture, ConvGeometry, Frontend, ImageSize, InputFormat, LCL_V2, Layer, LayerKind, Name,
    parameters::{Channel, Requant},
    shape::{Border, NormGeometry, RetinaOutput, reflect},
};
use lcl_quantise::{
    ConvInput, FloatNorm, FloatRetina, FloatRun, InputChannel, Moments, QuantiseError,
    QuantisedConv, QuantisedModel, fovea, on_off, quantise_conv, quantise_norm, quantise_opponent,
    quantise_retina, quantise_runs,
};

/// What every component keeps at least.
const LEAST_DB: f64 = 38.0;

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// `SplitMix64`, as a number in 0 to 1.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Returns an image of soft blobs under some noise, `[side, side, 3]`.
fn image(side: usize) -> Vec<u8> {
    let mut random = Random(5);
    let waves: Vec<[f64; 4]> = (0..12)
        .map(|_| [0.9 * random.unit(), 0.9 * random.unit(), 6.3 * random.unit(), random.unit()])
        .collect();
    let mut bytes = Vec::new();
    for y in 0..side {
        for x in 0..side {
            for c in 0..3 {
                let wave = |[fy, fx, phase, tint]: &[f64; 4]| {
                    (fy * y as f64 + fx * x as f64 + phase + tint * f64::from(c)).sin()
                };
                let sum: f64 = waves.iter().map(wave).sum();
                let value = 115.0 + 26.0 * sum + 12.0 * (random.unit() - 0.5);
                bytes.push(value.round().clamp(0.0, 255.0) as u8);
            }
        }
    }
    bytes
}

/// Runs a model of these layers, of which the last is tapped.
fn run(
    kinds: &[LayerKind],
    fill: impl FnOnce(&mut QuantisedModel),
    side: usize,
    image: &[u8],
) -> Vec<u8> {
    let last = kinds.len() - 1;
    let layers = kinds.iter().enumerate().map(|(at, &kind)| Layer {
        name: name(&format!("layer{at}")),
        tap: (at == last).then(|| name("V1")),
        kind,
    });
    let layers: Vec<_> = layers.collect();
    let architecture = Architecture::new(InputFormat::Rgb888, &layers).expect("they fit");
    let mut model = QuantisedModel::of_convolutions(architecture, Vec::new());
    fill(&mut model);
    let file = model.to_blob().expect("it opens");
    let blob = file.open().expect("it opens");
    let mut memory = vec![0; blob.memory_len(side)];
    let mut frontend =
        Frontend::new(&blob, ImageSize::square(side), &mut memory).expect("it streams");
    let mut map = vec![0; frontend.features_len(name("V1"))];
    frontend.run_frame(image, |row| row.copy_to(&mut map)).expect("a frame");
    map
}

#[track_caller]
fn check(expected: &[f64], got: &[u8], scale: impl Fn(usize) -> f64, what: &str) {
    assert_eq!(expected.len(), got.len());
    let mut noise = 0.0;
    for (at, (expected, &got)) in expected.iter().zip(got).enumerate() {
        noise += (expected - scale(at) * f64::from(got)).powi(2);
    }
    let signal: f64 = expected.iter().map(|value| value * value).sum();
    let sqnr_db = 10.0 * (signal / noise).log10();
    println!("{what}: {sqnr_db:.1} dB");
    assert!(sqnr_db >= LEAST_DB, "{what}: {sqnr_db:.1} dB");
}

const CHANNELS: usize = 64;

/// Returns a convolution 3 → 64 of random integers, and what it gives for an
/// image before bytes round it, `[side, side, 64]`.
fn features(side: usize, image: &[u8]) -> (ConvGeometry, QuantisedConv, Vec<f64>) {
    let conv = ConvGeometry::new(3, CHANNELS, 3, 1, 1).expect("valid");
    let mut random = Random(7);
    let weights: Vec<i8> =
        (0..conv.weights_len()).map(|_| (254.0 * random.unit() - 127.0) as i8).collect();
    let requant = Requant::new(3 << 29, 31 + 8).expect("in range");
    let channels: Vec<Channel> =
        (0..CHANNELS).map(|_| Channel { bias: (8000.0 * random.unit()) as i32, requant }).collect();
    let output_scale: Vec<f32> =
        (0..CHANNELS).map(|_| (0.004 + 0.02 * random.unit()) as f32).collect();
    let mut real = Vec::new();
    for y in 0..side {
        for x in 0..side {
            for oc in 0..CHANNELS {
                let mut sum = f64::from(channels[oc].bias);
                for (ky, kx, c) in (0..27).map(|tap| (tap / 9, tap / 3 % 3, tap % 3)) {
                    let [row, column] = [y + ky, x + kx].map(|at| reflect(at, 1, side));
                    let value = image[(row * side + column) * 3 + c];
                    let weight = weights[oc * 27 + (ky * 3 + kx) * 3 + c];
                    sum += f64::from(weight) * f64::from(value);
                }
                let scaled = (sum * 0.75 / 256.0).clamp(0.0, 255.0);
                real.push(scaled * f64::from(output_scale[oc]));
            }
        }
    }
    (conv, QuantisedConv { conv, weights, channels, output_scale, silent: Vec::new() }, real)
}

/// Checks a normalisation behind the convolution.
fn check_norm(float: &FloatNorm, what: &str) {
    let (side, n) = (12, CHANNELS);
    let image = image(side);
    let (conv, quantised, real) = features(side, &image);
    let kernel = float.norm.kernel();
    let mut expected = Vec::new();
    for y in 0..side {
        for x in 0..side {
            for i in 0..n {
                let mut denominator = float.bias[i];
                for ky in 0..kernel {
                    for kx in 0..kernel {
                        let row = (y + ky).checked_sub(kernel / 2).filter(|&row| row < side);
                        let column = (x + kx).checked_sub(kernel / 2).filter(|&x| x < side);
                        let Some((row, column)) = row.zip(column) else { continue };
                        for j in 0..n {
                            denominator += float.weights[((i * kernel + ky) * kernel + kx) * n + j]
                                * real[(row * side + column) * n + j];
                        }
                    }
                }
                expected.push(real[(y * side + x) * n + i] / denominator);
            }
        }
    }
    let largest: Vec<f64> = (0..n)
        .map(|c| expected.iter().skip(c).step_by(n).fold(1e-6, |most, &y| f64::max(most, y)))
        .collect();
    let norm = quantise_norm(name("norm1"), float, &quantised.output_scale, &largest);
    let norm = norm.expect("it can be expressed");
    let scale = norm.output_scale.clone();
    let kinds = [LayerKind::Conv(conv), LayerKind::Norm(float.norm)];
    let got = run(
        &kinds,
        |model| (model.convolutions, model.norms) = (vec![quantised], vec![norm]),
        side,
        &image,
    );
    check(&expected, &got, |at| f64::from(scale[at % n]), what);
}

#[test]
fn tuned_normalisation() {
    let n = CHANNELS;
    let mut random = Random(9);
    let mut g = vec![0.0; n * n];
    for j in 0..n {
        let sigma = f64::max(0.5, random.unit() + n as f64 / 8.0);
        for i in 0..n {
            let d = (((j + n - i) % n) as f64 - (n / 2) as f64).abs();
            g[i * n + j] = (-d * d / (2.0 * sigma * sigma)).exp() / (2.5066 * sigma);
        }
    }
    for j in 0..n {
        let sum: f64 = (0..n).map(|i| g[i * n + j]).sum();
        for i in 0..n {
            g[i * n + j] /= sum;
        }
    }
    let norm = NormGeometry::new(n, 1, Border::Zero).expect("valid");
    check_norm(&FloatNorm { norm, weights: g, bias: vec![1.0; n] }, "tuned normalisation");
}

#[test]
fn standard_divisive_normalisation() {
    let n = CHANNELS;
    let mut random = Random(11);
    let mut weights = vec![0.0; n * n * 9];
    for pair in 0..n * n {
        let (amplitude, rho, sigma) = (random.unit(), random.unit() + 1.0, random.unit() + 1.0);
        let theta = std::f64::consts::TAU * random.unit();
        let (v, w) = (1.0 + random.unit(), 1.0 + random.unit());
        let peak = amplitude / f64::max(std::f64::consts::TAU * rho * sigma, 0.1);
        for tap in 0..9 {
            let (x, y) = ((tap / 3 + 1) as f64, (tap % 3 + 1) as f64);
            let across = x * theta.cos() + y * theta.sin() - v;
            let along = -x * theta.sin() + y * theta.cos() - w;
            let exponent = across * across / f64::max(rho * rho, 0.1)
                + along * along / f64::max(sigma * sigma, 0.1);
            weights[(pair / n * 9 + tap) * n + pair % n] = peak * (-exponent / 2.0).exp();
        }
    }
    let norm = NormGeometry::new(n, 3, Border::Zero).expect("valid");
    let bias = vec![1.0 + random.unit(); n];
    check_norm(&FloatNorm { norm, weights, bias }, "standard divisive normalisation");
}

#[test]
fn foveas() {
    for (taken, given) in [(224, 48), (224, 64), (96, 48), (40, 40)] {
        let image = image(taken);
        let runs = fovea(taken, given).expect("smaller");
        let quantised = quantise_runs(name("fovea"), taken, &runs).expect("sound");
        let mut expected = Vec::new();
        for rows in &runs {
            for columns in &runs {
                for c in 0..3 {
                    let (mut sum, mut weights) = (0.0, 0.0);
                    for (y, row_weight) in (rows.start..).zip(&rows.weights) {
                        for (x, weight) in (columns.start..).zip(&columns.weights) {
                            let value = f64::from(image[(y * taken + x) * 3 + c]);
                            sum += row_weight * weight * value;
                            weights += row_weight * weight;
                        }
                    }
                    expected.push(sum / weights);
                }
            }
        }
        let kinds = [LayerKind::Resample(quantised.resample)];
        let got = run(&kinds, |model| model.resamplings.push(quantised), taken, &image);
        check(&expected, &got, |_| 1.0, &format!("fovea {taken} → {given}"));
    }
}

#[test]
fn a_fovea_covers_the_image_and_keeps_its_middle() {
    let runs = fovea(224, 48).expect("smaller");
    let ends: Vec<_> = runs.iter().map(|run| run.start + run.weights.len()).collect();
    assert_eq!((runs[0].start, ends[47]), (0, 224));
    for (at, run) in runs.iter().enumerate() {
        // The mirror image of the run on the other side.
        let other = &runs[47 - at];
        assert_eq!(run.start, 224 - other.start - other.weights.len(), "run {at}");
        let seen: f64 = run.weights.iter().sum();
        let least = (at as f64 - 23.5).abs();
        assert!(seen >= 0.99 && (least > 3.0 || seen < 1.5), "run {at} sees {seen}");
    }
    let seen: f64 = runs.iter().flat_map(|run| &run.weights).sum();
    assert!((seen - 224.0).abs() < 1e-3, "{seen}");
    assert!(fovea(40, 41).is_none() && fovea(4, 0).is_none());
}

#[test]
fn retinas() {
    let side = 48;
    let image = image(side);
    for output in RetinaOutput::ALL {
        let largest = if output == RetinaOutput::OnOff { 4.0 } else { 5.0 };
        let float = FloatRetina { output, shift: 3, dark: 0.01, largest };
        let retina = quantise_retina(name("retina"), &float).expect("in range");
        let alpha = 1.0 / 8.0;
        let x = |y: usize, x: usize, c: usize| f64::from(image[(y * side + x) * 3 + c]) / 255.0;
        let out_c = retina.out_c(3);
        let mut expected = vec![0.0; side * side * out_c];
        for c in 0..3 {
            let mut down: Vec<f64> = (0..side).map(|at| x(0, at, c)).collect();
            for y in 0..side {
                for (at, down) in down.iter_mut().enumerate() {
                    *down += alpha * (x(y, at, c) - *down);
                }
                let (mut right, mut left) = (down.clone(), down.clone());
                for at in 1..side {
                    right[at] = right[at - 1] + alpha * (down[at] - right[at - 1]);
                }
                for at in (0..side - 1).rev() {
                    left[at] = left[at + 1] + alpha * (down[at] - left[at + 1]);
                }
                for at in 0..side {
                    let mean = (right[at] + left[at]) / 2.0;
                    let value = x(y, at, c);
                    let place = (y * side + at) * out_c + c;
                    if output == RetinaOutput::Adapted {
                        expected[place] = value / (mean + 0.01);
                    } else {
                        let contrast = (value - mean) / (mean + 0.01);
                        expected[place] = contrast.max(0.0);
                        expected[place + 3] = (-contrast).max(0.0);
                    }
                }
            }
        }
        let got = run(&[LayerKind::Retina(retina)], |_| (), side, &image);
        assert!(expected.iter().all(|&value| value < largest), "the bytes clip");
        let gain = f64::from(retina.gain());
        check(&expected, &got, |_| 1.0 / gain, &format!("retina {}", output.name()));
    }
}

#[test]
fn colour_opponents() {
    let side = 40;
    let image = image(side);
    let retina = quantise_opponent(name("retina"), 1.6).expect("in range");
    let byte = |y: usize, x: usize, c: usize| f64::from(image[(y * side + x) * 3 + c]) / 255.0;
    let blurred = |taps: &[f64], y: usize, x: usize, of: &dyn Fn(usize, usize) -> f64| {
        let (padding, whole) = (taps.len() / 2, taps.iter().sum::<f64>());
        let mut sum = 0.0;
        for (ky, down) in taps.iter().enumerate() {
            for (kx, along) in taps.iter().enumerate() {
                let [row, column] = [y + ky, x + kx].map(|at| reflect(at, padding, side));
                sum += down * along * of(row, column);
            }
        }
        sum / (whole * whole)
    };
    let (centre, surround) = ([1.0, 2.0, 1.0], [1.0, 2.0, 2.0, 2.0, 1.0]);
    let light = |y, x| (byte(y, x, 0) + 2.0 * byte(y, x, 1) + byte(y, x, 2)) / 4.0;
    let mut contrasts = Vec::new();
    for (y, x) in (0..side * side).map(|at| (at / side, at % side)) {
        contrasts.push([
            blurred(&centre, y, x, &light) - blurred(&surround, y, x, &light),
            blurred(&centre, y, x, &|y, x| byte(y, x, 0))
                - blurred(&surround, y, x, &|y, x| byte(y, x, 1)),
            blurred(&centre, y, x, &|y, x| byte(y, x, 2))
                - blurred(&surround, y, x, &|y, x| (byte(y, x, 0) + byte(y, x, 1)) / 2.0),
        ]);
    }
    let energy = |y: usize, x: usize| -> f64 {
        contrasts[y * side + x].iter().map(|contrast: &f64| contrast.abs()).sum()
    };
    let mut expected = Vec::new();
    for (y, x) in (0..side * side).map(|at| (at / side, at % side)) {
        let d =
            blurred(&surround, y, x, &light) / 4.0 + blurred(&centre, y, x, &energy) + 1.0 / 255.0;
        for contrast in contrasts[y * side + x] {
            expected.extend([f64::max(contrast, 0.0) / d, f64::max(-contrast, 0.0) / d]);
        }
    }
    assert!(expected.iter().all(|&value| value < 1.6), "the bytes clip");
    let got = run(&[LayerKind::Opponent(retina)], |_| (), side, &image);
    let gain = f64::from(retina.gain());
    check(&expected, &got, |_| 1.0 / gain, "colour-opponent retina");
    assert!(quantise_opponent(name("retina"), 0.0).is_err());
    assert!(quantise_opponent(name("retina"), 256.0).is_err());
}

#[test]
fn centre_and_surround() {
    let side = 32;
    let image = image(side);
    let conv = ConvGeometry::new(3, 3, 5, 1, 2).expect("valid");
    // A difference of Gaussians of each channel, on white at 1.
    let mut weights = vec![0.0; conv.weights_len()];
    let gauss = |d: f64, sigma: f64| (-d / sigma).exp() / (std::f64::consts::PI * sigma);
    for (c, tap) in (0..3).flat_map(|c| (0..25).map(move |tap| (c, tap))) {
        let d = ((tap / 5) as f64 - 2.0).powi(2) + ((tap % 5) as f64 - 2.0).powi(2);
        weights[(c * 25 + tap) * 3 + c] = 2.0 * (gauss(d, 1.2) - gauss(d, 2.9));
    }
    let mut expected = vec![0.0; side * side * 6];
    for (y, x, c) in (0..side * side * 3).map(|at| (at / 3 / side, at / 3 % side, at % 3)) {
        let mut sum = 0.0;
        for tap in 0..25 {
            let [row, column] = [y + tap / 5, x + tap % 5].map(|at| reflect(at, 2, side));
            let value = f64::from(image[(row * side + column) * 3 + c]) / 255.0;
            sum += weights[(c * 25 + tap) * 3 + c] * value;
        }
        expected[(y * side + x) * 6 + c] = f64::max(sum, 0.0);
        expected[(y * side + x) * 6 + 3 + c] = f64::max(-sum, 0.0);
    }
    let white = InputChannel { scale: 1.0 / 255.0, offset: 0.0 };
    let folded = on_off(conv, &weights, &[white; 3]).expect("three channels");
    assert_eq!(folded.conv.out_c(), 6);
    let mut moments = Moments::new(folded.conv);
    let bytes: Vec<f32> = image.iter().map(|&byte| byte.into()).collect();
    moments.add(side, side, &bytes);
    let largest: Vec<_> =
        (0..6).map(|c| expected.iter().skip(c).step_by(6).copied().reduce(f64::max)).collect();
    let input = ConvInput { moments, seen: &[true; 3] };
    let quantised = quantise_conv(name("dog"), &folded, &largest, &input).expect("it fits");
    let scale = quantised.output_scale.clone();
    let kinds = [LayerKind::Conv(folded.conv)];
    let got = run(&kinds, |model| model.convolutions.push(quantised), side, &image);
    check(&expected, &got, |at| f64::from(scale[at % 6]), "centre and surround");
}

#[test]
fn a_foveated_model_sees_224_pixels_in_20_kib() {
    let convolutions = LCL_V2.convolutions().map(|conv| {
        let mut random = Random(3);
        let mut below = |end: f64| (end * random.unit()).floor();
        let requant = Requant::new(3 << 29, 31 + 13).expect("in range");
        let channels =
            (0..conv.out_c()).map(|_| Channel { bias: below(9000.0) as i32, requant }).collect();
        let weights = (0..conv.weights_len()).map(|_| (below(255.0) - 127.0) as i8).collect();
        let output_scale = vec![0.01; conv.out_c()];
        QuantisedConv { conv, weights, channels, output_scale, silent: Vec::new() }
    });
    let plain = QuantisedModel::of_convolutions(LCL_V2, convolutions.collect());
    for (given, kib) in [(48, 20), (64, 25)] {
        let foveated = plain.clone().foveated(224, given).expect("a fovea");
        let file = foveated.to_blob().expect("it opens");
        let blob = file.open().expect("it opens");
        assert_eq!((blob.min_image_side(), blob.max_image_side()), (224, 224));
        assert_eq!(foveated.resamplings[0].resample.overlap(), 2);
        let len = blob.memory_len(224);
        assert!(len <= kib * 1024, "{len}");
        println!("{given}: {len} bytes of memory, {} of blob", file.bytes().len());
        // Something to measure on boards.
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
        file.write(&folder.join(format!("fovea{given}.lcl"))).expect("written");
    }
    for (seen, given) in [(40, 48), (224, 0), (9000, 48)] {
        let error = plain.clone().foveated(seen, given).expect_err("no fovea");
        let known = matches!(error, QuantiseError::Fovea { .. } | QuantiseError::Run { .. });
        assert!(known, "{error}");
    }
}

#[test]
fn what_cannot_be_expressed_is_told() {
    let norm = NormGeometry::new(1, 1, Border::Zero).expect("valid");
    let of = |weight: f64, bias: f64| {
        let float = FloatNorm { norm, weights: vec![weight], bias: vec![bias] };
        quantise_norm(name("norm1"), &float, &[0.1], &[1.0]).map(|_| ())
    };
    let (layer, channel) = (name("norm1"), 0);
    assert_eq!(of(0.5, 1.0), Ok(()));
    for (weight, bias) in [(-0.1, 1.0), (0.1, 0.0), (0.1, -1.0), (f64::NAN, 1.0)] {
        assert_eq!(of(weight, bias), Err(QuantiseError::Denominator { layer, channel }));
    }
    assert!(matches!(of(1e9, 1e-9), Err(QuantiseError::Ratio { .. })));
    let layer = name("fovea");
    let run = |start, weights: &[f64]| FloatRun { start, weights: weights.to_vec() };
    for (runs, at) in [
        (vec![run(0, &[])], 0),
        (vec![run(0, &[0.0])], 0),
        (vec![run(3, &[1.0, 1.0])], 0),
        (vec![run(1, &[1.0]), run(0, &[1.0, 1.0])], 1),
        (vec![run(0, &[1.0, -1.0])], 0),
        (vec![], 0),
    ] {
        let error = quantise_runs(layer, 4, &runs).expect_err("no run");
        assert_eq!(error, QuantiseError::Run { layer, run: at });
    }
    let error = quantise_runs(layer, 4, &vec![run(0, &[1.0]); 9]).expect_err("too many");
    assert_eq!(error, QuantiseError::Overlap { layer, overlap: 9 });
    let float = FloatRetina { output: RetinaOutput::OnOff, shift: 9, dark: 0.01, largest: 1.0 };
    let layer = name("retina");
    assert_eq!(quantise_retina(layer, &float), Err(QuantiseError::Retina { layer }));
    let float = FloatRetina { shift: 3, dark: 0.0, ..float };
    assert_eq!(quantise_retina(layer, &float), Err(QuantiseError::Retina { layer }));
}
