//! The two views of an image that each stage learns from (\[LCL\] A.2).
//!
//! A view is a random resized crop of a patch of the image, then brightness and
//! contrast, then grey, then noise, then the normalisation of the input. Of the
//! comparisons and ablations are other patches, left and right exchanged,
//! saturation, hue, blur and solarisation. All values are plain arrays, NHWC.

mod adjust;
mod blur;
mod colour;
mod crop;
mod noise;

pub use crop::{Patch, random_crop};
use pulp::Arch;
use rand::{Rng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use self::{
    adjust::Adjustment,
    blur::Blur,
    colour::{Jitter, Recolour, Recolouring},
    noise::Noise,
};
use crate::config::{InputConfig, JitterOrder, Patches, ViewsConfig};
use lcl_images::{Axis, CropBox, Rows, resize_transposed};

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
    /// How crops of 1, 2 and so on pixels become a stage's views.
    axes: [Vec<Axis>; 2],
}

/// The centre of an image, stored as views are made from it fastest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Centre {
    /// Column by column, `[side, side, 3]`.
    columns: Vec<u8>,
    side: u32,
}

impl Centre {
    /// Creates the centre from its RGB8 rows, `[side, side, 3]`.
    ///
    /// # Panics
    ///
    /// When there are not so many bytes.
    #[must_use]
    pub fn new(rows: &[u8], side: u32) -> Self {
        assert_eq!(rows.len(), (side * side * 3) as usize, "bytes of a centre");
        let whole = CropBox { x: 0, y: 0, width: side, height: side };
        Self { columns: Rows::new(rows, side, whole).transposed(), side }
    }
}

impl ViewMaker {
    /// Creates a maker of views.
    #[must_use]
    pub fn new(views: ViewsConfig, input: InputConfig) -> Self {
        let axes = views.stages.map(|stage| {
            let axis = |length| Axis::by(views.interpolation, length, stage.size);
            (1..=stage.centre).map(axis).collect()
        });
        Self { views, input, axes }
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
    /// `image` is the random stream of the image: each view draws from a stream
    /// of its own within it. The values are clamped to `[0, 1]` after
    /// brightness and after contrast, as torchvision does it, and not after the
    /// noise: clamping would make the noise weaker and one-sided where the image
    /// is dark or bright.
    ///
    /// # Panics
    ///
    /// When `out` has another length, `stage` is neither 0 nor 1, or the centre
    /// is not the one that the configuration keeps.
    pub fn make(
        &self,
        centre: &Centre,
        stage: usize,
        view: View,
        image: &ChaCha8Rng,
        out: &mut [f32],
    ) {
        let config = &self.views.stages[stage];
        let window = self.window(image);
        let shared = &mut within(image, SHARED_STREAMS + stage);
        let patch = Patch::of_views(config, self.views.window(), shared)[view.index()];
        let rng = &mut within(image, 2 * stage + view.index());
        let CropBox { x, y, width, height } = random_crop(config, rng);
        let (x, y) = (x + patch.x + window.x, y + patch.y + window.y);
        let axis = |length: u32| &self.axes[stage][length as usize - 1];
        let transposed = CropBox { x: y, y: x, width: height, height: width };
        let crop = Rows::new(&centre.columns, centre.side, transposed);
        let mut pixels = resize_transposed(crop, axis(width), axis(height));
        let recolouring = self.recolouring(view, rng);
        if rng.random::<f32>() < self.views.flip_probability {
            flip(&mut pixels, config.size as usize);
        }
        Arch::new().dispatch(Recolour { recolouring, bytes: &pixels, out });
    }

    /// Makes the view of an image without chance for `stage`, 0 or 1, into `out`,
    /// `[size, size, 3]`: the whole patch in the middle of the centre, resized and
    /// normalised.
    ///
    /// # Panics
    ///
    /// As [`make`](Self::make).
    pub fn make_plain(&self, centre: &Centre, stage: usize, out: &mut [f32]) {
        let side = self.views.stages[stage].centre;
        let first = (self.views.kept_side - side) / 2;
        let whole = CropBox { x: first, y: first, width: side, height: side };
        let axis = &self.axes[stage][side as usize - 1];
        let bytes = resize_transposed(Rows::new(&centre.columns, centre.side, whole), axis, axis);
        let InputConfig { mean, std } = self.input;
        let recolouring = Recolouring {
            exposure: None,
            jitter: None,
            adjustments: Vec::new(),
            grey: false,
            blur: None,
            solarise: None,
            noise: None,
            mean,
            std,
        };
        Arch::new().dispatch(Recolour { recolouring, bytes: &bytes, out });
    }

    /// Returns where the window of an image's patches lies in its centre.
    fn window(&self, image: &ChaCha8Rng) -> Patch {
        let room = self.views.kept_side - self.views.window();
        match self.views.patches {
            Patches::Centre => Patch { x: room / 2, y: room / 2 },
            Patches::Anywhere => {
                let rng = &mut within(image, WINDOW_STREAM);
                Patch { x: rng.random_range(0..=room), y: rng.random_range(0..=room) }
            }
        }
    }

    fn recolouring(&self, view: View, rng: &mut ChaCha8Rng) -> Recolouring {
        let views = &self.views;
        let jitter = (rng.random::<f32>() < views.jitter_probability).then(|| {
            let mut factor = |spread: f32| rng.random_range(1.0 - spread..=1.0 + spread);
            Jitter { brightness: factor(views.brightness), contrast: factor(views.contrast) }
        });
        let grey = rng.random::<f32>() < views.grey_probability;
        let noise = (rng.random::<f32>() < views.noise_probability[view.index()]).then(|| {
            let [least, most] = views.noise_std;
            let deviation = rng.random_range(least..=most);
            (Noise::new(rng), deviation)
        });
        // What follows is drawn after what every configuration has, which so
        // stays what a seed has always given.
        let blur = (rng.random::<f32>() < views.blur_probability[view.index()]).then(|| {
            let [least, most] = views.blur_sigma;
            Blur::new(rng.random_range(least..=most))
        });
        let solarise = (rng.random::<f32>() < views.solarise_probability[view.index()])
            .then_some(views.solarise_threshold);
        let stops = views.exposure_stops;
        let exposure = (stops > 0.0).then(|| exposed_by(rng.random_range(-stops..=stops)));
        let (jitter, adjustments) = match jitter {
            Some(jitter) => self.adjustments(jitter, rng),
            None => (None, Vec::new()),
        };
        let InputConfig { mean, std } = self.input;
        Recolouring { exposure, jitter, adjustments, grey, blur, solarise, noise, mean, std }
    }

    /// Draws changes of saturation and hue beside those of brightness and
    /// contrast, and the order of all.
    fn adjustments(
        &self,
        jitter: Jitter,
        rng: &mut ChaCha8Rng,
    ) -> (Option<Jitter>, Vec<Adjustment>) {
        let ViewsConfig { saturation, hue, jitter_order, .. } = self.views;
        let mut adjustments = Vec::new();
        if saturation > 0.0 {
            let factor = rng.random_range(1.0 - saturation..=1.0 + saturation);
            adjustments.push(Adjustment::Saturation(factor));
        }
        if hue > 0.0 {
            adjustments.push(Adjustment::Hue(rng.random_range(-hue..=hue)));
        }
        match jitter_order {
            JitterOrder::Fixed => (Some(jitter), adjustments),
            JitterOrder::Random => {
                adjustments.push(Adjustment::Brightness(jitter.brightness));
                adjustments.push(Adjustment::Contrast(jitter.contrast));
                adjustments.shuffle(rng);
                (None, adjustments)
            }
        }
    }
}

/// The first of the streams that the two views of a stage have in common, after
/// those of the views.
const SHARED_STREAMS: usize = 4;

/// The stream that both stages have in common, after those.
const WINDOW_STREAM: usize = SHARED_STREAMS + 2;

/// Returns one of the streams of an image.
fn within(image: &ChaCha8Rng, stream: usize) -> ChaCha8Rng {
    let mut rng = image.clone();
    rng.set_stream(stream as u64);
    rng
}

/// What values are, as a power of light.
const GAMMA: f64 = 2.2;

/// Returns what multiplies values where light changes by that many stops.
#[allow(clippy::cast_possible_truncation, reason = "a factor of 32-bit values")]
fn exposed_by(stops: f32) -> f32 {
    (f64::from(stops) / GAMMA).exp2() as f32
}

/// Exchanges left and right of an RGB8 image of that many columns.
fn flip(pixels: &mut [u8], columns: usize) {
    for row in pixels.chunks_exact_mut(3 * columns) {
        for (left, right) in (0..columns / 2).zip((0..columns).rev()) {
            for channel in 0..3 {
                row.swap(3 * left + channel, 3 * right + channel);
            }
        }
    }
}

#[cfg(test)]
mod tests;
