//! Resizing 8-bit images by antialiased filters, bilinear and bicubic.
//!
//! The arithmetic gives the bytes that Pillow's `BILINEAR` and `BICUBIC` give,
//! which torchvision uses for images: columns first and rows second, weights in fixed
//! point with 22 fractional bits, each pass rounded to 8 bits. Both passes are
//! the same loop over whole rows, the columns' on the transposed image.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "coordinates lie in the image, and bytes are clamped"
)]
#![allow(clippy::inline_always, reason = "what is not inlined is not compiled for vectors")]

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use serde::{Deserialize, Serialize};

use super::CropBox;

/// Fractional bits of a weight: sums of 255 times weights that add up to 1 fit
/// an `i32` with room for the sign and for rounding.
const WEIGHT_BITS: u32 = 22;

/// What rounds a sum of weighted bytes half up.
const HALF: i32 = 1 << (WEIGHT_BITS - 1);

/// Channels of a pixel.
const CHANNELS: usize = 3;

/// The filter that an image is resized by, stretched by the factor by which the
/// image shrinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interpolation {
    /// A triangle that reaches one sample to either side.
    #[default]
    Bilinear,
    /// Keys' cubic with a slope of −½, which reaches two samples to either side.
    Bicubic,
}

impl Interpolation {
    fn support(self) -> f64 {
        match self {
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
        }
    }

    /// Returns the filter's value at a distance of at least 0 from its centre.
    fn weight(self, distance: f64) -> f64 {
        let x = distance;
        match self {
            Self::Bilinear => (1.0 - x).max(0.0),
            Self::Bicubic if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            Self::Bicubic if x < 2.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
            Self::Bicubic => 0.0,
        }
    }
}

/// How one side of an image is resized: the input samples and weights that make
/// each output sample.
///
/// The filter is stretched to the distance of the output samples where that is
/// more than an input sample; it ends at the border.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// First input sample of each output sample.
    firsts: Vec<usize>,
    /// Input samples of one output sample.
    reach: usize,
    /// `[outputs, reach]`; zeros fill up what an output sample does not need.
    weights: Vec<i32>,
}

impl Axis {
    /// Creates the axis that takes `from` samples to `to` by the bilinear filter.
    ///
    /// # Panics
    ///
    /// When either is zero.
    #[must_use]
    pub fn new(from: u32, to: u32) -> Self {
        Self::part(from, to.into(), 0..to.into())
    }

    /// Creates the axis that takes `from` samples to `to`.
    ///
    /// # Panics
    ///
    /// When either is zero.
    #[must_use]
    pub fn by(filter: Interpolation, from: u32, to: u32) -> Self {
        Self::part_by(filter, from, to.into(), 0..to.into())
    }

    /// Creates the bilinear axis of only the `outputs` of those that `to` names.
    ///
    /// # Panics
    ///
    /// When `from` is zero or the range is empty or reaches over `to`.
    #[must_use]
    pub fn part(from: u32, to: u64, outputs: Range<u64>) -> Self {
        Self::part_by(Interpolation::Bilinear, from, to, outputs)
    }

    fn part_by(filter: Interpolation, from: u32, to: u64, outputs: Range<u64>) -> Self {
        assert!(from > 0 && !outputs.is_empty() && outputs.end <= to, "{from} {to} {outputs:?}");
        let count = (outputs.end - outputs.start) as usize;
        let scale = f64::from(from) / to as f64;
        let stretch = scale.max(1.0);
        let support = stretch * filter.support();
        let reach = ((2.0 * support) as usize + 1).min(from as usize);
        let mut weights = Vec::with_capacity(count * reach);
        let mut firsts = Vec::with_capacity(count);
        let mut window = Vec::with_capacity(reach);
        for index in outputs {
            let centre = (index as f64 + 0.5) * scale;
            let begin = (centre - support + 0.5).max(0.0) as u32;
            let end = ((centre + support + 0.5) as u32).min(from);
            window.clear();
            window.extend((begin..end).map(|sample| {
                let distance = (f64::from(sample) + 0.5 - centre) / stretch;
                filter.weight(distance.abs())
            }));
            let sum: f64 = window.iter().sum();
            let fixed = |weight: &f64| (weight / sum * f64::from(1 << WEIGHT_BITS)).round() as i32;
            // At the far border the window starts earlier, with weights of zero.
            let first = (begin as usize).min(from as usize - reach);
            let row = weights.len();
            weights.resize(row + reach, 0);
            let used = &mut weights[row + begin as usize - first..];
            for (used, weight) in used.iter_mut().zip(&window) {
                *used = fixed(weight);
            }
            firsts.push(first);
        }
        Self { firsts, reach, weights }
    }

    /// Returns the number of output samples.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.firsts.len()
    }

    /// Returns the input samples that the output depends on.
    #[must_use]
    pub fn inputs(&self) -> Range<usize> {
        let first = self.firsts.first().copied().unwrap_or_default();
        first..self.firsts.last().map_or(first, |last| last + self.reach)
    }

    /// Returns the axis for an input that begins at sample `start`.
    ///
    /// # Panics
    ///
    /// When the axis needs an earlier sample.
    #[must_use]
    pub fn starting_at(mut self, start: usize) -> Self {
        assert!(self.inputs().start >= start, "{start} is after {:?}", self.inputs());
        for first in &mut self.firsts {
            *first -= start;
        }
        self
    }
}

/// RGB8 pixels of a part of an image that is stored row by row.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    pixels: &'a [u8],
    stride: usize,
    width: usize,
    height: usize,
}

impl<'a> Rows<'a> {
    /// Creates the rows in `crop` of an image of `width` columns.
    ///
    /// # Panics
    ///
    /// When the crop is empty or reaches out of the image.
    #[must_use]
    pub fn new(pixels: &'a [u8], width: u32, crop: CropBox) -> Self {
        let stride = width as usize * CHANNELS;
        let start = crop.y as usize * stride + crop.x as usize * CHANNELS;
        let (columns, rows) = (crop.width as usize, crop.height as usize);
        let inside =
            crop.x + crop.width <= width && (crop.y as usize + rows) * stride <= pixels.len();
        assert!(inside && columns * rows > 0, "{crop:?} lies in the image");
        Self { pixels: &pixels[start..], stride, width: columns, height: rows }
    }

    /// Returns row `y`, `[width, 3]`.
    fn row(&self, y: usize) -> &'a [u8] {
        &self.pixels[y * self.stride..][..self.width * CHANNELS]
    }

    /// Returns the pixels column by column, `[width, height, 3]`.
    #[must_use]
    pub fn transposed(&self) -> Vec<u8> {
        let mut columns = vec![0; self.width * self.height * CHANNELS];
        let column_bytes = self.height * CHANNELS;
        for y in 0..self.height {
            let targets = columns[y * CHANNELS..].chunks_mut(column_bytes);
            for (pixel, target) in self.row(y).chunks_exact(CHANNELS).zip(targets) {
                target[..CHANNELS].copy_from_slice(pixel);
            }
        }
        columns
    }
}

/// Resizes the pixels in `crop` to `size`, width and height.
///
/// Nothing outside of the crop has an influence. `pixels` are RGB8 rows of
/// `width` pixels.
///
/// # Panics
///
/// When the crop is empty or reaches out of the image.
#[must_use]
pub fn resize_crop(pixels: &[u8], width: u32, crop: CropBox, size: (u32, u32)) -> Vec<u8> {
    let columns = Axis::new(crop.width, size.0);
    let rows = Axis::new(crop.height, size.1);
    resize(Rows::new(pixels, width, crop), &columns, &rows)
}

/// Resizes both sides of an image, `[H, W, 3]`.
///
/// # Panics
///
/// When the axes are for a larger image.
#[must_use]
pub fn resize(image: Rows<'_>, columns: &Axis, rows: &Axis) -> Vec<u8> {
    let height = image.height as u32;
    let transposed = image.transposed();
    let whole = CropBox { x: 0, y: 0, width: height, height: image.width as u32 };
    resize_transposed(Rows::new(&transposed, height, whole), columns, rows)
}

/// Resizes both sides of an image that is stored column by column, `[W, H, 3]`;
/// the result is stored row by row.
///
/// # Panics
///
/// When the axes are for a larger image.
#[must_use]
pub fn resize_transposed(image: Rows<'_>, columns: &Axis, rows: &Axis) -> Vec<u8> {
    let height = image.width as u32;
    let narrowed = combine(image, columns);
    let whole = CropBox { x: 0, y: 0, width: height, height: columns.outputs() as u32 };
    let narrowed = Rows::new(&narrowed, height, whole).transposed();
    let width = columns.outputs() as u32;
    let whole = CropBox { x: 0, y: 0, width, height };
    combine(Rows::new(&narrowed, width, whole), rows)
}

/// Makes each output row of `axis` from the rows of an image.
fn combine(image: Rows<'_>, axis: &Axis) -> Vec<u8> {
    assert!(axis.inputs().end <= image.height, "{:?} of {} rows", axis.inputs(), image.height);
    let row_bytes = image.width * CHANNELS;
    let mut combined = vec![0; row_bytes * axis.outputs()];
    Arch::new().dispatch(Combine { image, axis, combined: &mut combined });
    combined
}

/// [`combine`], compiled for each set of vector instructions; a closure would
/// be compiled for the least one.
struct Combine<'a> {
    image: Rows<'a>,
    axis: &'a Axis,
    combined: &'a mut [u8],
}

impl WithSimd for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { image, axis, combined } = self;
        let row_bytes = image.width * CHANNELS;
        let mut acc = vec![0; row_bytes];
        let weights = axis.weights.chunks_exact(axis.reach);
        let outputs = combined.chunks_exact_mut(row_bytes);
        for ((&first, weights), output) in axis.firsts.iter().zip(weights).zip(outputs) {
            match *weights {
                [a, b, c] => combine_few(image, first, [a, b, c], output),
                [a, b, c, d] => combine_few(image, first, [a, b, c, d], output),
                [a, b, c, d, e] => combine_few(image, first, [a, b, c, d, e], output),
                [a, b, c, d, e, f] => combine_few(image, first, [a, b, c, d, e, f], output),
                _ => combine_many(image, first, weights, &mut acc, output),
            }
        }
    }
}

#[inline(always)]
fn combine_few<const N: usize>(
    image: Rows<'_>,
    first: usize,
    weights: [i32; N],
    output: &mut [u8],
) {
    let len = output.len();
    let rows: [&[u8]; N] = std::array::from_fn(|k| &image.row(first + k)[..len]);
    for at in 0..len {
        let mut acc = HALF;
        for (row, weight) in rows.iter().zip(weights) {
            acc += i32::from(row[at]) * weight;
        }
        output[at] = to_byte(acc);
    }
}

#[inline(always)]
fn combine_many(
    image: Rows<'_>,
    first: usize,
    weights: &[i32],
    acc: &mut [i32],
    output: &mut [u8],
) {
    acc.fill(HALF);
    for (k, weight) in weights.iter().enumerate() {
        for (acc, value) in acc.iter_mut().zip(image.row(first + k)) {
            *acc += i32::from(*value) * weight;
        }
    }
    for (output, acc) in output.iter_mut().zip(acc) {
        *output = to_byte(*acc);
    }
}

#[inline(always)]
fn to_byte(acc: i32) -> u8 {
    (acc >> WEIGHT_BITS).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(values: &[u8]) -> Vec<u8> {
        values.iter().flat_map(|&value| [value; CHANNELS]).collect()
    }

    #[track_caller]
    fn check_row(values: &[u8], expected: &[u8]) {
        let lengths = [values.len(), expected.len()];
        let [width, to] = lengths.map(|length| u32::try_from(length).unwrap_or_default());
        let whole = CropBox { x: 0, y: 0, width, height: 1 };
        assert_eq!(resize_crop(&grey(values), width, whole, (to, 1)), grey(expected));
    }

    #[test]
    fn rows_of_pixels() {
        check_row(&[10, 20, 30], &[10, 20, 30]);
        check_row(&[0, 100], &[0, 25, 75, 100]);
        // The triangle reaches two pixels: weights 3, 3, 1 at the border.
        check_row(&[0, 0, 70, 70], &[10, 60]);
        check_row(&[9, 9, 9, 9, 9], &[9, 9, 9]);
    }

    #[test]
    fn weights_add_up_to_one() {
        for (from, to) in [(512, 224), (112, 96), (31, 48), (4000, 96), (1, 48)] {
            let axis = Axis::new(from, to);
            for weights in axis.weights.chunks_exact(axis.reach) {
                let sum: i32 = weights.iter().sum();
                let slack = i32::try_from(weights.len()).unwrap_or(i32::MAX);
                assert!((sum - (1 << WEIGHT_BITS)).abs() <= slack, "{from} {to}");
            }
        }
    }

    #[test]
    fn the_cubic_filter_overshoots_at_an_edge() {
        let row = |values: &[u8], to: u32| {
            let from = u32::try_from(values.len()).expect("few");
            let whole = CropBox { x: 0, y: 0, width: from, height: 1 };
            let axis = Axis::by(Interpolation::Bicubic, from, to);
            let pixels = grey(values);
            resize(Rows::new(&pixels, from, whole), &axis, &Axis::new(1, 1))
        };
        assert_eq!(row(&[10, 20, 30], 3), grey(&[10, 20, 30]));
        // Weights of samples at distances ¼, ¾, 1¼, 1¾: 0.8671875, 0.2265625,
        // −0.0703125, −0.0234375.
        assert_eq!(row(&[50, 50, 50, 150, 150, 150], 12)[4 * 3..8 * 3], grey(&[43, 70, 130, 157]));
    }

    #[test]
    fn a_part_of_an_axis_makes_the_same_samples() {
        for (from, to) in [(375_u32, 224_u32), (224, 224), (100, 224), (4000, 224), (17, 224)] {
            let part = Axis::part(from, to.into(), 56..168);
            let inputs = part.inputs();
            assert!(inputs.end <= from as usize, "{from} {inputs:?}");
            let values: Vec<u8> = (0..from).map(|x| (x * 37 % 251) as u8).collect();
            let image = grey(&values);
            let row = |width| CropBox { x: 0, y: 0, width, height: 1 };
            let still = Axis::new(1, 1);
            let all = resize(Rows::new(&image, from, row(from)), &Axis::new(from, to), &still);
            let region = &image[inputs.start * 3..inputs.end * 3];
            let width = inputs.len() as u32;
            let part = part.starting_at(inputs.start);
            let some = resize(Rows::new(region, width, row(width)), &part, &still);
            assert_eq!(some, all[56 * 3..168 * 3], "{from}");
        }
    }

    #[test]
    fn a_crop_knows_nothing_of_its_surroundings() {
        let image: Vec<u8> = [[200; 8], [50; 8]].concat().repeat(4);
        let left = CropBox { x: 0, y: 1, width: 8, height: 2 };
        assert!(resize_crop(&grey(&image), 16, left, (5, 5)).iter().all(|&v| v == 200));
    }
}
