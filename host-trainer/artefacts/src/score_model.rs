//! Networks that name images, as evaluation sees them, and a blob of one.

use std::fmt::Debug;

use image::RgbImage;
use lcl_infer::{
    Frontend, FrontendError, ImageSize, Name, PixelFormat, RowError, blob::SECTION_LABELS,
    parameters::Operation, shape::Sums, sums,
};
use rayon::prelude::*;

use crate::{
    blob_file::{BlobError, BlobFile},
    feature_model::FeatureError,
    recogniser::check_classes,
};

/// A network that gives each class a score.
pub trait ScoreModel: Debug {
    /// Returns the names of the classes, in the order of the scores.
    fn classes(&self) -> &[String];

    /// Returns the side of the images that it is meant for, in pixels.
    fn side(&self) -> u32;

    /// Returns the scores of each image, before the softmax, of images of that
    /// side.
    ///
    /// # Errors
    ///
    /// When the images differ in size or do not fit, or memory runs out.
    fn scores(&self, images: &[RgbImage]) -> Result<Vec<Vec<f32>>, FeatureError>;
}

/// Returns the probabilities that scores stand for, their softmax.
#[must_use]
pub fn probabilities(scores: &[f32]) -> Vec<f64> {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f64> =
        scores.iter().map(|&score| f64::from(score - largest).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.into_iter().map(|value| value / sum).collect()
}

/// A blob names no images.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobScoresError {
    /// The blob cannot be read.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// It has no classes.
    #[error(
        "the blob names no classes: {reason}; quantise a checkpoint of lcl-v2net or \
         lcl-v2net-small"
    )]
    NoClasses {
        /// Why not.
        reason: String,
    },
    /// The layers cannot stream such images.
    #[error(transparent)]
    Frontend(#[from] FrontendError),
    /// An image has another size than the blob is run with.
    #[error("an image has another size than the model is run with: {0}")]
    Row(#[from] RowError),
    /// The last layer has not one pixel.
    #[error(
        "for images of {side} pixels the last layer gives {pixels} pixels instead of one; give \
         images of the side that the blob was quantised for, with --size"
    )]
    Pixels {
        /// Side of the images.
        side: u32,
        /// Pixels of the last map.
        pixels: usize,
    },
}

/// A blob that names images.
#[derive(Debug)]
pub struct BlobRecogniser {
    file: BlobFile,
    classes: Vec<String>,
    tap: Name,
    side: u32,
}

impl BlobRecogniser {
    /// Takes a blob, to be run on images of that side.
    ///
    /// # Errors
    ///
    /// When it has no class names, its last layer hands out no sums, or images of
    /// that side do not fit.
    pub fn new(file: BlobFile, side: u32) -> Result<Self, BlobScoresError> {
        let none = |reason: &str| BlobScoresError::NoClasses { reason: reason.to_owned() };
        let blob = file.open()?;
        let section = blob.section(SECTION_LABELS);
        let section = section.ok_or_else(|| none("it has no section of labels"))?;
        let text = std::str::from_utf8(section).map_err(|_| none("its labels are no UTF-8"))?;
        let classes: Vec<String> = text.lines().map(str::to_owned).collect();
        check_classes(&classes).map_err(|reason| none(&reason))?;
        let last = blob.layers().last();
        let last = last.and_then(|layer| Some((layer.tap?, layer.operation)));
        let outputs = last.and_then(|(tap, operation)| match operation {
            Operation::Dense(dense) if dense.dense.geometry().sums() == Sums::Words => {
                Some((tap, dense.dense.geometry().outputs()))
            }
            _ => None,
        });
        let Some((tap, outputs)) = outputs else {
            return Err(none("its last layer hands out no sums"));
        };
        if outputs != classes.len() {
            let (labels, reason) = (classes.len(), "labels and its last layer");
            return Err(none(&format!("it has {labels} {reason} {outputs} outputs")));
        }
        let size = ImageSize::square(side as usize);
        let frontend = Frontend::new(&blob, size, vec![0; blob.memory_len(size.width)]);
        let frontend = frontend.map_err(FrontendError::from)?;
        let map = frontend.map_size(tap).unwrap_or(ImageSize { width: 0, height: 0 });
        let pixels = map.width * map.height;
        if pixels != 1 {
            return Err(BlobScoresError::Pixels { side, pixels });
        }
        drop(frontend);
        Ok(Self { file, classes, tap, side })
    }

    fn of_image(&self, image: &RgbImage) -> Result<Vec<f32>, BlobScoresError> {
        let blob = self.file.open()?;
        let size = ImageSize::square(self.side as usize);
        let frontend = Frontend::new(&blob, size, vec![0; blob.memory_len(size.width)]);
        let frontend = frontend.map_err(FrontendError::from)?.with_pixels(PixelFormat::Rgb888);
        let mut frontend = frontend.map_err(FrontendError::from)?;
        let scales = blob.output_scale(self.tap).unwrap_or_default();
        let mut scores = Vec::new();
        frontend.run_frame(image.as_raw(), |row| {
            if row.tap == self.tap {
                let real = sums(row.values).zip(scales.iter());
                #[expect(clippy::cast_precision_loss, reason = "scores are compared")]
                scores.extend(real.map(|(sum, scale)| sum as f32 * scale));
            }
        })?;
        Ok(scores)
    }
}

impl ScoreModel for BlobRecogniser {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn side(&self) -> u32 {
        self.side
    }

    fn scores(&self, images: &[RgbImage]) -> Result<Vec<Vec<f32>>, FeatureError> {
        let scores = images.par_iter().map(|image| self.of_image(image));
        scores.collect::<Result<_, _>>().map_err(FeatureError::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_the_softmax_whatever_the_scores() {
        let expected = [1.0_f64, 2.0, 3.0].map(|score| score.exp() / 30.192_874_9);
        let shares = probabilities(&[1000.0, 1001.0, 1002.0]);
        for (share, expected) in shares.into_iter().zip(expected) {
            assert!((share - expected).abs() < 1e-6);
        }
    }
}
