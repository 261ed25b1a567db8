//! The integers of one divisive normalisation.

use lcl_infer::{
    Name,
    parameters::{MAX_NORM_MULTIPLIER, NormChannel},
    shape::NormGeometry,
};

use super::{conv::QuantiseError, fold::FoldedConv};

/// Largest weight of a denominator.
const MAX_WEIGHT: f64 = 127.0;

/// One divisive normalisation of real features,
/// `y = x / (bias + Σ weight · x)`.
///
/// Tuned normalisation has kernel 1 and bias 1; standard divisive normalisation
/// kernel 3 and one `|b|` for all channels (Pogoncheff, Granley and Beyeler
/// 2023).
#[derive(Clone, Debug, PartialEq)]
pub struct FloatNorm {
    /// Its geometry.
    pub norm: NormGeometry,
    /// Weights of the denominators, `[C, kernel, kernel, C]` (OHWI), none below
    /// 0.
    pub weights: Vec<f64>,
    /// What the denominators start from, `[C]`, above 0.
    pub bias: Vec<f64>,
}

impl FloatNorm {
    /// Returns the convolution that gives the denominators.
    #[must_use]
    pub fn denominators(&self) -> FoldedConv {
        let (weights, bias) = (self.weights.clone(), self.bias.clone());
        FoldedConv { conv: self.norm.conv(), weights, bias }
    }
}

/// One divisive normalisation in the contract's integers.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantisedNorm {
    /// Its geometry.
    pub norm: NormGeometry,
    /// `[C, kernel, kernel, C]` (OHWI), in `[0, 127]`.
    pub weights: Vec<i8>,
    /// Bias and multiplier, `[C]`.
    pub channels: Vec<NormChannel>,
    /// What one step of each channel's byte is worth, `[C]`.
    pub output_scale: Vec<f32>,
}

/// Quantises one divisive normalisation.
///
/// `input_scale` says what a step of each byte that goes in is worth, and
/// `largest` the value that byte 255 should stand for, both `[C]`. A denominator
/// counts in steps `d` as small as its integers allow: `weight = g · scale / d`
/// within a byte, `bias = b / d`, `multiplier = scale / (step · d)`.
///
/// # Errors
///
/// When a number is negative or none, or cannot be expressed in the contract's
/// integers.
///
/// # Panics
///
/// When there are not as many numbers as the geometry says.
pub fn quantise_norm(
    layer: Name,
    float: &FloatNorm,
    input_scale: &[f32],
    largest: &[f64],
) -> Result<QuantisedNorm, QuantiseError> {
    let conv = float.norm.conv();
    assert_eq!(float.weights.len(), conv.weights_len());
    assert!([float.bias.len(), input_scale.len(), largest.len()] == [conv.in_c(); 3]);
    let mut quantised = QuantisedNorm {
        norm: float.norm,
        weights: Vec::with_capacity(conv.weights_len()),
        channels: Vec::new(),
        output_scale: Vec::new(),
    };
    for (channel, filter) in float.weights.chunks_exact(conv.taps()).enumerate() {
        let bias = float.bias[channel];
        let sound = |weight: &f64| weight.is_finite() && *weight >= 0.0;
        if !filter.iter().all(sound) || !bias.is_finite() || bias <= 0.0 {
            return Err(QuantiseError::Denominator { layer, channel });
        }
        let scales = input_scale.iter().map(|&scale| f64::from(scale));
        let shares: Vec<f64> =
            filter.iter().zip(scales.cycle()).map(|(weight, scale)| weight * scale).collect();
        #[expect(clippy::cast_possible_truncation, reason = "scales of blobs are f32")]
        let step = (largest[channel] / 255.0) as f32;
        let ratio = f64::from(input_scale[channel]) / f64::from(step);
        let (most, sum) = (shares.iter().copied().fold(0.0, f64::max), shares.iter().sum::<f64>());
        // The least step of the denominator with which every integer has room.
        let unit = (most / MAX_WEIGHT)
            .max(ratio / f64::from(MAX_NORM_MULTIPLIER))
            .max((bias + 256.0 * sum) / 2_f64.powi(30));
        if !(unit.is_finite() && unit > 0.0 && bias / unit >= 0.5) {
            return Err(QuantiseError::Ratio { layer, channel, ratio });
        }
        // What rounding has left over goes to the next weight.
        let mut left = 0.0;
        for share in shares {
            let exact = share / unit + left;
            let weight = exact.round().clamp(0.0, MAX_WEIGHT);
            left = exact - weight;
            quantised.weights.push(integer(weight).try_into().unwrap_or(i8::MAX));
        }
        let (bias, multiplier) = (integer(bias / unit).max(1), integer(ratio / unit));
        quantised
            .channels
            .push(NormChannel { bias, multiplier: multiplier.min(MAX_NORM_MULTIPLIER) });
        quantised.output_scale.push(step);
    }
    Ok(quantised)
}

/// Returns the nearest integer to a number that 32 bits hold.
#[expect(clippy::cast_possible_truncation, reason = "a cast of a float is clamped")]
fn integer(number: f64) -> i32 {
    number.round() as i32
}
