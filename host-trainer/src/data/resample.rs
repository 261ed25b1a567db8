//! Resizing 8-bit images by the antialiased bilinear filter.
//!
//! The arithmetic gives the bytes that Pillow's `BILINEAR` gives, which
//! torchvision uses for images: columns first and rows second, weights in fixed
//! point with 22 fractional bits, each pass rounded to 8 bits.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "coordinates lie in the image, and bytes are clamped"
)]

use super::CropBox;

/// Fractional bits of a weight: sums of 255 times weights that add up to 1 fit
/// an `i32` with room for the sign and for rounding.
const WEIGHT_BITS: u32 = 22;

/// Channels of a pixel.
const CHANNELS: usize = 3;

/// The input samples that make one output sample.
#[derive(Debug)]
struct Taps {
    first: usize,
    weights: Vec<i32>,
}

/// Resizes the pixels in `crop` to `size`, width and height.
///
/// The filter is a triangle that reaches one output pixel to either side, or
/// one input pixel where that is larger; it ends at the border of the crop.
/// `pixels` are RGB8 rows of `width` pixels.
///
/// # Panics
///
/// When the crop is empty or reaches out of the image.
#[must_use]
pub fn resize_crop(pixels: &[u8], width: u32, crop: CropBox, size: (u32, u32)) -> Vec<u8> {
    let row_bytes = width as usize * CHANNELS;
    let (left, crop_bytes) = (crop.x as usize * CHANNELS, crop.width as usize * CHANNELS);
    let rows = pixels.chunks_exact(row_bytes).skip(crop.y as usize).take(crop.height as usize);

    let columns = taps(crop.width, size.0);
    let mut narrowed = Vec::with_capacity(columns.len() * CHANNELS * crop.height as usize);
    for row in rows {
        let row = &row[left..left + crop_bytes];
        for tap in &columns {
            let window = row[tap.first * CHANNELS..].chunks_exact(CHANNELS);
            let mut acc = [1 << (WEIGHT_BITS - 1); CHANNELS];
            for (pixel, weight) in window.zip(&tap.weights) {
                for (acc, value) in acc.iter_mut().zip(pixel) {
                    *acc += i32::from(*value) * weight;
                }
            }
            narrowed.extend(acc.map(to_byte));
        }
    }

    let row_bytes = columns.len() * CHANNELS;
    assert_eq!(narrowed.len(), row_bytes * crop.height as usize, "{crop:?} lies in the image");
    let mut resized = Vec::with_capacity(row_bytes * size.1 as usize);
    let mut acc = vec![0; row_bytes];
    for tap in taps(crop.height, size.1) {
        acc.fill(1 << (WEIGHT_BITS - 1));
        let rows = narrowed[tap.first * row_bytes..].chunks_exact(row_bytes);
        for (row, weight) in rows.zip(&tap.weights) {
            for (acc, value) in acc.iter_mut().zip(row) {
                *acc += i32::from(*value) * weight;
            }
        }
        resized.extend(acc.iter().copied().map(to_byte));
    }
    resized
}

/// Returns the taps that take `from` samples to `to`.
fn taps(from: u32, to: u32) -> Vec<Taps> {
    let scale = f64::from(from) / f64::from(to);
    let reach = scale.max(1.0);
    let tap = |index: u32| {
        let centre = (f64::from(index) + 0.5) * scale;
        let first = (centre - reach + 0.5).max(0.0) as u32;
        let end = ((centre + reach + 0.5) as u32).min(from);
        let triangle = |sample: u32| {
            let distance = (f64::from(sample) + 0.5 - centre) / reach;
            (1.0 - distance.abs()).max(0.0)
        };
        let weights: Vec<f64> = (first..end).map(triangle).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: f64| (weight / sum * f64::from(1 << WEIGHT_BITS)).round() as i32;
        Taps { first: first as usize, weights: weights.into_iter().map(fixed).collect() }
    };
    (0..to).map(tap).collect()
}

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
        for (from, to) in [(512, 224), (112, 96), (31, 48), (4000, 96)] {
            for tap in taps(from, to) {
                let sum: i32 = tap.weights.iter().sum();
                let slack = i32::try_from(tap.weights.len()).unwrap_or(i32::MAX);
                assert!((sum - (1 << WEIGHT_BITS)).abs() <= slack, "{from} {to}");
            }
        }
    }

    #[test]
    fn a_crop_knows_nothing_of_its_surroundings() {
        let image: Vec<u8> = [[200; 8], [50; 8]].concat().repeat(4);
        let left = CropBox { x: 0, y: 1, width: 8, height: 2 };
        assert!(resize_crop(&grey(&image), 16, left, (5, 5)).iter().all(|&v| v == 200));
    }
}
