//! The integers of one stage.

use lcl_infer::{Channel, ConvGeometry, PoolOrder};
use rayon::prelude::*;

use super::{
    filter::{FilterRounding, QuantisedFilter},
    fold::FoldedStage,
    moments::Moments,
    silent::{SilentChannel, ranges},
};

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
    /// Channels that no calibration image makes active, in order.
    pub silent: Vec<SilentChannel>,
}

/// The bytes that a convolution will see.
#[derive(Clone, Debug)]
pub struct StageInput<'a> {
    /// Their moments.
    pub moments: Moments,
    /// For each input channel, whether any calibration image showed more in it
    /// than zeros.
    pub seen: &'a [bool],
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
    /// A feature is too large for a 32-bit float.
    #[error(
        "stage {stage}, channel {channel}: features reach {largest:e} on the calibration images, \
         more than 32 bits hold; look for a huge weight in the checkpoint"
    )]
    TooLarge {
        /// The stage, from 1.
        stage: usize,
        /// The output channel.
        channel: usize,
        /// The value that byte 255 would stand for.
        largest: f64,
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
    #[error("stage {stage}, channel {channel}: cannot scale sums by {ratio}")]
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
/// `largest` is the value that byte 255 should stand for, `[out_c]`, or `None`
/// for a channel that is never active.
///
/// # Errors
///
/// When a channel cannot be expressed in the contract's integers.
pub fn quantise_stage(
    stage: usize,
    folded: &FoldedStage,
    pool: PoolOrder,
    largest: &[Option<f64>],
    input: &StageInput<'_>,
) -> Result<QuantisedStage, QuantiseError> {
    let conv = folded.conv;
    let filters = folded.weights.par_chunks_exact(conv.taps());
    for (channel, (filter, bias)) in folded.filters().enumerate() {
        if !(bias.is_finite() && filter.iter().all(|weight| weight.is_finite())) {
            return Err(QuantiseError::NotFinite { stage, channel });
        }
    }
    let ranges = ranges(folded, largest, &input.moments);
    let rounding = FilterRounding::new(stage, conv, input);
    let quantised: Vec<QuantisedFilter> = filters
        .zip(&folded.bias)
        .zip(&ranges)
        .enumerate()
        .map(|(channel, ((filter, &bias), &range))| rounding.round(channel, filter, bias, range))
        .collect::<Result<_, _>>()?;
    let silent = quantised.iter().enumerate().filter(|(channel, _)| largest[*channel].is_none());
    Ok(QuantisedStage {
        conv,
        pool,
        weights: quantised.iter().flat_map(|filter| &filter.weights).copied().collect(),
        channels: quantised.iter().map(|filter| filter.channel).collect(),
        output_scale: quantised.iter().map(|filter| filter.step).collect(),
        silent: silent
            .map(|(channel, filter)| SilentChannel { channel, dead: filter.is_dead() })
            .collect(),
    })
}
