//! The integers of one filter.

use lcl_infer::{Channel, ConvGeometry, accumulator_bound};

use super::{
    requant::requant_for_ratio,
    rounding::NearestPlane,
    stage::{QuantiseError, StageInput},
};

/// Largest magnitude of a weight.
const LARGEST_WEIGHT: f64 = 127.0;

/// Largest magnitude of a bias: half of what an accumulator holds.
const LARGEST_BIAS: f64 = (1 << 30) as f64;

/// Each weight scale that is tried, as a multiple of the one before; the first
/// clips no weight.
const NEXT_SCALE: f64 = 0.8;

/// Weight scales that are tried in a row without one better than before.
const PATIENCE: usize = 2;

/// The least variance of an input, as a fraction of the mean, whose weight is not
/// to be clipped from the first.
const VARYING: f64 = 0.01;

/// The least ratio of the scales of an accumulator and of an output byte: twice
/// the least that a multiplier and a shift express.
const LEAST_RATIO: f64 = 1.0 / (1_u64 << 31) as f64;

/// The least step of an output byte: a feature that is still smaller counts for
/// zero, lest its reciprocal leave the range of a float.
const LEAST_STEP: f64 = 1e-30;

/// The integers of one output channel.
pub(super) struct QuantisedFilter {
    pub(super) weights: Vec<i8>,
    pub(super) channel: Channel,
    /// What one step of the output byte is worth.
    pub(super) step: f32,
}

impl QuantisedFilter {
    /// Returns whether no input makes the channel active.
    pub(super) fn is_dead(&self) -> bool {
        let most: i64 = self.weights.iter().map(|&weight| i64::from(weight.max(0))).sum();
        255 * most + i64::from(self.channel.bias) <= 0
    }
}

/// Rounds the filters of one stage.
///
/// The scale of a filter's weights is that of least error at the convolution's
/// output, of some that clip more and more weights: the weight of an input that
/// hardly varies is better clipped than the reason for large steps of all the
/// others. Inputs that the calibration never saw have no say at all.
///
/// What rounding and clipping do to an input of mean bytes goes into the bias, so
/// that they do not shift a channel's mean (Nagel et al. 2019, "Data-free
/// quantization through weight equalization and bias correction", section 4.2).
pub(super) struct FilterRounding<'a> {
    /// The stage, from 1.
    stage: usize,
    seen: &'a [bool],
    /// Inputs that vary about as much as the others.
    varying: Vec<bool>,
    mean: Vec<f64>,
    plane: NearestPlane,
}

/// A filter in whole numbers.
struct Candidate {
    scale: f64,
    weights: Vec<f64>,
    bias: f64,
    error: f64,
}

impl<'a> FilterRounding<'a> {
    pub(super) fn new(stage: usize, conv: ConvGeometry, input: &StageInput<'a>) -> Self {
        let (taps, covariance) = (conv.taps(), input.moments.covariance());
        let variances = || (0..taps).map(|at| covariance[at * taps + at]);
        let least = VARYING * variances().sum::<f64>() / taps as f64;
        Self {
            stage,
            seen: input.seen,
            varying: variances().map(|variance| variance >= least).collect(),
            mean: input.moments.mean(),
            plane: NearestPlane::new(covariance, taps),
        }
    }

    /// Returns the integers of a filter whose byte 255 should stand for `range`.
    #[expect(clippy::cast_possible_truncation, reason = "clamped, or rounded to f32 on purpose")]
    pub(super) fn round(
        &self,
        channel: usize,
        filter: &[f64],
        bias: f64,
        range: f64,
    ) -> Result<QuantisedFilter, QuantiseError> {
        let stage = self.stage;
        let step = (range / 255.0).max(LEAST_STEP);
        let Candidate { scale, weights, bias, .. } = self.best(filter, bias, step);
        // The contract wants a ratio below 1.
        let step = step.max(2.0 * scale) as f32;
        if !step.is_finite() {
            return Err(QuantiseError::TooLarge { stage, channel, largest: range });
        }
        let weights: Vec<i8> = weights.iter().map(|&weight| weight as i8).collect();
        let bias = bias.clamp(-LARGEST_BIAS, LARGEST_BIAS) as i32;
        let magnitudes = weights.iter().map(|weight| i64::from(weight.unsigned_abs()));
        let bound = accumulator_bound(bias, magnitudes.sum());
        if bound > i64::from(i32::MAX) {
            return Err(QuantiseError::Accumulator { stage, channel, bound });
        }
        let ratio = scale / f64::from(step);
        let requant =
            requant_for_ratio(ratio).ok_or(QuantiseError::Ratio { stage, channel, ratio })?;
        Ok(QuantisedFilter { weights, channel: Channel { bias, requant }, step })
    }

    /// Returns the candidate of least error.
    fn best(&self, filter: &[f64], bias: f64, step: f64) -> Candidate {
        let largest = |counts: &dyn Fn(usize) -> bool| {
            let weights = filter.iter().enumerate().filter(|(at, _)| counts(*at));
            weights.fold(0.0, |largest: f64, (_, weight)| largest.max(weight.abs()))
        };
        let is_seen = |at: usize| self.seen[at % self.seen.len()];
        let least = (bias.abs() / LARGEST_BIAS).max(step * LEAST_RATIO);
        let first = (largest(&is_seen) / LARGEST_WEIGHT).max(least);
        let varying = largest(&|at| is_seen(at) && self.varying[at]) / LARGEST_WEIGHT;
        let mut best = self.candidate(filter, bias, first);
        for start in [NEXT_SCALE * first, varying.min(NEXT_SCALE * NEXT_SCALE * first)] {
            let (mut scale, mut worse) = (start, 0);
            while worse < PATIENCE && scale > least {
                let next = self.candidate(filter, bias, scale);
                if next.error < best.error && next.bias.abs() <= LARGEST_BIAS {
                    (best, worse) = (next, 0);
                } else {
                    worse += 1;
                }
                scale *= NEXT_SCALE;
            }
            if varying >= NEXT_SCALE * first {
                break;
            }
        }
        best
    }

    /// Rounds a filter to multiples of `scale`.
    fn candidate(&self, filter: &[f64], bias: f64, scale: f64) -> Candidate {
        let in_steps: Vec<f64> = filter
            .iter()
            .zip(self.seen.iter().cycle())
            .map(|(weight, &seen)| match weight / scale {
                weight if seen => weight,
                weight => weight.clamp(-LARGEST_WEIGHT, LARGEST_WEIGHT),
            })
            .collect();
        let rounded = self.plane.round(&in_steps, LARGEST_WEIGHT);
        let errors =
            in_steps.iter().zip(&rounded.weights).map(|(weight, rounded)| weight - rounded);
        let shift: f64 = errors.zip(&self.mean).map(|(error, mean)| error * mean).sum();
        let bias = (bias / scale + shift).round();
        Candidate { scale, weights: rounded.weights, bias, error: rounded.error * scale * scale }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Moments;

    /// Bytes of two channels: one that varies, and `other`.
    fn moments(other: impl Fn(u16) -> f32) -> (ConvGeometry, Moments) {
        let conv = ConvGeometry::new(2, 1, 1, 1, 0).expect("valid");
        let mut moments = Moments::new(conv);
        for at in 0..32_u16 {
            moments.add(1, 1, &[f32::from(at * 37 % 256), other(at)]);
        }
        (conv, moments)
    }

    fn round(
        other: impl Fn(u16) -> f32,
        seen: &[bool],
        filter: [f64; 2],
        bias: f64,
    ) -> QuantisedFilter {
        let (conv, moments) = moments(other);
        let rounding = FilterRounding::new(1, conv, &StageInput { moments, seen });
        rounding.round(0, &filter, bias, 200.0).expect("integers")
    }

    /// What one step of a weight is worth.
    fn scale(filter: &QuantisedFilter) -> f64 {
        let requant = filter.channel.requant;
        let ratio = f64::from(requant.multiplier()) * (-f64::from(requant.shift())).exp2();
        ratio * f64::from(filter.step)
    }

    #[test]
    fn inputs_that_are_silent_or_constant_cost_the_others_nothing() {
        /// Scales of a filter without the other input.
        const LEAST_STEPS: i8 = 80;
        for weight in [1.0, 30.0, 1e4, 1e9] {
            let silent = round(|_| 0.0, &[true, false], [1.0, weight], 0.5);
            assert_eq!(silent.weights, [127, 127], "{weight}");
            let constant = round(|_| 200.0, &[true, true], [1.0, weight.min(1e4)], 0.5);
            assert!(constant.weights[0] >= LEAST_STEPS, "{weight}: {:?}", constant.weights);
            // Its mean is in the bias.
            let sum = f64::from(constant.weights[1]) * 200.0 + f64::from(constant.channel.bias);
            let error = sum * scale(&constant) - (weight.min(1e4) * 200.0 + 0.5);
            assert!(error.abs() < 0.02, "{weight}: {error}");
        }
        // One that varies is not clipped for the other's sake.
        let varying = round(|at| f32::from(at % 7) * 30.0, &[true, true], [1.0, 30.0], 0.5);
        assert!((f64::from(varying.weights[1]) * scale(&varying) - 30.0).abs() < 0.5);
    }

    #[test]
    fn filters_of_next_to_no_weight_are_expressed() {
        for (filter, bias) in [
            ([0.0, 0.0], 0.0),
            ([0.0, 0.0], -0.001),
            ([0.0, 0.0], 150.0),
            ([1e-12, -1e-14], -0.001),
            ([1e-38, 1e-38], 0.0),
            ([1e-300, 0.0], -1e-300),
        ] {
            let found = round(|_| 3.0, &[true, true], filter, bias);
            let value = f64::from(found.channel.bias) * scale(&found);
            assert!((value - bias).abs() < 1e-6 * bias.abs() + 1e-9, "{filter:?} {bias}: {value}");
            assert_eq!(found.is_dead(), bias <= 0.0, "{filter:?} {bias}");
        }
    }

    #[test]
    fn features_beyond_32_bits_are_refused() {
        let (conv, moments) = moments(|_| 3.0);
        let rounding = FilterRounding::new(2, conv, &StageInput { moments, seen: &[true; 2] });
        let error = rounding.round(0, &[1.0, 1.0], 0.0, 1e300).map(|_| ()).expect_err("too large");
        assert!(error.to_string().contains("stage 2, channel 0: features reach"), "{error}");
    }
}
