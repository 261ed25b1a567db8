//! The integers of one convolution.

use lcl_infer::{
    ConvGeometry, Name,
    parameters::Channel,
    shape::{MAX_IMAGE_SIDE, MAX_MEAN_SHIFT, MAX_OVERLAP},
};
use rayon::prelude::*;

use super::{
    filter::{FilterRounding, QuantisedFilter},
    fold::FoldedConv,
    moments::Moments,
    refusal::{Refusal, listed},
    silent::{SilentChannel, ranges},
};

/// One convolution in the contract's integers.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantisedConv {
    /// Geometry of the convolution.
    pub conv: ConvGeometry,
    /// `[out_c, kernel, kernel, in_c]` (OHWI), in `[-127, 127]`.
    pub weights: Vec<i8>,
    /// Bias and requantisation, `[out_c]`.
    pub channels: Vec<Channel>,
    /// What one step of each channel's byte is worth, `[out_c]`.
    pub output_scale: Vec<f32>,
    /// Channels that no calibration image makes active, in order.
    pub silent: Vec<SilentChannel>,
}

impl QuantisedConv {
    /// Returns the real weights and biases that the integers stand for, on inputs
    /// of which one step of a byte is worth `input`, `[in_c]`.
    #[must_use]
    pub fn dequantised(&self, input: &[f32]) -> FoldedConv {
        let filters = self.weights.chunks_exact(self.conv.taps());
        let filters = filters.zip(&self.channels).zip(&self.output_scale);
        let (mut weights, mut bias) = (Vec::with_capacity(self.weights.len()), Vec::new());
        for ((filter, channel), &step) in filters {
            let requant = channel.requant;
            let ratio = f64::from(requant.multiplier()) * (-f64::from(requant.shift())).exp2();
            let scale = ratio * f64::from(step);
            let taps = filter.iter().zip(input.iter().cycle());
            weights.extend(taps.map(|(&q, &input)| f64::from(q) * scale / f64::from(input)));
            bias.push(f64::from(channel.bias) * scale);
        }
        FoldedConv { conv: self.conv, weights, bias }
    }
}

/// The bytes that a convolution will see.
#[derive(Clone, Debug)]
pub struct ConvInput<'a> {
    /// Their moments.
    pub moments: Moments,
    /// For each input channel, whether any calibration image showed more in it
    /// than zeros.
    pub seen: &'a [bool],
}

/// A convolution cannot be expressed in the contract's integers.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantiseError {
    /// No blob can carry the checkpoint.
    #[error(
        "no blob can carry the checkpoint: {}. Its float features can be had with lcl features \
         and every evaluation",
        listed(reasons)
    )]
    NoBlob {
        /// Everything that none can.
        reasons: Vec<Refusal>,
    },
    /// A component lacks a tensor.
    #[error("a component of the checkpoint lacks a tensor, or one has another shape")]
    Tensors,
    /// A weight or bias is not a number once batch norm is folded in.
    #[error(
        "{layer}, channel {channel}: weights are not finite once batch norm is folded in; \
         look for a running variance below 0 or a huge weight in the checkpoint"
    )]
    NotFinite {
        /// The layer.
        layer: Name,
        /// The output channel.
        channel: usize,
    },
    /// A feature is too large for a 32-bit float.
    #[error(
        "{layer}, channel {channel}: features reach {largest:e} on the calibration images, \
         more than 32 bits hold; look for a huge weight in the checkpoint"
    )]
    TooLarge {
        /// The layer.
        layer: Name,
        /// The output channel.
        channel: usize,
        /// The value that byte 255 would stand for.
        largest: f64,
    },
    /// An accumulator could leave 32 bits.
    #[error("{layer}, channel {channel}: the accumulator can reach ±{bound}, above 32 bits")]
    Accumulator {
        /// The layer.
        layer: Name,
        /// The output channel.
        channel: usize,
        /// Largest magnitude of the accumulator.
        bound: i64,
    },
    /// A denominator has a weight below 0 or does not start above 0.
    #[error(
        "{layer}, channel {channel}: a denominator has a weight below 0, or does not start above \
         0; a divisive normalisation needs g ≥ 0 and a bias above 0"
    )]
    Denominator {
        /// The layer.
        layer: Name,
        /// The channel.
        channel: usize,
    },
    /// A run of a resampling cannot be one.
    #[error(
        "{layer}, run {run}: it is empty, leaves the map, goes back behind the run before it, or \
         has no weight above 0"
    )]
    Run {
        /// The layer.
        layer: Name,
        /// The run.
        run: usize,
    },
    /// There is no fovea between two sides.
    #[error(
        "no fovea makes {given} pixels a side of {seen}: --fovea is the side that is seen, more \
         than the network's --size and at most {MAX_IMAGE_SIDE}"
    )]
    Fovea {
        /// Side that is seen.
        seen: usize,
        /// Side that the network gets.
        given: usize,
    },
    /// Too many runs share one row.
    #[error("{layer}: a row belongs to {overlap} runs, and the engine runs {MAX_OVERLAP}")]
    Overlap {
        /// The layer.
        layer: Name,
        /// Most runs that one row belongs to.
        overlap: usize,
    },
    /// The numbers of a retina are out of range.
    #[error(
        "{layer}: a retina needs a shift of 1 to {MAX_MEAN_SHIFT}, a dark of 1/65280 to 1 and a \
         largest value of 1/257 to 510"
    )]
    Retina {
        /// The layer.
        layer: Name,
    },
    /// No multiplier and shift express the ratio of two scales.
    #[error("{layer}, channel {channel}: cannot scale sums by {ratio}")]
    Ratio {
        /// The layer.
        layer: Name,
        /// The output channel.
        channel: usize,
        /// Scale of the accumulator over scale of the output.
        ratio: f64,
    },
}

/// Quantises one convolution.
///
/// `largest` is the value that byte 255 should stand for, `[out_c]`, or `None`
/// for a channel that is never active.
///
/// # Errors
///
/// When a channel cannot be expressed in the contract's integers.
pub fn quantise_conv(
    layer: Name,
    folded: &FoldedConv,
    largest: &[Option<f64>],
    input: &ConvInput<'_>,
) -> Result<QuantisedConv, QuantiseError> {
    let conv = folded.conv;
    let filters = folded.weights.par_chunks_exact(conv.taps());
    for (channel, (filter, bias)) in folded.filters().enumerate() {
        if !(bias.is_finite() && filter.iter().all(|weight| weight.is_finite())) {
            return Err(QuantiseError::NotFinite { layer, channel });
        }
    }
    let ranges = ranges(folded, largest, &input.moments);
    let rounding = FilterRounding::new(layer, conv, input);
    let quantised: Vec<QuantisedFilter> = filters
        .zip(&folded.bias)
        .zip(&ranges)
        .enumerate()
        .map(|(channel, ((filter, &bias), &range))| rounding.round(channel, filter, bias, range))
        .collect::<Result<_, _>>()?;
    let silent = quantised.iter().enumerate().filter(|(channel, _)| largest[*channel].is_none());
    Ok(QuantisedConv {
        conv,
        weights: quantised.iter().flat_map(|filter| &filter.weights).copied().collect(),
        channels: quantised.iter().map(|filter| filter.channel).collect(),
        output_scale: quantised.iter().map(|filter| filter.step).collect(),
        silent: silent
            .map(|(channel, filter)| SilentChannel { channel, dead: filter.is_dead() })
            .collect(),
    })
}

/// Returns the byte of least distance, half up; 0 for a channel without range.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
pub(super) fn nearest_byte(value: f64, step: f64) -> u8 {
    if step > 0.0 { (value / step + 0.5).floor().clamp(0.0, 255.0) as u8 } else { 0 }
}
