//! Some of the views that the stages learn from.

use crate::{config::InputConfig, loader::Batch};
use lcl_pages::picture::{Picture, byte};

/// Most images that are shown.
const IMAGES: usize = 6;

/// Views A and B of a few held-out images, for both stages.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleViews {
    images: usize,
    sides: [usize; 2],
    /// For each stage, views A and B, RGB8 `[images, side, side, 3]`.
    views: [[Vec<u8>; 2]; 2],
}

impl SampleViews {
    /// Takes the views of the first images of a batch back to what they look
    /// like; what the noise took out of `[0, 1]` is clamped.
    #[must_use]
    pub fn of(batch: &Batch, input: InputConfig) -> Self {
        let images = batch.images.min(IMAGES);
        let views = [0, 1].map(|stage: usize| {
            let len = images * batch.sides[stage] * batch.sides[stage] * 3;
            [0, 1].map(|view: usize| {
                let moments = input.mean.iter().zip(&input.std).cycle();
                let values = batch.views[stage][view][..len].iter().zip(moments);
                values.map(|(value, (mean, std))| byte(value * std + mean)).collect()
            })
        });
        Self { images, sides: batch.sides, views }
    }

    /// Returns the number of images.
    pub(super) fn images(&self) -> usize {
        self.images
    }

    /// Returns the side of a stage's views, in pixels.
    pub(super) fn side(&self, stage: usize) -> usize {
        self.sides[stage]
    }

    /// Returns view A, 0, or B, 1, of one image for a stage.
    pub(super) fn picture(&self, stage: usize, view: usize, image: usize) -> Picture {
        let side = self.sides[stage];
        let len = side * side * 3;
        Picture::of_rgb(side, side, &self.views[stage][view][image * len..(image + 1) * len])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_look_as_they_did_before_normalisation() {
        let input = InputConfig { mean: [0.5, 0.25, 0.0], std: [0.25, 0.5, 1.0] };
        // Red 1, green 0.5 and blue below 0, twice as many images as are shown.
        let view = |side: usize| [2.0_f32, 0.5, -0.5].repeat(side * side * 2 * IMAGES);
        let views = [1, 2].map(|side| [view(side), view(side)]);
        let views = views.map(|stage| stage.map(Into::into));
        let batch = Batch { images: 2 * IMAGES, sides: [1, 2], views, labels: Vec::new() };
        let samples = SampleViews::of(&batch, input);
        assert_eq!((samples.images(), samples.side(1)), (IMAGES, 2));
        let expected = Picture::of_rgb(2, 2, &[255, 128, 0].repeat(4));
        assert_eq!(samples.picture(1, 0, IMAGES - 1), expected);
    }
}
