//! What the calibration images say of every channel, in two passes.
//!
//! The first pass, [`Ranges`], finds how large values become and how the inputs
//! of the convolutions vary. The second, [`RangeSearch`], tries several ranges
//! for the bytes of every channel and keeps the one whose pooled bytes are
//! nearest to the float features. What an image shows of a range counts only for
//! the other images (leave-one-out cross-validation): features have long tails,
//! and the next image may well go beyond all that were seen.

use image::RgbImage;
use lcl_infer::{
    Architecture, ImageSize, Layer, LayerKind, PoolOrder,
    reference::pool_ref,
    shape::{Sums, pooled_side},
};
use rayon::prelude::*;

use super::{conv::nearest_byte, material::Material, moments::Moments};
use lcl_artefacts::{
    feature_map::{FeatureMap, FloatFeatures},
    sized_image::rows,
};

/// Ranges that are tried, as multiples of the largest value of other images.
const FACTORS: [f64; 13] = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0];

/// How much wider the ranges of dense layers are than what the images show: `1 +
/// this / √images`, as of the convolutions behind the first.
const DENSE_ROOM: f64 = 2.4;

/// What quantisation needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// The blob's architecture.
    pub architecture: Architecture,
    /// The images.
    pub material: Material,
    /// One entry for each convolution, in order.
    pub convolutions: Vec<CalibratedConv>,
    /// One entry for each divisive normalisation, in order.
    pub norms: Vec<CalibratedRanges>,
    /// Of a colour-opponent retina, the one range of all its channels.
    pub retina: Option<CalibratedRanges>,
    /// For each dense layer that gives bytes, the value that byte 255 should stand
    /// for, `[outputs]`.
    pub dense: Vec<Vec<f64>>,
}

/// What quantising one convolution needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct CalibratedConv {
    /// How large its output becomes.
    pub ranges: CalibratedRanges,
    /// Moments of its input: bytes of the image, or real features.
    pub input: Moments,
}

/// How large the output of one layer becomes.
#[derive(Clone, Debug, PartialEq)]
pub struct CalibratedRanges {
    /// The value that byte 255 should stand for, `[out_c]`; `None` for a
    /// channel that no calibration image makes active.
    pub largest: Vec<Option<f64>>,
    /// The largest value that any calibration image shows, `[out_c]`.
    pub shown: Vec<f64>,
}

/// First pass: the largest activation of every channel, and the moments of
/// every convolution's input.
#[derive(Clone, Debug)]
pub struct Ranges {
    architecture: Architecture,
    material: Material,
    /// Of all layers that have a scale for each channel, in order.
    layers: Vec<LayerRanges>,
    /// Position among the layers and largest activation of each output of dense
    /// layers that give bytes.
    dense: Vec<(usize, Vec<f64>)>,
}

#[derive(Clone, Debug)]
struct LayerRanges {
    /// Position among the layers.
    at: usize,
    /// The order of the pool behind it, if there is one.
    pool: Option<PoolOrder>,
    /// `[out_c]`
    largest: Vec<Largest>,
    kind: RangesOf,
}

/// Which layer ranges are of.
#[derive(Clone, Debug)]
enum RangesOf {
    /// A convolution, with the moments of its input.
    Conv(Moments),
    /// A divisive normalisation.
    Norm,
    /// A colour-opponent retina, all channels of which have one range.
    Opponent,
}

/// The largest activation of one channel, and the largest of all images but
/// the one that it is from.
#[derive(Clone, Copy, Debug, Default)]
struct Largest {
    value: f64,
    image: usize,
    of_others: f64,
}

impl Largest {
    /// Adds the largest activation of one more image.
    fn add(&mut self, image: usize, value: f64) {
        if value > self.value {
            *self = Self { value, image, of_others: self.value };
        } else {
            self.of_others = self.of_others.max(value);
        }
    }

    /// Returns the largest activation of all images but one, or of that one
    /// where no other has any.
    fn without(&self, image: usize) -> f64 {
        if image == self.image && self.of_others > 0.0 { self.of_others } else { self.value }
    }
}

impl Ranges {
    /// Starts with no image, for a blob of that architecture.
    #[must_use]
    pub fn new(architecture: Architecture) -> Self {
        let layers = architecture.layers();
        let with_scales = layers.iter().enumerate().filter_map(|(at, layer)| {
            let (channels, kind) = match layer.kind {
                LayerKind::Conv(conv) => (conv.out_c(), RangesOf::Conv(Moments::new(conv))),
                LayerKind::Norm(norm) => (norm.channels(), RangesOf::Norm),
                LayerKind::Opponent(_) => (layer.kind.out_c(0), RangesOf::Opponent),
                _ => return None,
            };
            let pool = match layers.get(at + 1) {
                Some(Layer { kind: LayerKind::Pool(order), .. }) => Some(*order),
                _ => None,
            };
            Some(LayerRanges { at, pool, largest: vec![Largest::default(); channels], kind })
        });
        let with_scales = with_scales.collect();
        let dense = layers.iter().enumerate().filter_map(|(at, layer)| match layer.kind {
            LayerKind::Dense(dense) if dense.sums() == Sums::Bytes => {
                Some((at, vec![0.0; dense.outputs()]))
            }
            _ => None,
        });
        let dense = dense.collect();
        Self { architecture, material: Material::default(), layers: with_scales, dense }
    }

    /// Adds a batch of images with the features that they give; where the blob
    /// takes grey images, these are the features of [`as_seen`](lcl_artefacts::sized_image::as_seen).
    pub fn add(&mut self, images: &[RgbImage], features: &FloatFeatures) {
        let first = self.material.images;
        for image in images {
            self.material.add(image);
        }
        for (at, largest) in &mut self.dense {
            for pixel in features.layers[*at].map.data.chunks_exact(largest.len().max(1)) {
                for (largest, &value) in largest.iter_mut().zip(pixel) {
                    *largest = f64::max(*largest, value.into());
                }
            }
        }
        for ranges in &mut self.layers {
            if let RangesOf::Conv(input) = &mut ranges.kind {
                match ranges.at.checked_sub(1).map(|before| &features.layers[before].map) {
                    Some(map) => {
                        for image in map.images() {
                            input.add(map.h, map.w, image);
                        }
                    }
                    None => {
                        for image in images {
                            let bytes = rows(image, self.architecture.input());
                            let bytes: Vec<f32> = bytes.iter().map(|&byte| byte.into()).collect();
                            input.add(image.height() as usize, image.width() as usize, &bytes);
                        }
                    }
                }
            }
            for (image, activation) in (first..).zip(features.layers[ranges.at].map.images()) {
                ranges.add(image, activation);
            }
        }
    }

    /// Starts the second pass.
    #[must_use]
    pub fn search(self) -> RangeSearch {
        let errors = self.layers.iter();
        let errors = errors.map(|ranges| FACTORS.map(|_| vec![0.0; ranges.largest.len()]));
        RangeSearch { errors: errors.collect(), ranges: self, images: 0 }
    }
}

impl LayerRanges {
    fn add(&mut self, image: usize, activation: &[f32]) {
        let mut of_image = vec![0.0; self.largest.len()];
        for pixel in activation.chunks_exact(of_image.len()) {
            for (largest, &value) in of_image.iter_mut().zip(pixel) {
                *largest = f64::max(*largest, value.into());
            }
        }
        if matches!(self.kind, RangesOf::Opponent) {
            let of_all = of_image.iter().copied().fold(0.0, f64::max);
            of_image.fill(of_all);
        }
        for (largest, value) in self.largest.iter_mut().zip(of_image) {
            largest.add(image, value);
        }
    }
}

/// Second pass: the squared error of every range of every channel.
#[derive(Clone, Debug)]
pub struct RangeSearch {
    ranges: Ranges,
    /// Images so far.
    images: usize,
    /// For each layer and factor, `[out_c]`.
    errors: Vec<[Vec<f64>; FACTORS.len()]>,
}

impl RangeSearch {
    /// Adds the features of a batch of images, in the order of the first pass.
    pub fn add(&mut self, features: &FloatFeatures) {
        let first = self.images;
        for (ranges, errors) in self.ranges.layers.iter().zip(&mut self.errors) {
            let of_layer = &features.layers[ranges.at].map;
            let of_pool = ranges.pool.map_or(of_layer, |_| &features.layers[ranges.at + 1].map);
            errors.par_iter_mut().zip(FACTORS).for_each(|(errors, factor)| {
                let images = of_layer.images().zip(of_pool.images());
                for (image, (activation, output)) in (first..).zip(images) {
                    let step = |largest: &Largest| factor * largest.without(image) / 255.0;
                    let steps: Vec<f64> = ranges.largest.iter().map(step).collect();
                    let bytes = bytes_of(activation, &steps, ranges.pool, of_layer);
                    add_squared_error(errors, output, &bytes, &steps);
                }
            });
        }
        self.images += features.layers.first().map_or(0, |layer| layer.map.n);
    }

    /// Returns the range of least error for every channel.
    #[must_use]
    pub fn finish(self) -> Calibration {
        let Ranges { architecture, material, layers, dense } = self.ranges;
        let room = 1.0 + DENSE_ROOM / (material.images.max(1) as f64).sqrt();
        let dense = dense
            .into_iter()
            .map(|(_, largest)| largest.into_iter().map(|largest| room * largest).collect());
        let mut calibration = Calibration {
            architecture,
            material,
            convolutions: Vec::new(),
            norms: Vec::new(),
            retina: None,
            dense: dense.collect(),
        };
        for (layer, errors) in layers.into_iter().zip(&self.errors) {
            let ranges = calibrated(&layer, errors);
            match layer.kind {
                RangesOf::Conv(input) => {
                    calibration.convolutions.push(CalibratedConv { ranges, input });
                }
                RangesOf::Norm => calibration.norms.push(ranges),
                RangesOf::Opponent => calibration.retina = Some(ranges),
            }
        }
        calibration
    }
}

/// Returns the range of least error for every channel.
///
/// What a channel's own error says hangs on its one or two largest images, so
/// its factor is at least that of least error for the layer as a whole.
fn calibrated(layer: &LayerRanges, errors: &[Vec<f64>; FACTORS.len()]) -> CalibratedRanges {
    let least = |error: &dyn Fn(&[f64]) -> f64| {
        let candidates = FACTORS.into_iter().zip(errors.each_ref().map(|of_all| error(of_all)));
        candidates.min_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(1.0, |(factor, _)| factor)
    };
    let of_layer = least(&|of_all| of_all.iter().sum());
    let one_range = matches!(layer.kind, RangesOf::Opponent);
    let range = |(channel, largest): (usize, &Largest)| {
        let own = if one_range { of_layer } else { least(&|of_all| of_all[channel]) };
        (largest.value > 0.0).then_some(own.max(of_layer) * largest.value)
    };
    CalibratedRanges {
        largest: layer.largest.iter().enumerate().map(range).collect(),
        shown: layer.largest.iter().map(|largest| largest.value).collect(),
    }
}

/// Returns what a blob would give for the activations of one image in `steps`,
/// behind the pool if there is one.
fn bytes_of(
    activation: &[f32],
    steps: &[f64],
    pool: Option<PoolOrder>,
    shape: &FeatureMap,
) -> Vec<u8> {
    let size = ImageSize { width: shape.w, height: shape.h };
    let values = activation.iter().zip(steps.iter().cycle());
    let bytes: Vec<u8> =
        values.map(|(&value, &step)| nearest_byte(f64::from(value), step)).collect();
    let Some(pool) = pool else { return bytes };
    let mut pooled = vec![0; pooled_side(size.width) * pooled_side(size.height) * shape.c];
    pool_ref(pool, size, shape.c, &bytes, &mut pooled);
    pooled
}

/// Adds, for every channel, the squared difference between the float output of
/// one image and bytes in `steps`.
fn add_squared_error(errors: &mut [f64], output: &[f32], bytes: &[u8], steps: &[f64]) {
    for (at, (&value, &byte)) in output.iter().zip(bytes).enumerate() {
        let channel = at % steps.len();
        let error = f64::from(value) - steps[channel] * f64::from(byte);
        errors[channel] += error * error;
    }
}

#[cfg(test)]
mod tests {
    use lcl_infer::ConvGeometry;

    use super::*;

    /// Returns the range that is found for one channel. Each image's values lie
    /// in a row and are pooled by maximum.
    fn range(images: &[Vec<f32>]) -> Option<f64> {
        let conv = ConvGeometry::new(1, 1, 1, 1, 0).expect("valid");
        let (pool, largest) = (Some(PoolOrder::Max), vec![Largest::default()]);
        let kind = RangesOf::Conv(Moments::new(conv));
        let mut ranges = LayerRanges { at: 0, pool, largest, kind };
        for (image, activation) in images.iter().enumerate() {
            ranges.add(image, activation);
        }
        let errors = FACTORS.map(|factor| {
            let mut errors = [0.0];
            for (image, activation) in images.iter().enumerate() {
                let window = |x: usize| &activation[(2 * x).saturating_sub(1)..2 * x + 2];
                let column = |x: usize| window(x).iter().copied().fold(0.0, f32::max);
                let output: Vec<f32> = (0..activation.len() / 2).map(column).collect();
                let shape = FeatureMap { n: 1, h: 1, w: activation.len(), c: 1, data: Vec::new() };
                let steps = [factor * ranges.largest[0].without(image) / 255.0];
                let bytes = bytes_of(activation, &steps, pool, &shape);
                add_squared_error(&mut errors, &output, &bytes, &steps);
            }
            errors.to_vec()
        });
        calibrated(&ranges, &errors).largest[0]
    }

    /// Values from 0 to 100, on no grid that a step could meet.
    fn spread(image: u32) -> Vec<f32> {
        let value = |x: u32| ((x + image) * 7919 % 99_991) as f32 / 999.91;
        (0..2000).map(value).collect()
    }

    #[test]
    fn range_is_what_all_images_show() {
        let images: Vec<Vec<f32>> = (0..16).map(spread).collect();
        let largest = range(&images).expect("active");
        assert!((99.0..111.0).contains(&largest), "{largest}");
    }

    #[test]
    fn range_leaves_room_where_one_image_goes_far_beyond_the_others() {
        let mut images: Vec<Vec<f32>> = (0..16).map(spread).collect();
        images[0][1] = 160.0;
        // With n = 16 · 1000 outputs and a factor f, rounding costs about
        // n · (160 f)² / (12 · 255²) and clipping, where only the others count,
        // 2 · (160 - 100 f)². Of the factors tried, 1.5 costs least.
        let largest = range(&images).expect("active");
        assert!((largest - 1.5 * 160.0).abs() < 1e-9, "{largest}");
    }

    #[test]
    fn one_image_counts_for_itself() {
        let largest = range(&[spread(0)]).expect("active");
        assert!((99.0..111.0).contains(&largest), "{largest}");
    }

    #[test]
    fn silent_channel_has_no_range() {
        assert_eq!(range(&[vec![0.0; 8], vec![0.0; 8]]), None);
    }
}
