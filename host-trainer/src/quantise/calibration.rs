//! What the calibration images say of every channel, in two passes.
//!
//! The first pass, [`Ranges`], finds how large values become and how the inputs
//! of the convolutions vary. The second, [`RangeSearch`], tries several ranges
//! for the bytes of every channel and keeps the one whose pooled bytes are
//! nearest to the float features.

use image::RgbImage;
use lcl_infer::{ImageSize, LCL_V2, PoolOrder, reference::pool_ref};
use rayon::prelude::*;

use super::moments::Moments;
use crate::feature_map::{FloatFeatures, StageFeatures};

/// Ranges that are tried, as fractions of the largest value seen. Those above
/// 1 leave room for images that the calibration has not seen.
const FRACTIONS: [f64; 13] = [0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15];

/// What quantisation needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// Number of images seen.
    pub images: usize,
    /// V1 and V2.
    pub stages: [CalibratedStage; 2],
}

/// What quantising one stage needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct CalibratedStage {
    /// The value that byte 255 should stand for, `[out_c]`; `None` for a
    /// channel that no calibration image makes active.
    pub largest: Vec<Option<f64>>,
    /// Moments of the stage's input: bytes of the image, or real features.
    pub input: Moments,
}

/// First pass: the largest activation of every channel, and the moments of
/// every stage's input.
#[derive(Clone, Debug)]
pub struct Ranges {
    images: usize,
    stages: [StageRanges; 2],
}

#[derive(Clone, Debug)]
struct StageRanges {
    /// Largest activation, `[out_c]`.
    largest: Vec<f64>,
    input: Moments,
}

impl Default for Ranges {
    fn default() -> Self {
        let stages = LCL_V2.map(|conv| StageRanges {
            largest: vec![0.0; conv.out_c()],
            input: Moments::new(conv),
        });
        Self { images: 0, stages }
    }
}

impl Ranges {
    /// Adds a batch of images with the features that they give.
    pub fn add(&mut self, images: &[RgbImage], features: &FloatFeatures) {
        self.images += images.len();
        let [v1, v2] = &mut self.stages;
        for image in images {
            let bytes: Vec<f32> = image.as_raw().iter().map(|&byte| byte.into()).collect();
            v1.input.add(image.height() as usize, image.width() as usize, &bytes);
        }
        let pooled = &features.stages[0].pooled;
        for image in pooled.data.chunks_exact(pooled.h * pooled.w * pooled.c) {
            v2.input.add(pooled.h, pooled.w, image);
        }
        for (ranges, stage) in self.stages.iter_mut().zip(&features.stages) {
            for pixel in stage.activation.data.chunks_exact(stage.activation.c) {
                for (largest, &value) in ranges.largest.iter_mut().zip(pixel) {
                    *largest = largest.max(f64::from(value));
                }
            }
        }
    }

    /// Starts the second pass.
    #[must_use]
    pub fn search(self, pool: PoolOrder) -> RangeSearch {
        let errors =
            self.stages.each_ref().map(|stage| FRACTIONS.map(|_| vec![0.0; stage.largest.len()]));
        RangeSearch { ranges: self, pool, errors }
    }
}

/// Second pass: the squared error of every range of every channel.
#[derive(Clone, Debug)]
pub struct RangeSearch {
    ranges: Ranges,
    pool: PoolOrder,
    errors: [[Vec<f64>; FRACTIONS.len()]; 2],
}

impl RangeSearch {
    /// Adds the features of a batch of images that the first pass saw.
    pub fn add(&mut self, features: &FloatFeatures) {
        for ((ranges, errors), stage) in
            self.ranges.stages.iter().zip(&mut self.errors).zip(&features.stages)
        {
            errors.par_iter_mut().zip(FRACTIONS).for_each(|(errors, fraction)| {
                let steps: Vec<f64> =
                    ranges.largest.iter().map(|largest| fraction * largest / 255.0).collect();
                add_squared_error(errors, &steps, self.pool, stage);
            });
        }
    }

    /// Returns the range of least error for every channel.
    #[must_use]
    pub fn finish(self) -> Calibration {
        let Ranges { images, stages } = self.ranges;
        let [v1, v2] = stages;
        let [v1_errors, v2_errors] = &self.errors;
        Calibration { images, stages: [calibrated(v1, v1_errors), calibrated(v2, v2_errors)] }
    }
}

fn calibrated(ranges: StageRanges, errors: &[Vec<f64>; FRACTIONS.len()]) -> CalibratedStage {
    let best = |(channel, &largest): (usize, &f64)| {
        let candidates = FRACTIONS.iter().zip(errors);
        let (fraction, _) =
            candidates.min_by(|(_, a), (_, b)| a[channel].total_cmp(&b[channel]))?;
        (largest > 0.0).then_some(fraction * largest)
    };
    CalibratedStage {
        largest: ranges.largest.iter().enumerate().map(best).collect(),
        input: ranges.input,
    }
}

/// Adds, for every channel, the squared difference between the float output
/// and the pooled bytes of activations in `steps`.
fn add_squared_error(errors: &mut [f64], steps: &[f64], pool: PoolOrder, stage: &StageFeatures) {
    let (activation, pooled) = (&stage.activation, &stage.pooled);
    let channels = activation.c;
    let size = ImageSize { width: activation.w, height: activation.h };
    let activations = activation.data.chunks_exact(activation.h * activation.w * channels);
    let outputs = pooled.data.chunks_exact(pooled.h * pooled.w * channels);
    let mut pooled_bytes = vec![0; pooled.h * pooled.w * channels];
    for (activation, output) in activations.zip(outputs) {
        let bytes: Vec<u8> = activation
            .iter()
            .zip(steps.iter().cycle())
            .map(|(&value, &step)| nearest_byte(f64::from(value), step))
            .collect();
        pool_ref(pool, size, channels, &bytes, &mut pooled_bytes);
        for (at, (&value, &byte)) in output.iter().zip(&pooled_bytes).enumerate() {
            let channel = at % channels;
            let error = f64::from(value) - steps[channel] * f64::from(byte);
            errors[channel] += error * error;
        }
    }
}

/// Returns the byte of least distance, half up; 0 for a channel without range.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn nearest_byte(value: f64, step: f64) -> u8 {
    if step > 0.0 { (value / step + 0.5).floor().clamp(0.0, 255.0) as u8 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature_map::FeatureMap;

    /// Returns the range that is found for one channel whose values lie in a
    /// row and are pooled by maximum.
    fn range(values: &[f32]) -> Option<f64> {
        let map = |values: Vec<f32>| FeatureMap { n: 1, h: 1, w: values.len(), c: 1, data: values };
        let window = |x: usize| &values[(2 * x).saturating_sub(1)..(2 * x + 2).min(values.len())];
        let column = |x: usize| window(x).iter().copied().fold(0.0, f32::max);
        let pooled = map((0..values.len().div_ceil(2)).map(column).collect());
        let stage = StageFeatures { activation: map(values.to_vec()), pooled };
        let largest = f64::from(values.iter().copied().fold(0.0, f32::max));
        let errors = FRACTIONS.map(|fraction| {
            let mut errors = [0.0];
            add_squared_error(&mut errors, &[fraction * largest / 255.0], PoolOrder::Max, &stage);
            errors.to_vec()
        });
        let ranges = StageRanges { largest: vec![largest], input: Moments::new(LCL_V2[0]) };
        calibrated(ranges, &errors).largest[0]
    }

    #[test]
    fn range_covers_what_is_spread_evenly() {
        let values: Vec<f32> = (0..2000_u16).map(f32::from).collect();
        let largest = range(&values).expect("active");
        assert!((1900.0..2200.0).contains(&largest), "{largest}");
    }

    #[test]
    fn range_leaves_out_an_outlier_where_the_error_is_least() {
        // Spread over 0 to 100, on no grid that a step could meet.
        let spread = |x: u32| (x * 7919 % 99_991) as f32 / 999.91;
        let mut values: Vec<f32> = (0..400_000).map(spread).collect();
        values[1] = 140.0;
        // Rounding n outputs costs n · L² / (12 · 255²), clipping the two that
        // see the outlier 2 · (140 - L)².
        let expected = 140.0 / (1.0 + 200_000.0 / (2.0 * 12.0 * 255.0 * 255.0));
        let largest = range(&values).expect("active");
        // Ranges that are tried are 7 apart.
        assert!((largest - expected).abs() <= 3.5, "{largest} {expected}");
    }

    #[test]
    fn silent_channel_has_no_range() {
        assert_eq!(range(&[0.0; 8]), None);
    }
}
