//! What the calibration images say of every channel.

use image::RgbImage;

use crate::feature_map::{FeatureMap, FloatFeatures};

/// Bins of a channel's histogram.
const BINS: usize = 4096;

/// Statistics over calibration images, one pass, memory that does not grow.
#[derive(Clone, Debug)]
pub struct Calibration {
    images: u64,
    image_sum: [f64; 3],
    pixels: u64,
    stages: [Vec<Channel>; 2],
}

#[derive(Clone, Debug)]
struct Channel {
    pooled: Histogram,
    sum: f64,
    values: u64,
}

/// What quantising one stage needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct CalibratedStage {
    /// The value that byte 255 should stand for, `[out_c]`; `None` for a
    /// channel that no calibration image makes active.
    pub largest: Vec<Option<f64>>,
    /// Mean of the stage's output, `[out_c]`.
    pub pooled_mean: Vec<f64>,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { images: 0, image_sum: [0.0; 3], pixels: 0, stages: [Vec::new(), Vec::new()] }
    }
}

impl Calibration {
    /// Adds a batch of images with the features that they give.
    pub fn add(&mut self, images: &[RgbImage], features: &FloatFeatures) {
        for image in images {
            self.images += 1;
            self.pixels += u64::from(image.width()) * u64::from(image.height());
            for pixel in image.pixels() {
                for (sum, &byte) in self.image_sum.iter_mut().zip(&pixel.0) {
                    *sum += f64::from(byte);
                }
            }
        }
        for (channels, stage) in self.stages.iter_mut().zip(&features.stages) {
            add(channels, &stage.pooled);
        }
    }

    /// Returns the number of images seen.
    #[must_use]
    pub fn images(&self) -> u64 {
        self.images
    }

    /// Returns the mean byte of each channel of the images.
    #[must_use]
    pub fn image_mean(&self) -> [f64; 3] {
        self.image_sum.map(|sum| sum / self.pixels.max(1) as f64)
    }

    /// Returns what was found for each stage.
    #[must_use]
    pub fn stages(&self) -> [CalibratedStage; 2] {
        self.stages.each_ref().map(|channels| CalibratedStage {
            largest: channels.iter().map(|channel| channel.pooled.best_largest()).collect(),
            pooled_mean: channels.iter().map(|c| c.sum / c.values.max(1) as f64).collect(),
        })
    }
}

fn add(channels: &mut Vec<Channel>, pooled: &FeatureMap) {
    let empty = Channel { pooled: Histogram::new(), sum: 0.0, values: 0 };
    channels.resize(pooled.c, empty);
    for pixel in pooled.data.chunks_exact(pooled.c) {
        for (channel, &value) in channels.iter_mut().zip(pixel) {
            let value = f64::from(value);
            channel.pooled.add(value);
            channel.sum += value;
            channel.values += 1;
        }
    }
}

/// Counts of values from 0 on, with a range that doubles as it must.
#[derive(Clone, Debug)]
struct Histogram {
    counts: Vec<u64>,
    bin: f64,
    largest: f64,
}

impl Histogram {
    fn new() -> Self {
        Self { counts: vec![0; BINS], bin: f64::MIN_POSITIVE, largest: 0.0 }
    }

    fn add(&mut self, value: f64) {
        if !(value > 0.0 && value.is_finite()) {
            return;
        }
        if self.largest == 0.0 {
            self.bin = 2.0 * value / BINS as f64;
        }
        self.largest = self.largest.max(value);
        while value >= self.bin * BINS as f64 {
            self.double();
        }
        let position = self.position(value);
        self.counts[position] += 1;
    }

    fn position(&self, value: f64) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive and below the number of bins"
        )]
        let position = (value / self.bin) as usize;
        position.min(BINS - 1)
    }

    fn double(&mut self) {
        self.bin *= 2.0;
        for position in 0..BINS / 2 {
            self.counts[position] = self.counts[2 * position] + self.counts[2 * position + 1];
        }
        self.counts[BINS / 2..].fill(0);
    }

    /// Returns the end of the range of bytes that makes the squared error of
    /// the values least: rounding costs `step² / 12` for each value inside the
    /// range, clipping its whole excess outside.
    ///
    /// `None` where no value is above 0.
    fn best_largest(&self) -> Option<f64> {
        /// Candidates are this fraction of the largest value apart.
        const CANDIDATES: u32 = 200;
        if self.largest == 0.0 {
            return None;
        }
        let candidates = (CANDIDATES / 4..=CANDIDATES)
            .map(|part| self.largest * f64::from(part) / f64::from(CANDIDATES));
        candidates.min_by(|a, b| self.squared_error(*a).total_cmp(&self.squared_error(*b)))
    }

    fn squared_error(&self, largest: f64) -> f64 {
        let step = largest / 255.0;
        let mut error = 0.0;
        for (position, &count) in self.counts.iter().enumerate() {
            let excess = (self.bin * (position as f64 + 0.5) - largest).max(0.0);
            error += count as f64 * (step * step / 12.0 + excess * excess);
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histogram_keeps_every_value_as_its_range_grows() {
        let mut histogram = Histogram::new();
        for step in 1..=1000 {
            histogram.add(0.001 * f64::from(step) * f64::from(step));
        }
        assert_eq!(histogram.counts.iter().sum::<u64>(), 1000);
        let below = histogram.position(250.0);
        let counted: u64 = histogram.counts[..below].iter().sum();
        assert!((498..=501).contains(&counted), "{counted} values below 250");
    }

    #[test]
    fn uniform_values_are_not_clipped() {
        let mut histogram = Histogram::new();
        (1..=10_000).for_each(|step| histogram.add(f64::from(step)));
        let largest = histogram.best_largest().expect("active");
        assert!(largest > 9_800.0, "{largest}");
    }

    #[test]
    fn an_outlier_is_clipped_where_the_error_is_least() {
        let mut histogram = Histogram::new();
        (1..=100_000).for_each(|step| histogram.add(f64::from(step % 100) + 1.0));
        histogram.add(200.0);
        // Where n · L² / (12 · 255²) + (200 - L)² is least.
        let expected = 200.0 / (1.0 + 100_000.0 / (12.0 * 255.0 * 255.0));
        let largest = histogram.best_largest().expect("active");
        // Candidates are 1 apart.
        assert!((largest - expected).abs() <= 1.0, "{largest} {expected}");
    }

    #[test]
    fn silent_channel_has_no_range() {
        let mut histogram = Histogram::new();
        [0.0, -1.0, f64::NAN].into_iter().for_each(|value| histogram.add(value));
        assert_eq!(histogram.best_largest(), None);
    }
}
