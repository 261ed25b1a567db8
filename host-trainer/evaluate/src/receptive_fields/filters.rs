//! The filters of V1, from a checkpoint or a blob.

use lcl_infer::Blob;

use crate::{ModelChoice, model::untrained};
use lcl_artefacts::{
    blob_file::{BlobError, BlobFile, is_blob},
    checkpoint::{Checkpoint, CheckpointError},
};
use lcl_quantise::{FoldedConv, InputChannel};

/// The filters of V1 as they act on the bytes of an image: batch norm, mean and
/// standard deviation of the input folded in, and for a blob the 8-bit weights
/// times what a step is worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Filters {
    kernel: usize,
    channels: usize,
    /// `[filters, kernel, kernel, channels]`, activation per step of a byte.
    weights: Vec<f64>,
}

/// A model's filters cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FiltersError {
    /// The checkpoint cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The blob cannot be read.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The model computes V1 otherwise.
    #[error("{0} has no learned filters; give a checkpoint, a blob, or untrained")]
    NoFilters(String),
}

impl Filters {
    /// Reads the filters of a model; libtorch is not needed.
    ///
    /// # Errors
    ///
    /// When its file cannot be read, or it has no filters.
    pub fn open(choice: &ModelChoice) -> Result<Self, FiltersError> {
        if let ModelChoice::File(path) = choice {
            if is_blob(path) {
                let filters = Self::of_blob(&BlobFile::read(path)?.open()?);
                return filters.ok_or_else(|| FiltersError::NoFilters(choice.to_string()));
            }
            return Ok(Self::of_checkpoint(&Checkpoint::read(path)?));
        }
        if let ModelChoice::Untrained(seed) = choice {
            return Ok(Self::of_checkpoint(&untrained(*seed)));
        }
        Err(FiltersError::NoFilters(choice.to_string()))
    }

    /// Takes the filters of a checkpoint; behind a retina, those on its three
    /// contrasts, ON less OFF. On a grey image these contrasts are the same.
    ///
    /// # Panics
    ///
    /// When it has no convolution; one that was read has.
    #[must_use]
    pub fn of_checkpoint(checkpoint: &Checkpoint) -> Self {
        let mut convolutions = checkpoint.geometries().into_iter().zip(&checkpoint.convolutions);
        let (conv, weights) = convolutions.next().expect("every checkpoint has V1");
        let image = InputChannel::of_image(checkpoint.mean, checkpoint.std);
        if conv.in_c() == image.len() {
            let folded = FoldedConv::new(conv, weights, &image);
            return Self { kernel: conv.kernel(), channels: conv.in_c(), weights: folded.weights };
        }
        let both = vec![InputChannel { scale: 1.0, offset: 0.0 }; conv.in_c()];
        let folded = FoldedConv::new(conv, weights, &both);
        let contrast = |pair: &[f64]| pair[0] - pair[1];
        let weights = folded.weights.chunks_exact(2).map(contrast).collect();
        Self { kernel: conv.kernel(), channels: conv.in_c() / 2, weights }
    }

    /// Takes the filters of a blob's first convolution, `q · multiplier / 2^shift ·
    /// scale`, or `None` if it has no convolution.
    #[must_use]
    pub fn of_blob(blob: &Blob<'_>) -> Option<Self> {
        let conv1 = blob.convolutions().next()?;
        let geometry = conv1.conv.geometry();
        let outputs = conv1.conv.channels().iter().zip(conv1.output_scale.iter());
        let weights = outputs.enumerate().flat_map(|(oc, (channel, scale))| {
            let requant = channel.requant;
            let step = f64::from(requant.multiplier()) * (-f64::from(requant.shift())).exp2();
            let step = step * f64::from(scale);
            conv1.conv.filter(oc).map(move |weight| f64::from(weight) * step)
        });
        let (kernel, channels) = (geometry.kernel(), geometry.in_c());
        Some(Self { kernel, channels, weights: weights.collect() })
    }

    /// Creates filters from weights, `[filters, kernel, kernel, channels]`, or
    /// nothing where these are not as many, or channels are neither one (grey)
    /// nor three (red, green, blue).
    #[must_use]
    pub fn from_weights(kernel: usize, channels: usize, weights: Vec<f64>) -> Option<Self> {
        let taps = kernel * kernel * channels;
        let whole = taps > 0 && weights.len() % taps == 0;
        (whole && matches!(channels, 1 | 3)).then_some(Self { kernel, channels, weights })
    }

    /// Returns the side of a filter in pixels.
    #[must_use]
    pub fn kernel(&self) -> usize {
        self.kernel
    }

    /// Iterates over the filters, `[kernel, kernel, channels]` each.
    pub fn iter(&self) -> impl Iterator<Item = Filter<'_>> {
        let taps = self.kernel * self.kernel * self.channels;
        self.weights.chunks_exact(taps).map(|weights| Filter { channels: self.channels, weights })
    }
}

/// One filter.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    channels: usize,
    weights: &'a [f64],
}

impl Filter<'_> {
    /// Returns what the filter does to a grey image, `[kernel, kernel]`: the sum
    /// of its weights over the colours.
    #[must_use]
    pub fn grey(&self) -> Vec<f64> {
        self.weights.chunks_exact(self.channels).map(|pixel| pixel.iter().sum()).collect()
    }

    /// Returns the weights for red, green and blue at each pixel,
    /// `[kernel, kernel]`; those of grey where there is one channel.
    #[must_use]
    pub fn colours(&self) -> Vec<[f64; 3]> {
        let colour = |pixel: &[f64]| match *pixel {
            [r, g, b] => [r, g, b],
            _ => [pixel[0]; 3],
        };
        self.weights.chunks_exact(self.channels).map(colour).collect()
    }

    /// Returns the share of the filter's energy that is in grey, in `[0, 1]`:
    /// `Σ (Σ_c w_c)² / 3 / Σ Σ_c w_c²`, 1 where every pixel weighs the three
    /// colours alike, 0 where the colours of every pixel cancel, 1/3 on average
    /// for independent weights. 1 for a grey filter, nothing for one without
    /// weights.
    #[must_use]
    pub fn grey_share(&self) -> Option<f64> {
        let energy: f64 = self.weights.iter().map(|weight| weight * weight).sum();
        let grey: f64 = self.grey().iter().map(|weight| weight * weight).sum();
        (energy > 0.0).then(|| (grey / (self.channels as f64 * energy)).min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lcl_artefacts::checkpoint::{InputConfig, ModelConfig};

    #[test]
    fn grey_share_is_one_for_grey_and_zero_for_colour() {
        let weights = [1.0, 1.0, 1.0, -2.0, -2.0, -2.0, 1.0, -1.0, 0.0, 0.5, 0.5, -1.0];
        let of = |from: usize| Filter { channels: 3, weights: &weights[from..from + 6] };
        assert_eq!(of(0).grey_share(), Some(1.0));
        assert_eq!(of(0).grey(), [3.0, -6.0]);
        assert_eq!(of(6).grey_share(), Some(0.0));
        assert_eq!(Filter { channels: 3, weights: &[0.0; 6] }.grey_share(), None);
        assert_eq!(Filter { channels: 1, weights: &[0.5] }.grey_share(), Some(1.0));
        assert!(Filters::from_weights(2, 3, vec![0.0; 11]).is_none());
    }

    #[test]
    fn a_checkpoint_gives_activation_per_step_of_a_byte() {
        /// The standard deviation 0.224 is an f32.
        const ROUNDING: f64 = 1e-7;
        let checkpoint = Checkpoint::initial(ModelConfig::default(), InputConfig::default(), 3);
        let filters = Filters::of_checkpoint(&checkpoint);
        assert_eq!((filters.kernel(), filters.iter().count()), (11, 64));
        let (oc, y, x) = (5, 2, 7);
        let weight =
            f64::from(checkpoint.convolutions[0].conv.weight[((oc * 3 + 1) * 11 + y) * 11 + x]);
        let expected = weight / (255.0 * 0.224) / f64::sqrt(1.0 + 1e-5);
        let filter = filters.iter().nth(oc).expect("a filter");
        let [_, green, _] = filter.colours()[y * 11 + x];
        assert!((green / expected - 1.0).abs() < ROUNDING, "{green} {expected}");
        let untrained = Filters::open(&ModelChoice::Untrained(3)).expect("no file is read");
        assert_eq!(untrained, filters);
        for missing in ["no.lcl", "no.safetensors"] {
            let error = Filters::open(&ModelChoice::File(missing.into())).expect_err("no file");
            assert!(error.to_string().contains(missing), "{error}");
        }
    }
}
