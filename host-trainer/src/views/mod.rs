//! The two views of an image that each stage learns from (\[LCL\] A.2).
//!
//! A view is a random resized crop of the image's centre, then brightness and
//! contrast, then grey, then noise, then the normalisation of the input. All
//! values are plain arrays, NHWC.

mod colour;
mod crop;

pub use colour::{add_noise, adjust_brightness, adjust_contrast, to_grey};
pub use crop::random_crop;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::{
    config::{InputConfig, StageViewConfig, ViewsConfig},
    data::{CENTRE_SIDE, CropBox, resize_crop},
};

/// Which of the two views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The noisy one.
    A,
    /// The clean one.
    B,
}

impl View {
    /// Both views, in the order of their arrays.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// Returns the view's place in arrays.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// What the views are made with.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewMaker {
    views: ViewsConfig,
    input: InputConfig,
}

impl ViewMaker {
    /// Creates a maker of views.
    #[must_use]
    pub fn new(views: ViewsConfig, input: InputConfig) -> Self {
        Self { views, input }
    }

    /// Returns the number of values in a view for stage `stage`, 0 or 1.
    ///
    /// # Panics
    ///
    /// When `stage` is neither.
    #[must_use]
    pub fn view_len(&self, stage: usize) -> usize {
        (self.views.stages[stage].size * self.views.stages[stage].size * 3) as usize
    }

    /// Returns the side of a view for stage `stage`, 0 or 1, in pixels.
    ///
    /// # Panics
    ///
    /// When `stage` is neither.
    #[must_use]
    pub fn side(&self, stage: usize) -> u32 {
        self.views.stages[stage].size
    }

    /// Makes one view for `stage`, 0 or 1, into `out`, `[size, size, 3]`.
    ///
    /// `centre` is RGB8, `[112, 112, 3]`; `rng` is this view's own stream. The
    /// values are clamped to `[0, 1]` after brightness and after contrast, as
    /// torchvision does it, and not after the noise: clamping would make the
    /// noise weaker and one-sided where the image is dark or bright.
    ///
    /// # Panics
    ///
    /// When an array has another length, or `stage` is neither 0 nor 1.
    pub fn make(
        &self,
        centre: &[u8],
        stage: usize,
        view: View,
        rng: &mut ChaCha8Rng,
        out: &mut [f32],
    ) {
        let config = &self.views.stages[stage];
        let crop = random_crop(config, rng);
        let pixels =
            resize_crop(centre, CENTRE_SIDE, centred(crop, config), (config.size, config.size));
        assert_eq!(pixels.len(), out.len(), "values of a view");
        for (value, byte) in out.iter_mut().zip(&pixels) {
            *value = f32::from(*byte) / 255.0;
        }
        self.recolour(view, rng, out);
        for pixel in out.chunks_exact_mut(3) {
            let moments = self.input.mean.iter().zip(&self.input.std);
            for (value, (mean, std)) in pixel.iter_mut().zip(moments) {
                *value = (*value - mean) / std;
            }
        }
    }

    fn recolour(&self, view: View, rng: &mut ChaCha8Rng, pixels: &mut [f32]) {
        let views = &self.views;
        if rng.random::<f32>() < views.jitter_probability {
            let mut factor = |spread: f32| rng.random_range(1.0 - spread..=1.0 + spread);
            let (brightness, contrast) = (factor(views.brightness), factor(views.contrast));
            adjust_brightness(pixels, brightness);
            adjust_contrast(pixels, contrast);
        }
        if rng.random::<f32>() < views.grey_probability {
            to_grey(pixels);
        }
        if rng.random::<f32>() < views.noise_probability[view.index()] {
            let [least, most] = views.noise_std;
            let deviation = rng.random_range(least..=most);
            add_noise(pixels, deviation, rng);
        }
    }
}

/// Moves a crop of the stage's own centre to where that lies in the kept one.
fn centred(crop: CropBox, config: &StageViewConfig) -> CropBox {
    let margin = (CENTRE_SIDE - config.centre) / 2;
    CropBox { x: crop.x + margin, y: crop.y + margin, ..crop }
}

#[cfg(test)]
mod tests;
