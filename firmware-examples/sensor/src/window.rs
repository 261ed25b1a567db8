//! A square of the model's size out of a sensor's lines.

use core::ops::Range;

use lcl_infer::{ImageSize, PixelFormat};

use crate::CameraError;

/// Widest square, in pixels.
const MAX_SIDE: usize = 256;

/// Most bytes that a pixel of [`Window`] has.
const MAX_PIXEL_LEN: usize = 2;

/// Most lines and columns that a pixel is the mean of: their bytes sum to
/// `16^2 * 255` at most, which 16 bits hold.
const MAX_STEP: usize = 16;

/// The square in the middle of a sensor's image, each of whose pixels is the mean
/// of `step` by `step` of the sensor's.
///
/// `step` is the largest that fits, up to 16. Lines are summed as they come, so
/// that no more than one row is kept. A mean lets less of what is finer than a
/// pixel through than leaving lines out would.
#[derive(Clone, Debug)]
pub struct Window {
    pixels: PixelFormat,
    side: usize,
    step: usize,
    /// First byte of a line that is used.
    left: usize,
    /// First line that is used.
    top: usize,
    sums: [u16; MAX_PIXEL_LEN * MAX_SIDE],
}

impl Window {
    /// Returns the square of `side` pixels of a sensor of that size, which sends
    /// [`PixelFormat::Gray8`] or [`PixelFormat::Yuyv`].
    ///
    /// # Errors
    ///
    /// Returns an error where the sensor or this program is too small for it, or
    /// it is odd and pairs of pixels share their chroma.
    pub fn new(sensor: ImageSize, pixels: PixelFormat, side: usize) -> Result<Self, CameraError> {
        let multiple_of = if pixels == PixelFormat::Yuyv { 2 } else { 1 };
        let most = sensor.width.min(sensor.height).min(MAX_SIDE);
        if side == 0 || side > most || side % multiple_of != 0 {
            return Err(CameraError::NoSuchSide { side, most, multiple_of });
        }
        let step = (sensor.width.min(sensor.height) / side).min(MAX_STEP);
        let left = (sensor.width - side * step) / 2;
        Ok(Self {
            pixels,
            side,
            step,
            left: pixels.row_len(left - left % multiple_of).unwrap_or_default(),
            top: (sensor.height - side * step) / 2,
            sums: [0; MAX_PIXEL_LEN * MAX_SIDE],
        })
    }

    /// Returns how many lines and columns of the sensor a pixel is the mean of.
    #[must_use]
    pub const fn step(&self) -> usize {
        self.step
    }

    /// Returns the side, in pixels.
    #[must_use]
    pub const fn side(&self) -> usize {
        self.side
    }

    /// Returns the sensor's lines that row `y` is the mean of.
    #[must_use]
    pub const fn lines(&self, y: usize) -> Range<usize> {
        let start = self.top + y * self.step;
        start..start + self.step
    }

    /// Forgets the lines of a row that was not finished.
    pub fn begin(&mut self) {
        self.sums.fill(0);
    }

    /// Adds a line of the sensor: `[1, W_SENSOR, pixel]`.
    pub fn add(&mut self, line: &[u8]) {
        let line = line.get(self.left..).unwrap_or_default();
        let step = self.step;
        if self.pixels == PixelFormat::Yuyv {
            // `step` pairs of the sensor become one pair: two means of `step`
            // luma each, and one mean of each chroma.
            let sums = self.sums.chunks_exact_mut(4).take(self.side / 2);
            for (sums, pairs) in sums.zip(line.chunks_exact(4 * step)) {
                let (first, second) = pairs.split_at(2 * step);
                let values =
                    [sum(first, 0, 2), sum(pairs, 1, 4), sum(second, 0, 2), sum(pairs, 3, 4)];
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += value;
                }
            }
        } else {
            let sums = self.sums.iter_mut().take(self.side);
            for (total, pixels) in sums.zip(line.chunks_exact(step)) {
                *total += sum(pixels, 0, 1);
            }
        }
    }

    /// Fills `row` with the means of the lines that were added, rounded half up,
    /// and forgets them: `[1, side, pixel]`.
    pub fn take(&mut self, row: &mut [u8]) {
        let count = u16::try_from(self.step * self.step).unwrap_or(u16::MAX);
        for (value, sum) in row.iter_mut().zip(&self.sums) {
            let [mean, _] = ((sum + count / 2) / count).to_le_bytes();
            *value = mean;
        }
        self.begin();
    }
}

/// Returns the sum of every `step`-th byte from `start` on.
#[inline]
fn sum(bytes: &[u8], start: usize, step: usize) -> u16 {
    bytes.iter().skip(start).step_by(step).copied().map(u16::from).sum()
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec;
    use std::vec::Vec;

    use super::*;

    const VGA: ImageSize = ImageSize { width: 640, height: 480 };
    const FULL: ImageSize = ImageSize { width: 324, height: 324 };

    /// Returns the rows of an image whose sensor sends these lines.
    fn rows(window: &mut Window, row_len: usize, line: impl Fn(usize) -> Vec<u8>) -> Vec<Vec<u8>> {
        let mut rows = Vec::new();
        for y in 0..window.side() {
            window.lines(y).for_each(|y| window.add(&line(y)));
            let mut row = vec![0; row_len];
            window.take(&mut row);
            rows.push(row);
        }
        rows
    }

    #[track_caller]
    fn check(sensor: ImageSize, pixels: PixelFormat, side: usize, expected: [usize; 3]) {
        let window = Window::new(sensor, pixels, side).expect("there is such a square");
        assert_eq!([window.step, window.left, window.top], expected);
        assert!(window.lines(side - 1).end <= sensor.height);
        let used = pixels.row_len(side * window.step).expect("it is even");
        assert!(window.left + used <= pixels.row_len(sensor.width).expect("it is even"));
    }

    #[test]
    fn the_square_is_in_the_middle_and_as_large_as_fits() {
        check(VGA, PixelFormat::Yuyv, 96, [5, 160, 0]);
        check(VGA, PixelFormat::Yuyv, 224, [2, 192, 16]);
        check(VGA, PixelFormat::Yuyv, 24, [16, 256, 48]);
        check(FULL, PixelFormat::Gray8, 96, [3, 18, 18]);
        check(FULL, PixelFormat::Gray8, 224, [1, 50, 50]);
        check(FULL, PixelFormat::Gray8, 161, [2, 1, 1]);
        // 89 columns are to the left of the middle 462, and pairs stay whole.
        check(VGA, PixelFormat::Yuyv, 42, [11, 176, 9]);
        check(ImageSize { width: 6, height: 4 }, PixelFormat::Yuyv, 4, [1, 0, 0]);
    }

    #[test]
    fn other_sides_are_refused_with_what_is_possible() {
        let refused =
            |side, most, multiple_of| Some(CameraError::NoSuchSide { side, most, multiple_of });
        let error = |sensor, pixels, side| Window::new(sensor, pixels, side).err();
        assert_eq!(error(VGA, PixelFormat::Yuyv, 97), refused(97, 256, 2));
        assert_eq!(error(VGA, PixelFormat::Yuyv, 258), refused(258, 256, 2));
        assert_eq!(error(FULL, PixelFormat::Gray8, 0), refused(0, 256, 1));
        let small = ImageSize { width: 8, height: 6 };
        assert_eq!(error(small, PixelFormat::Gray8, 7), refused(7, 6, 1));
    }

    #[test]
    fn grey_by_hand() {
        // Means of two by two; a column on either side and the last line are left
        // out.
        let sensor = ImageSize { width: 8, height: 7 };
        let mut window = Window::new(sensor, PixelFormat::Gray8, 3).expect("it fits");
        let line = |y| {
            let lines: [[u8; 8]; 7] = [
                [1, 0, 1, 9, 9, 255, 255, 9],
                [1, 1, 1, 9, 8, 255, 255, 9],
                [9, 0, 2, 4, 4, 5, 6, 9],
                [9, 4, 5, 4, 4, 7, 9, 9],
                [9, 0, 0, 0, 1, 1, 1, 9],
                [9, 0, 1, 0, 1, 1, 1, 9],
                [255; 8],
            ];
            Vec::from(lines[y])
        };
        // 3 of 4 is rounded up, 11 of 4 too, 1 of 4 down, 2 of 4 up.
        assert_eq!(rows(&mut window, 3, line), [[1, 9, 255], [3, 4, 7], [0, 1, 1]]);
    }

    #[test]
    fn pairs_share_their_chroma() {
        // Two lines of four pixels become one of two.
        let sensor = ImageSize { width: 4, height: 4 };
        let mut window = Window::new(sensor, PixelFormat::Yuyv, 2).expect("it fits");
        let line = |y| {
            Vec::from(match y % 2 {
                0 => [10, 100, 20, 200, 30, 110, 40, 210],
                _ => [50, 120, 60, 220, 70, 130, 80, 230],
            })
        };
        assert_eq!(rows(&mut window, 4, line), [[35, 115, 55, 215]; 2]);
    }

    #[test]
    fn the_largest_sum_is_held() {
        let mut window = Window::new(VGA, PixelFormat::Yuyv, 30).expect("it fits");
        assert_eq!(window.step(), MAX_STEP);
        assert_eq!(rows(&mut window, 60, |_| vec![255; 1280]), vec![vec![255; 60]; 30]);
    }

    #[test]
    fn lines_of_a_row_that_was_given_up_are_forgotten() {
        let sensor = ImageSize { width: 4, height: 4 };
        let mut window = Window::new(sensor, PixelFormat::Gray8, 2).expect("it fits");
        window.add(&[255; 4]);
        window.begin();
        assert_eq!(rows(&mut window, 2, |_| vec![7; 4]), [[7, 7], [7, 7]]);
    }
}
