//! Resizing and cropping, with the geometry of torchvision.

use image::RgbImage;

use super::resize_crop;

/// A rectangle of pixels in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CropBox {
    /// Columns to the left of it.
    pub x: u32,
    /// Rows above it.
    pub y: u32,
    /// Its columns.
    pub width: u32,
    /// Its rows.
    pub height: u32,
}

/// Fits an image to `side`×`side` pixels.
///
/// One of exactly that size is returned as it is; any other has its shorter
/// side resized to `side` and its centre cropped.
#[must_use]
pub fn fit(image: RgbImage, side: u32) -> RgbImage {
    centre_crop(&shorter_side_to(image, side), side)
}

/// Resizes an image so that its shorter side has `side` pixels.
///
/// The longer side is `side · longer / shorter`, rounded down.
#[must_use]
pub fn shorter_side_to(image: RgbImage, side: u32) -> RgbImage {
    let (width, height) = image.dimensions();
    if width.min(height) == side {
        return image;
    }
    let scaled = |length: u32| {
        let scaled = u64::from(side) * u64::from(length) / u64::from(width.min(height));
        u32::try_from(scaled).unwrap_or(u32::MAX)
    };
    let (new_width, new_height) = (scaled(width), scaled(height));
    let whole = CropBox { x: 0, y: 0, width, height };
    let pixels = resize_crop(image.as_raw(), width, whole, (new_width, new_height));
    image_of(new_width, new_height, pixels)
}

/// Returns the centre of an image, `side`×`side` pixels; half a pixel is
/// rounded to even.
///
/// # Panics
///
/// When the image is smaller.
#[must_use]
pub fn centre_crop(image: &RgbImage, side: u32) -> RgbImage {
    let (width, height) = image.dimensions();
    assert!(width.min(height) >= side, "a {width}x{height} image has no {side}x{side} centre");
    if (width, height) == (side, side) {
        return image.clone();
    }
    let (x, y) = (centre_offset(width, side), centre_offset(height, side));
    image::imageops::crop_imm(image, x, y, side, side).to_image()
}

fn centre_offset(length: u32, side: u32) -> u32 {
    let twice = length - side;
    let half = twice / 2;
    half + (twice % 2) * (half % 2)
}

fn image_of(width: u32, height: u32, pixels: Vec<u8>) -> RgbImage {
    RgbImage::from_raw(width, height, pixels)
        .unwrap_or_else(|| panic!("the pixels of a {width}x{height} image"))
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn ramp(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            Rgb([x, y, 99].map(|v| u8::try_from(v).unwrap_or(u8::MAX)))
        })
    }

    #[test]
    fn an_image_of_the_size_is_untouched() {
        assert_eq!(fit(ramp(20, 20), 20), ramp(20, 20));
    }

    #[test]
    fn the_centre_is_rounded_to_even() {
        // (7 - 4) / 2 = 1.5 becomes 2, (9 - 4) / 2 = 2.5 becomes 2.
        assert_eq!(centre_crop(&ramp(7, 9), 4).get_pixel(0, 0), &Rgb([2, 2, 99]));
        assert_eq!(centre_crop(&ramp(8, 6), 4).get_pixel(0, 0), &Rgb([2, 1, 99]));
    }

    #[test]
    fn the_longer_side_is_rounded_down() {
        assert_eq!(shorter_side_to(ramp(100, 67), 20).dimensions(), (29, 20));
        assert_eq!(fit(ramp(67, 100), 20).dimensions(), (20, 20));
    }

    #[test]
    fn halving_weighs_by_the_triangle() {
        // A pixel of the half-size image has its centre between two pixels;
        // the triangle of width 4 weighs the four nearest 1, 3, 3, 1.
        let step = RgbImage::from_fn(32, 32, |x, _| Rgb([if x < 16 { 0 } else { 160 }; 3]));
        let half = shorter_side_to(step, 16);
        let row: Vec<u8> = (6..10).map(|x| half.get_pixel(x, 8)[0]).collect();
        assert_eq!(row, [0, 20, 140, 160]);
    }
}
