//! The integers of one dense layer.

use lcl_infer::{
    Name,
    parameters::{Channel, MAX_SHIFT, MIN_MULTIPLIER, Requant, accumulator_bound},
    shape::{DenseGeometry, Sums},
};

use super::{QuantiseError, fold::InputChannel, requant_for_ratio};
use lcl_artefacts::checkpoint::BatchNormWeights;

/// One dense layer in the contract's integers.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantisedDense {
    /// Size of the layer.
    pub dense: DenseGeometry,
    /// `[outputs, inputs]`, in `[-127, 127]`.
    pub weights: Vec<i8>,
    /// Bias and requantisation, `[outputs]`.
    pub channels: Vec<Channel>,
    /// What one step of each output is worth, `[outputs]`.
    pub output_scale: Vec<f32>,
}

/// A dense layer in floats.
#[derive(Clone, Copy, Debug)]
pub struct FloatDense<'a> {
    /// `[outputs, inputs]`
    pub weight: &'a [f32],
    /// `[outputs]`
    pub bias: &'a [f32],
    /// The batch norm behind it.
    pub bn: Option<&'a BatchNormWeights>,
}

/// What a step of an output is worth, whose range is a share of the widest of its
/// layer at least: one that is hardly ever active needs no fine steps.
const LEAST_RANGE: f64 = 0.05;

/// Quantises a dense layer whose inputs are bytes that stand for `input`.
///
/// Weights are rounded to nearest. Where the sums become bytes, byte 255 stands
/// for `largest`, `[outputs]`, and each output has a scale of its own; where they
/// are handed out all outputs have one scale, so that the largest sum is the
/// largest score.
///
/// # Errors
///
/// When an output cannot be expressed in the contract's integers.
pub fn quantise_dense(
    layer: Name,
    dense: DenseGeometry,
    float: FloatDense<'_>,
    input: &[InputChannel],
    largest: &[f64],
) -> Result<QuantisedDense, QuantiseError> {
    let folded = folded(dense, float, input);
    for (channel, (filter, bias)) in folded.iter().enumerate() {
        if !(bias.is_finite() && filter.iter().all(|weight| weight.is_finite())) {
            return Err(QuantiseError::NotFinite { layer, channel });
        }
    }
    let magnitude = |filter: &[f64]| filter.iter().fold(0.0, |most, w| f64::max(most, w.abs()));
    let widest = folded.iter().map(|(filter, _)| magnitude(filter)).fold(0.0, f64::max);
    let widest_range = largest.iter().copied().fold(0.0, f64::max);
    let mut quantised = QuantisedDense {
        dense,
        weights: Vec::with_capacity(dense.outputs() * dense.inputs()),
        channels: Vec::with_capacity(dense.outputs()),
        output_scale: Vec::with_capacity(dense.outputs()),
    };
    for (channel, (filter, bias)) in folded.iter().enumerate() {
        let reach = match dense.sums() {
            Sums::Bytes => magnitude(filter),
            Sums::Words => widest,
        };
        let step = if reach > 0.0 { reach / 127.0 } else { 1.0 };
        let rounded: Vec<i8> = filter.iter().map(|weight| nearest(weight / step)).collect();
        let sum: i64 = rounded.iter().map(|weight| i64::from(weight.unsigned_abs())).sum();
        #[expect(clippy::cast_possible_truncation, reason = "the bound is checked below")]
        let bias = (bias / step).round().clamp(f64::from(i32::MIN), f64::from(i32::MAX)) as i32;
        let bound = accumulator_bound(bias, sum);
        if bound > i64::from(i32::MAX) {
            return Err(QuantiseError::Accumulator { layer, channel, bound });
        }
        let (requant, scale) = match dense.sums() {
            Sums::Words => (Requant::new(MIN_MULTIPLIER, MAX_SHIFT), step),
            Sums::Bytes => {
                let range = largest.get(channel).copied().unwrap_or_default();
                let range = range.max(LEAST_RANGE * widest_range);
                let scale = if range > 0.0 { range / 255.0 } else { step * 256.0 };
                (requant_for_ratio(step / scale), scale)
            }
        };
        let ratio = QuantiseError::Ratio { layer, channel, ratio: step / scale };
        quantised.channels.push(Channel { bias, requant: requant.ok_or(ratio)? });
        #[expect(clippy::cast_possible_truncation, reason = "scales are kept in 32 bits")]
        quantised.output_scale.push(scale as f32);
        quantised.weights.extend(rounded);
    }
    Ok(quantised)
}

/// Returns weights on bytes and bias of each output, with batch norm folded in.
fn folded(
    dense: DenseGeometry,
    float: FloatDense<'_>,
    input: &[InputChannel],
) -> Vec<(Vec<f64>, f64)> {
    let filters = float.weight.chunks_exact(dense.inputs()).zip(float.bias).enumerate();
    let folded = filters.map(|(output, (filter, &bias))| {
        let (gain, mean, offset) = float.bn.map_or((1.0, 0.0, 0.0), |bn| {
            let deviation = (f64::from(bn.running_var[output]) + BatchNormWeights::EPSILON).sqrt();
            let [weight, mean, bias] =
                [&bn.weight, &bn.running_mean, &bn.bias].map(|array| f64::from(array[output]));
            (weight / deviation, mean, bias)
        });
        let mut shift = f64::from(bias) - mean;
        let weights = filter.iter().zip(input).map(|(&weight, input)| {
            let weight = f64::from(weight);
            shift += weight * input.offset;
            gain * weight * input.scale
        });
        let weights = weights.collect();
        (weights, gain * shift + offset)
    });
    folded.collect()
}

#[expect(clippy::cast_possible_truncation, reason = "clamped")]
fn nearest(value: f64) -> i8 {
    value.round().clamp(-127.0, 127.0) as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer() -> Name {
        Name::new("fc6").expect("a name")
    }

    #[test]
    fn sums_have_one_scale_and_are_the_scores() {
        let dense = DenseGeometry::new(3, 2, Sums::Words).expect("valid");
        let weight = [0.5, -0.25, 1.0, 0.1, 0.2, -0.3];
        let float = FloatDense { weight: &weight, bias: &[0.5, -1.0], bn: None };
        let input = [0.02, 0.01, 0.04].map(|scale| InputChannel { scale, offset: 0.0 });
        let quantised = quantise_dense(layer(), dense, float, &input, &[]).expect("fits");
        let bytes = [10_u8, 200, 77];
        for output in 0..2 {
            let mut expected = f64::from(float.bias[output]);
            let mut sum = quantised.channels[output].bias;
            for at in 0..3 {
                let real = input[at].scale * f64::from(bytes[at]);
                expected += f64::from(weight[3 * output + at]) * real;
                sum += i32::from(quantised.weights[3 * output + at]) * i32::from(bytes[at]);
            }
            let got = f64::from(sum) * f64::from(quantised.output_scale[output]);
            // Half a step of a weight for each byte.
            assert!((got - expected).abs() < 0.04 / 127.0 / 2.0 * 287.0, "{got} {expected}");
        }
        assert_eq!(quantised.output_scale[0].to_bits(), quantised.output_scale[1].to_bits());
    }

    #[test]
    fn bytes_are_the_activations_behind_batch_norm() {
        let dense = DenseGeometry::new(2, 2, Sums::Bytes).expect("valid");
        let bn = BatchNormWeights {
            weight: vec![2.0, 0.5],
            bias: vec![0.1, -0.2],
            running_mean: vec![0.3, -0.1],
            running_var: vec![0.25, 4.0],
        };
        let weight = [0.5, -0.25, 0.4, 0.2];
        let float = FloatDense { weight: &weight, bias: &[0.5, 1.0], bn: Some(&bn) };
        let input = [0.01, 0.02].map(|scale| InputChannel { scale, offset: 0.0 });
        let quantised = quantise_dense(layer(), dense, float, &input, &[8.0, 2.0]).expect("fits");
        let bytes = [250_u8, 31];
        for output in 0..2 {
            let mut sum = f64::from(float.bias[output]);
            let mut acc = quantised.channels[output].bias;
            for at in 0..2 {
                sum += f64::from(weight[2 * output + at]) * input[at].scale * f64::from(bytes[at]);
                acc += i32::from(quantised.weights[2 * output + at]) * i32::from(bytes[at]);
            }
            let var = f64::from(bn.running_var[output]) + 1e-5;
            let normal = (sum - f64::from(bn.running_mean[output])) / var.sqrt();
            let expected =
                (f64::from(bn.weight[output]) * normal + f64::from(bn.bias[output])).max(0.0);
            let byte = quantised.channels[output].requant.requantise(acc);
            let got = f64::from(byte) * f64::from(quantised.output_scale[output]);
            // Half a step of the byte, and of the weights.
            assert!((got - expected).abs() < 0.03, "{got} {expected}");
        }
    }
}
