//! The integers of one stage.

use lcl_infer::{Channel, ConvGeometry, PoolOrder, accumulator_bound};

use super::calibration::CalibratedStage;
use super::fold::{FoldedStage, InputChannel};
use super::requant::requant_for_ratio;

/// Largest magnitude of a weight.
const LARGEST_WEIGHT: f64 = 127.0;

/// Largest magnitude of a bias: half of what an accumulator holds.
const LARGEST_BIAS: f64 = (1 << 30) as f64;

/// One stage in the contract's integers.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantisedStage {
    /// Geometry of the convolution.
    pub conv: ConvGeometry,
    /// Order of pooling.
    pub pool: PoolOrder,
    /// `[out_c, kernel, kernel, in_c]` (OHWI), in `[-127, 127]`.
    pub weights: Vec<i8>,
    /// Bias and requantisation, `[out_c]`.
    pub channels: Vec<Channel>,
    /// What one step of each channel's byte is worth, `[out_c]`.
    pub output_scale: Vec<f32>,
    /// Channels that no calibration image makes active.
    pub silent: usize,
}

/// A stage cannot be expressed in the contract's integers.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantiseError {
    /// A weight or bias is not a number once batch norm is folded in.
    #[error(
        "stage {stage}, channel {channel}: weights are not finite once batch norm is folded in; \
         look for a running variance below 0 or a huge weight in the checkpoint"
    )]
    NotFinite {
        /// The stage, from 1.
        stage: usize,
        /// The output channel.
        channel: usize,
    },
    /// An accumulator could leave 32 bits.
    #[error("stage {stage}, channel {channel}: the accumulator can reach ±{bound}, above 32 bits")]
    Accumulator {
        /// The stage, from 1.
        stage: usize,
        /// The output channel.
        channel: usize,
        /// Largest magnitude of the accumulator.
        bound: i64,
    },
    /// No multiplier and shift express the ratio of two scales.
    #[error("stage {stage}, channel {channel}: cannot scale sums by {ratio}; calibrate on more images")]
    Ratio {
        /// The stage, from 1.
        stage: usize,
        /// The output channel.
        channel: usize,
        /// Scale of the accumulator over scale of the output.
        ratio: f64,
    },
}

/// Quantises one stage.
///
/// The error that rounding the weights makes on an input of mean bytes goes
/// into the bias, so that rounding does not shift a channel's mean (Nagel et
/// al. 2019, "Data-free quantization through weight equalization and bias
/// correction", section 4.2).
///
/// # Errors
///
/// When a channel cannot be expressed in the contract's integers.
pub fn quantise_stage(
    stage: usize,
    folded: &FoldedStage,
    pool: PoolOrder,
    calibrated: &CalibratedStage,
    input: &[InputChannel],
) -> Result<QuantisedStage, QuantiseError> {
    let conv = folded.conv;
    let active = || calibrated.largest.iter().flatten().copied();
    // A channel that stayed silent gets the range of the widest.
    let widest = active().reduce(f64::max).unwrap_or(1.0);
    let mut weights = Vec::with_capacity(conv.weights_len());
    let mut channels = Vec::with_capacity(conv.out_c());
    let mut output_scale = Vec::with_capacity(conv.out_c());
    let filters = folded.weights.chunks_exact(conv.weights_per_channel());
    for (channel, (filter, &bias)) in filters.zip(&folded.bias).enumerate() {
        let scale = weight_scale(filter, bias);
        if !(scale.is_finite() && bias.is_finite()) {
            return Err(QuantiseError::NotFinite { stage, channel });
        }
        let start = weights.len();
        let mut corrected = bias;
        for (position, &weight) in filter.iter().enumerate() {
            let rounded = (weight / scale).round().clamp(-LARGEST_WEIGHT, LARGEST_WEIGHT);
            corrected += (weight - scale * rounded) * input[position % conv.in_c()].mean_byte;
            #[expect(clippy::cast_possible_truncation, reason = "clamped above")]
            weights.push(rounded as i8);
        }
        #[expect(clippy::cast_possible_truncation, reason = "clamped")]
        let bias = (corrected / scale).round().clamp(-LARGEST_BIAS, LARGEST_BIAS) as i32;
        let bound = accumulator_bound(bias, &weights[start..]);
        if bound > i64::from(i32::MAX) {
            return Err(QuantiseError::Accumulator { stage, channel, bound });
        }
        let largest = calibrated.largest[channel].unwrap_or(widest);
        #[expect(clippy::cast_possible_truncation, reason = "the contract stores f32")]
        let step = (largest / 255.0).max(2.0 * scale) as f32;
        let ratio = scale / f64::from(step);
        let requant =
            requant_for_ratio(ratio).ok_or(QuantiseError::Ratio { stage, channel, ratio })?;
        channels.push(Channel { bias, requant });
        output_scale.push(step);
    }
    let silent = calibrated.largest.len() - active().count();
    Ok(QuantisedStage { conv, pool, weights, channels, output_scale, silent })
}

/// Returns what one step of a filter's weights is worth.
fn weight_scale(filter: &[f64], bias: f64) -> f64 {
    let largest = filter.iter().fold(0.0, |largest: f64, weight| {
        // `max` would drop a NaN.
        if weight.is_nan() { f64::NAN } else { largest.max(weight.abs()) }
    });
    let scale = (largest / LARGEST_WEIGHT).max(bias.abs() / LARGEST_BIAS);
    // A filter of zeros without bias: any scale will do.
    if largest == 0.0 && bias == 0.0 { 1.0 } else { scale }
}
