//! A checkpoint as a float network in plain loops, with batch norm folded in.
//!
//! It needs no libtorch, and its sums have one order, so that every processor
//! gives the same features to the last bit. [`quantise`](crate::quantise) and
//! the [error budget](crate::budget) stand on it. Parts of it may be those of a
//! quantised model: the weights of a convolution, or its bytes.

use image::RgbImage;
use lcl_infer::{
    Architecture, ConvGeometry, ImageSize, InputFormat, PoolOrder,
    reference::pool_ref,
    shape::{Border, pooled_side, reflect},
};
use rayon::prelude::*;

use super::{
    FoldedConv, InputChannel, QuantiseError, QuantisedConv,
    conv::nearest_byte,
    opponent::opponent,
    plan::{Part, Plan},
};
use lcl_artefacts::{
    checkpoint::Checkpoint,
    feature_map::{FeatureMap, FloatFeatures, LayerFeatures},
    feature_model::{FeatureError, FeatureModel},
};

/// Channels whose sums are computed together.
const CHANNELS: usize = 8;

/// Windows whose sums are computed together.
const WINDOWS: usize = 4;

/// Images cannot be passed through the network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FoldedError {
    /// The images of a batch differ in size.
    #[error("an image has {got:?} pixels and the first of its batch {expected:?}")]
    UnequalImages {
        /// Width and height of the first.
        expected: (u32, u32),
        /// Width and height of another.
        got: (u32, u32),
    },
    /// An image is smaller than the network can take.
    #[error("the least side of an image is {least} pixels, not {side}")]
    ImageTooSmall {
        /// Its shorter side.
        side: usize,
        /// What is needed.
        least: usize,
    },
}

/// A float network in plain loops.
#[derive(Clone, Debug)]
pub struct FoldedNetwork {
    architecture: Architecture,
    /// In the order of the architecture.
    steps: Vec<Step>,
}

/// One layer in floats.
#[derive(Clone, Debug)]
enum Step {
    /// The colour-opponent retina.
    Opponent,
    /// A trained convolution.
    Conv(Convolution),
    /// Centre–surround of the first channels; the others pass.
    Surround(Convolution),
    /// A divisive normalisation, whose denominators the convolution gives.
    Norm(Convolution),
    /// A pool.
    Pool(PoolOrder),
}

/// A convolution with everything folded in, on what the layer before gives.
#[derive(Clone, Debug)]
struct Convolution {
    geometry: ConvGeometry,
    /// `[out_c / CHANNELS, taps, CHANNELS]`, rounded up with zeros.
    weights: Vec<[f32; CHANNELS]>,
    /// `[out_c]`
    bias: Vec<f32>,
    /// Whether its output goes through bytes.
    bytes: Option<Bytes>,
}

/// The bytes that the output of a convolution goes through.
#[derive(Clone, Debug)]
struct Bytes {
    /// What one step of each channel's byte is worth, `[out_c]`.
    steps: Vec<f32>,
    /// Whether only the output of the pool behind it goes through them.
    last: bool,
}

impl FoldedNetwork {
    /// Folds the layers of a checkpoint.
    ///
    /// # Errors
    ///
    /// When it has a component that no blob can carry.
    pub fn new(checkpoint: &Checkpoint) -> Result<Self, QuantiseError> {
        let Plan { architecture, parts } = Plan::new(checkpoint, InputFormat::Rgb888)?;
        let mut sees_image = true;
        let steps = parts.iter().map(|part| {
            let step = match part {
                Part::Opponent => Step::Opponent,
                Part::Conv(geometry, weights) => {
                    let input = if sees_image {
                        InputChannel::of_image(checkpoint.mean, checkpoint.std).to_vec()
                    } else {
                        vec![InputChannel { scale: 1.0, offset: 0.0 }; geometry.in_c()]
                    };
                    Step::Conv(Convolution::new(&FoldedConv::new(*geometry, weights, &input)))
                }
                Part::Surround(folded) => Step::Surround(Convolution::new(folded)),
                Part::Norm(norm) => Step::Norm(Convolution::new(&norm.denominators())),
                Part::Pool(order) => Step::Pool(*order),
            };
            sees_image = false;
            step
        });
        let steps = steps.collect();
        Ok(Self { architecture, steps })
    }

    /// Returns trained convolution `at`.
    ///
    /// # Panics
    ///
    /// When there are not so many.
    fn convolution(&mut self, at: usize) -> &mut Convolution {
        let convolutions = self.steps.iter_mut().filter_map(|step| match step {
            Step::Conv(conv) => Some(conv),
            _ => None,
        });
        convolutions.into_iter().nth(at).unwrap_or_else(|| panic!("no trained convolution {at}"))
    }

    /// Replaces the weights and biases of trained convolution `at` by the integers
    /// of a quantised one, on inputs of which one step of a byte is worth `input`.
    ///
    /// # Panics
    ///
    /// When the quantised convolution has another shape.
    #[must_use]
    pub fn with_weights(mut self, at: usize, quantised: &QuantisedConv, input: &[f32]) -> Self {
        let conv = self.convolution(at);
        let bytes = conv.bytes.take();
        *conv = Convolution { bytes, ..Convolution::new(&quantised.dequantised(input)) };
        self
    }

    /// Passes the output of trained convolution `at`, and of the pool behind it,
    /// through bytes of these steps, `[out_c]`.
    ///
    /// # Panics
    ///
    /// When there are not so many convolutions.
    #[must_use]
    pub fn with_bytes(mut self, at: usize, steps: &[f32]) -> Self {
        self.convolution(at).bytes = Some(Bytes { steps: steps.to_vec(), last: false });
        self
    }

    /// Passes the output of the pool behind trained convolution `at` alone through
    /// bytes of these steps, `[out_c]`.
    ///
    /// # Panics
    ///
    /// When there are not so many convolutions.
    #[must_use]
    pub fn with_last_bytes(mut self, at: usize, steps: &[f32]) -> Self {
        self.convolution(at).bytes = Some(Bytes { steps: steps.to_vec(), last: true });
        self
    }

    /// Returns what every layer gives for images of equal size.
    ///
    /// # Errors
    ///
    /// When the images differ in size or are too small.
    pub fn forward(&self, images: &[RgbImage]) -> Result<FloatFeatures, FoldedError> {
        let expected = images.first().map_or((0, 0), RgbImage::dimensions);
        if let Some(other) = images.iter().find(|image| image.dimensions() != expected) {
            return Err(FoldedError::UnequalImages { expected, got: other.dimensions() });
        }
        let (side, least) =
            (expected.0.min(expected.1) as usize, self.architecture.min_image_side());
        if side < least {
            return Err(FoldedError::ImageTooSmall { side, least });
        }
        let of_images: Vec<Vec<FeatureMap>> =
            images.par_iter().map(|image| self.forward_one(image)).collect();
        let mut layers: Vec<LayerFeatures> = Vec::new();
        for (at, &layer) in self.architecture.layers().iter().enumerate() {
            let maps = || of_images.iter().map(|maps| &maps[at]);
            let Some(&FeatureMap { h, w, c, .. }) = maps().next() else { break };
            let data = maps().flat_map(|map| &map.data).copied().collect();
            layers
                .push(LayerFeatures { layer, map: FeatureMap { n: images.len(), h, w, c, data } });
        }
        Ok(FloatFeatures { layers })
    }

    fn forward_one(&self, image: &RgbImage) -> Vec<FeatureMap> {
        let mut bytes = None;
        let (w, h) = (image.width() as usize, image.height() as usize);
        let data = image.as_raw().iter().map(|&byte| f32::from(byte)).collect();
        let image = FeatureMap { n: 1, h, w, c: 3, data };
        let mut maps: Vec<FeatureMap> = Vec::new();
        for step in &self.steps {
            let input = maps.last().unwrap_or(&image);
            let next = match step {
                Step::Opponent => opponent(input),
                Step::Conv(conv) => {
                    bytes = conv.bytes.as_ref();
                    conv.forward(input)
                }
                Step::Surround(conv) => surrounded(conv, input),
                Step::Norm(denominators) => divided(denominators, input),
                Step::Pool(order) => match bytes {
                    None => pool(*order, input),
                    Some(Bytes { steps, last: false }) => pool_bytes(*order, input, steps),
                    Some(Bytes { steps, last: true }) => {
                        let mut map = pool(*order, input);
                        through_bytes(&mut map.data, steps);
                        map
                    }
                },
            };
            maps.push(next);
        }
        maps
    }
}

impl FeatureModel for FoldedNetwork {
    fn features(&self, images: &[RgbImage]) -> Result<FloatFeatures, FeatureError> {
        self.forward(images).map_err(FeatureError::new)
    }
}

impl Convolution {
    #[expect(clippy::cast_possible_truncation, reason = "rounded to f32 on purpose")]
    fn new(folded: &FoldedConv) -> Self {
        let taps = folded.conv.taps();
        let filters: Vec<&[f64]> = folded.weights.chunks_exact(taps).collect();
        let mut weights = Vec::new();
        for filters in filters.chunks(CHANNELS) {
            weights.extend((0..taps).map(|tap| {
                let mut of_tap = [0.0; CHANNELS];
                for (weight, filter) in of_tap.iter_mut().zip(filters) {
                    *weight = filter[tap] as f32;
                }
                of_tap
            }));
        }
        let bias = folded.bias.iter().map(|&bias| bias as f32).collect();
        Self { geometry: folded.conv, weights, bias, bytes: None }
    }

    /// `[1, H, W, in_c]` to `[1, out(H), out(W), out_c]`, behind the ReLU.
    fn forward(&self, input: &FeatureMap) -> FeatureMap {
        let (geometry, out_c) = (self.geometry, self.bias.len());
        let (in_c, taps, kernel) = (geometry.in_c(), geometry.taps(), geometry.kernel());
        let (stride, padding) = (geometry.stride(), geometry.padding());
        let (h, w) = (geometry.out_side(input.h), geometry.out_side(input.w));
        let inside = |padded: usize, side: usize| match geometry.border() {
            Border::Reflect => Some(reflect(padded, padding, side)),
            Border::Zero => padded.checked_sub(padding).filter(|&at| at < side),
        };
        let mut data = vec![0.0; h * w * out_c];
        let mut windows = vec![0.0; w * taps];
        for (y, out) in data.chunks_exact_mut((w * out_c).max(1)).enumerate() {
            for (x, window) in windows.chunks_exact_mut(taps).enumerate() {
                for (at, pixel) in window.chunks_exact_mut(in_c).enumerate() {
                    let row = inside(y * stride + at / kernel, input.h);
                    let column = inside(x * stride + at % kernel, input.w);
                    match row.zip(column) {
                        Some((row, column)) => pixel.copy_from_slice(
                            &input.data[(row * input.w + column) * in_c..][..in_c],
                        ),
                        None => pixel.fill(0.0),
                    }
                }
            }
            self.row(&windows, out);
        }
        if let Some(Bytes { steps, last: false }) = &self.bytes {
            through_bytes(&mut data, steps);
        }
        FeatureMap { n: 1, h, w, c: out_c, data }
    }

    /// Computes one row of the output, `[W, out_c]`, from its windows.
    fn row(&self, windows: &[f32], out: &mut [f32]) {
        let (taps, out_c) = (self.geometry.taps(), self.bias.len());
        let blocks = self.weights.chunks_exact(taps).zip(self.bias.chunks(CHANNELS));
        for (block, (weights, bias)) in blocks.enumerate() {
            let mut first = 0;
            while first * taps < windows.len() {
                let count = WINDOWS.min(windows.len() / taps - first);
                let sums = if count == WINDOWS {
                    sums(weights, [0, 1, 2, 3].map(|at| &windows[(first + at) * taps..][..taps]))
                } else {
                    let mut rest = [[0.0; CHANNELS]; WINDOWS];
                    for (at, sum) in rest.iter_mut().enumerate().take(count) {
                        [*sum] = sums(weights, [&windows[(first + at) * taps..][..taps]]);
                    }
                    rest
                };
                for (at, sums) in sums.iter().enumerate().take(count) {
                    let out = &mut out[(first + at) * out_c + block * CHANNELS..];
                    for ((out, sum), bias) in out.iter_mut().zip(sums).zip(bias) {
                        *out = (sum + bias).max(0.0);
                    }
                }
                first += count;
            }
        }
    }
}

/// Multiplies `N` windows with the weights of a block of channels; each sum is
/// in the order of the taps.
fn sums<const N: usize>(weights: &[[f32; CHANNELS]], windows: [&[f32]; N]) -> [[f32; CHANNELS]; N] {
    let mut sums = [[0.0; CHANNELS]; N];
    for (tap, weights) in weights.iter().enumerate() {
        for (sums, window) in sums.iter_mut().zip(windows) {
            let value = window[tap];
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += weight * value;
            }
        }
    }
    sums
}

/// Rounds values to bytes in `steps`.
fn through_bytes(values: &mut [f32], steps: &[f32]) {
    for (value, &step) in values.iter_mut().zip(steps.iter().cycle()) {
        *value = step * f32::from(nearest_byte(f64::from(*value), step.into()));
    }
}

/// Convolves the first channels, `[1, H, W, C]` to the same shape; the others pass.
fn surrounded(conv: &Convolution, map: &FeatureMap) -> FeatureMap {
    let mixed = conv.geometry.in_c();
    let first = map.data.chunks_exact(map.c).flat_map(|pixel| &pixel[..mixed]).copied().collect();
    let first = conv.forward(&FeatureMap { c: mixed, data: first, ..*map });
    let mut data = map.data.clone();
    for (pixel, first) in data.chunks_exact_mut(map.c).zip(first.data.chunks_exact(mixed)) {
        pixel[..mixed].copy_from_slice(first);
    }
    FeatureMap { data, ..*map }
}

/// Divides each value by its denominator.
fn divided(denominators: &Convolution, map: &FeatureMap) -> FeatureMap {
    let mut quotients = denominators.forward(map);
    for (denominator, value) in quotients.data.iter_mut().zip(&map.data) {
        *denominator = value / *denominator;
    }
    quotients
}

/// Pools one float map.
fn pool(order: PoolOrder, map: &FeatureMap) -> FeatureMap {
    match order {
        PoolOrder::MaxBlur => blurred(&largest(map, 1), 2),
        PoolOrder::BlurMax => largest(&blurred(map, 1), 2),
        PoolOrder::Max => largest(map, 2),
    }
}

/// Pools one map whose values are multiples of `steps`, as bytes.
fn pool_bytes(order: PoolOrder, map: &FeatureMap, steps: &[f32]) -> FeatureMap {
    let values = map.data.iter().zip(steps.iter().cycle());
    let bytes: Vec<u8> =
        values.map(|(&value, &step)| nearest_byte(value.into(), step.into())).collect();
    let (h, w, c) = (pooled_side(map.h), pooled_side(map.w), map.c);
    let mut pooled = vec![0; h * w * c];
    pool_ref(order, ImageSize { width: map.w, height: map.h }, c, &bytes, &mut pooled);
    let data = pooled.iter().zip(steps.iter().cycle());
    let data = data.map(|(&byte, &step)| step * f32::from(byte)).collect();
    FeatureMap { n: 1, h, w, c, data }
}

/// Returns the largest of the values that exist in 3×3 windows.
fn largest(map: &FeatureMap, stride: usize) -> FeatureMap {
    windowed(map, stride, |out, _, pixel| {
        for (out, value) in out.iter_mut().zip(pixel) {
            *out = out.max(*value);
        }
    })
}

/// Returns the binomial blur, with zeros outside.
fn blurred(map: &FeatureMap, stride: usize) -> FeatureMap {
    windowed(map, stride, |out, weight, pixel| {
        for (out, value) in out.iter_mut().zip(pixel) {
            *out += weight * value;
        }
    })
}

/// Folds the pixels of 3×3 windows, each with its weight of the binomial blur,
/// into zeros.
fn windowed(map: &FeatureMap, stride: usize, fold: impl Fn(&mut [f32], f32, &[f32])) -> FeatureMap {
    const TAPS: [f32; 3] = [0.25, 0.5, 0.25];
    let (h, w, c) = (map.h.div_ceil(stride), map.w.div_ceil(stride), map.c);
    let mut data = vec![0.0; h * w * c];
    for (at, out) in data.chunks_exact_mut(c.max(1)).enumerate() {
        let (y, x) = (stride * (at / w), stride * (at % w));
        for (dy, row_tap) in TAPS.into_iter().enumerate() {
            for (dx, column_tap) in TAPS.into_iter().enumerate() {
                let (y, x) = ((y + dy).wrapping_sub(1), (x + dx).wrapping_sub(1));
                if y < map.h && x < map.w {
                    fold(out, row_tap * column_tap, &map.data[(y * map.w + x) * c..][..c]);
                }
            }
        }
    }
    FeatureMap { n: 1, h, w, c, data }
}
