use rand::Rng;

use super::*;
use crate::model::tensor;
use lcl_artefacts::{
    random::{Purpose, stream},
    recogniser::DesignName,
};
use lcl_infer::{PoolOrder, shape::reflect};

/// A map, `[C, H, W]`, in f64.
struct Map {
    c: usize,
    side: usize,
    values: Vec<f64>,
}

impl Map {
    fn at(&self, c: usize, y: usize, x: usize) -> f64 {
        self.values[(c * self.side + y) * self.side + x]
    }
}

/// Draws weights, with batch norms that change something.
fn drawn(name: DesignName, side: usize) -> Recogniser {
    let design = name.design(PoolOrder::MaxBlur, 3);
    let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
    let mut recogniser = Recogniser::initial(design, classes, InputConfig::default(), side, 5);
    for (at, (name, values)) in recogniser.weights.iter_mut().enumerate() {
        if name.contains(".bn.") {
            let mut rng = stream(1, Purpose::Weights, [at as u64, 9]);
            let range = if name.ends_with("running_var") || name.ends_with("weight") {
                0.3..1.5
            } else {
                -0.3..0.3
            };
            for value in values.iter_mut() {
                *value = rng.random_range(range.clone());
            }
        }
    }
    recogniser
}

/// The network as loops over its definition.
fn literal(recogniser: &Recogniser, mut map: Map) -> Vec<f64> {
    for layer in &recogniser.design.layers {
        map = match layer.kind {
            DesignKind::Conv(conv) => convolution(recogniser, layer, conv, &map),
            DesignKind::Pool(_) => max_blur(&map),
            DesignKind::MaxPool { side, stride } => windows(&map, side, stride),
            DesignKind::Average { side } => average(&map, side),
            DesignKind::Dropout => map,
            DesignKind::Linear(linear) => {
                let weights = recogniser.tensor(&format!("{}.weight", layer.name));
                let bias = recogniser.tensor(&format!("{}.bias", layer.name));
                let sums = (0..linear.outputs).map(|output| {
                    let mut sum = f64::from(bias[output]);
                    for (at, value) in map.values.iter().enumerate() {
                        sum += f64::from(weights[output * linear.inputs + at]) * value;
                    }
                    let y =
                        if linear.norm { normalised(recogniser, layer, output, sum) } else { sum };
                    if linear.relu { y.max(0.0) } else { y }
                });
                Map { c: linear.outputs, side: 1, values: sums.collect() }
            }
        };
    }
    map.values
}

fn normalised(recogniser: &Recogniser, layer: &DesignLayer, channel: usize, sum: f64) -> f64 {
    let [_, bn] = layer.prefixes();
    let of = |part: &str| f64::from(recogniser.tensor(&format!("{bn}.{part}"))[channel]);
    let deviation = (of("running_var") + 1e-5).sqrt();
    (sum - of("running_mean")) / deviation * of("weight") + of("bias")
}

fn convolution(recogniser: &Recogniser, layer: &DesignLayer, conv: DesignConv, map: &Map) -> Map {
    let weights = recogniser.tensor(&format!("{}.weight", layer.name));
    let bias = recogniser.tensor(&format!("{}.bias", layer.name));
    let side = (map.side + 2 * conv.padding - conv.kernel) / conv.stride + 1;
    let place = |padded: usize| match conv.border {
        Border::Reflect => Some(reflect(padded, conv.padding, map.side)),
        Border::Zero => padded.checked_sub(conv.padding).filter(|&at| at < map.side),
    };
    let mut values = Vec::new();
    for (oc, bias) in bias.iter().enumerate() {
        for y in 0..side {
            for x in 0..side {
                let mut sum = f64::from(*bias);
                for c in 0..conv.in_c {
                    for ky in 0..conv.kernel {
                        let Some(row) = place(y * conv.stride + ky) else { continue };
                        for kx in 0..conv.kernel {
                            let Some(column) = place(x * conv.stride + kx) else { continue };
                            let at = ((oc * conv.in_c + c) * conv.kernel + ky) * conv.kernel + kx;
                            sum += f64::from(weights[at]) * map.at(c, row, column);
                        }
                    }
                }
                let y = if conv.norm { normalised(recogniser, layer, oc, sum) } else { sum };
                values.push(y.max(0.0));
            }
        }
    }
    Map { c: conv.out_c, side, values }
}

/// The maximum over 3×3 at stride 1, then `[1 2 1] ⊗ [1 2 1] / 16` at stride 2,
/// zeros around both: there is nothing below 0.
fn max_blur(map: &Map) -> Map {
    let inside = |at: usize| at.checked_sub(1).filter(|&at| at < map.side);
    let largest = |c: usize, y: usize, x: usize| {
        let mut largest = 0.0_f64;
        for ky in 0..3 {
            for kx in 0..3 {
                if let (Some(y), Some(x)) = (inside(y + ky), inside(x + kx)) {
                    largest = largest.max(map.at(c, y, x));
                }
            }
        }
        largest
    };
    let side = map.side.div_ceil(2);
    let mut values = Vec::new();
    for c in 0..map.c {
        for y in 0..side {
            for x in 0..side {
                let mut sum = 0.0;
                for (ky, a) in [1.0, 2.0, 1.0].into_iter().enumerate() {
                    for (kx, b) in [1.0, 2.0, 1.0].into_iter().enumerate() {
                        if let (Some(y), Some(x)) = (inside(2 * y + ky), inside(2 * x + kx)) {
                            sum += a * b * largest(c, y, x) / 16.0;
                        }
                    }
                }
                values.push(sum);
            }
        }
    }
    Map { c: map.c, side, values }
}

fn windows(map: &Map, window: usize, stride: usize) -> Map {
    let side = (map.side - window) / stride + 1;
    let mut values = Vec::new();
    for c in 0..map.c {
        for y in 0..side {
            for x in 0..side {
                let cells = (0..window * window).map(|at| (at / window, at % window));
                let values_in = cells.map(|(ky, kx)| map.at(c, y * stride + ky, x * stride + kx));
                values.push(values_in.fold(f64::NEG_INFINITY, f64::max));
            }
        }
    }
    Map { c: map.c, side, values }
}

/// Cell `y` is the mean of rows `⌊y H / side⌋` to `⌈(y + 1) H / side⌉`.
fn average(map: &Map, side: usize) -> Map {
    let range = |at: usize| at * map.side / side..((at + 1) * map.side).div_ceil(side);
    let mut values = Vec::new();
    for c in 0..map.c {
        for y in 0..side {
            for x in 0..side {
                let mut sum = 0.0;
                for row in range(y) {
                    for column in range(x) {
                        sum += map.at(c, row, column);
                    }
                }
                values.push(sum / (range(y).len() * range(x).len()) as f64);
            }
        }
    }
    Map { c: map.c, side, values }
}

#[track_caller]
fn check(name: DesignName, side: usize) -> Result<(), ModelError> {
    let recogniser = drawn(name, side);
    let network = RecogniserNetwork::new(&recogniser, Device::Cpu, Precision::Float32)?;
    let image: Vec<f32> =
        (0..3 * side * side).map(|at| ((at * 37 % 101) as f32 * 0.31).sin()).collect();
    let x = tensor(&image, &[1, 3, side, side], Device::Cpu)?;
    let got = values(&network.scores(&x, Mode::Evaluation)?)?;
    let values = image.iter().map(|&value| f64::from(value)).collect();
    let expected = literal(&recogniser, Map { c: 3, side, values });
    let largest = expected.iter().fold(0.0, |most, value| f64::max(most, value.abs()));
    assert!(largest > 0.01, "{expected:?}");
    for (got, expected) in got.into_iter().zip(&expected) {
        assert!((f64::from(got) - expected).abs() < 1e-4 * largest.max(1.0), "{got} {expected}");
    }
    Ok(())
}

#[test]
fn the_small_network_is_the_one_of_its_definition() -> Result<(), ModelError> {
    check(DesignName::LclV2netSmall, 65)
}

#[test]
fn alexnet_is_the_one_of_its_definition() -> Result<(), ModelError> {
    check(DesignName::Alexnet, 63)
}
