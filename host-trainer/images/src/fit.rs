//! Resizing and cropping, with the geometry of torchvision.

use image::RgbImage;

use super::resample::{Axis, Rows, resize, resize_crop};

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

/// What the centre of an image depends on, where the image is first resized: the
/// pixels of a region, and how they are resized.
///
/// It makes the bytes that [`shorter_side_to`] and [`centre_crop`] make of the
/// whole image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CentreFit {
    region: CropBox,
    side: u32,
    columns: Axis,
    rows: Axis,
}

impl CentreFit {
    /// Creates the fit of an image of `width`×`height` pixels whose shorter side
    /// is resized to `shorter` and of which the centre, `side`×`side` pixels, is
    /// kept.
    ///
    /// # Panics
    ///
    /// When the image is empty or `side` is larger than `shorter`.
    #[must_use]
    pub fn new((width, height): (u32, u32), shorter: u32, side: u32) -> Self {
        assert!(side <= shorter, "{side} of {shorter}");
        let (new_width, new_height) = resized_size((width, height), shorter);
        let axis = |from: u32, to: u64| {
            let start = centre_offset(to, side.into());
            Axis::part(from, to, start..start + u64::from(side))
        };
        let (columns, rows) = (axis(width, new_width), axis(height, new_height));
        let span = |axis: &Axis| {
            let inputs = axis.inputs();
            let bounds = [inputs.start, inputs.len()];
            bounds.map(|bound| u32::try_from(bound).unwrap_or(u32::MAX))
        };
        let ([x, width], [y, height]) = (span(&columns), span(&rows));
        let region = CropBox { x, y, width, height };
        let (columns, rows) = (columns.starting_at(x as usize), rows.starting_at(y as usize));
        Self { region, side, columns, rows }
    }

    /// Returns the region of the image that the centre depends on.
    #[must_use]
    pub fn region(&self) -> CropBox {
        self.region
    }

    /// Makes the centre from the pixels of the region.
    ///
    /// # Panics
    ///
    /// When `region` has another size.
    #[must_use]
    pub fn centre(&self, region: &RgbImage) -> RgbImage {
        let (width, height) = region.dimensions();
        assert_eq!((width, height), (self.region.width, self.region.height), "the region's size");
        self.resized(region, CropBox { x: 0, y: 0, width, height })
    }

    /// Makes the centre from all pixels of the image.
    ///
    /// # Panics
    ///
    /// When the image is smaller than the region.
    #[must_use]
    pub fn centre_of(&self, image: &RgbImage) -> RgbImage {
        self.resized(image, self.region)
    }

    fn resized(&self, image: &RgbImage, region: CropBox) -> RgbImage {
        let rows = Rows::new(image.as_raw(), image.width(), region);
        image_of(self.side, self.side, resize(rows, &self.columns, &self.rows))
    }
}

/// Fits an image to `side`×`side` pixels.
///
/// One of exactly that size is returned as it is; any other has its shorter
/// side resized to `side` and its centre cropped, of which only what the centre
/// needs is resized.
#[must_use]
pub fn fit(image: RgbImage, side: u32) -> RgbImage {
    if image.dimensions() == (side, side) {
        return image;
    }
    CentreFit::new(image.dimensions(), side, side).centre_of(&image)
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
    let (new_width, new_height) = resized_size((width, height), side);
    let [new_width, new_height] =
        [new_width, new_height].map(|length| u32::try_from(length).unwrap_or(u32::MAX));
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
    let [x, y] = [width, height]
        .map(|length| u32::try_from(centre_offset(length.into(), side.into())).unwrap_or(u32::MAX));
    image::imageops::crop_imm(image, x, y, side, side).to_image()
}

fn resized_size((width, height): (u32, u32), shorter: u32) -> (u64, u64) {
    let least = u64::from(width.min(height));
    let scaled = |length: u32| u64::from(shorter) * u64::from(length) / least;
    (scaled(width), scaled(height))
}

fn centre_offset(length: u64, side: u64) -> u64 {
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
    fn a_region_gives_the_centre_of_the_whole() {
        for (width, height) in [(500, 375), (224, 224), (231, 224), (90, 301), (16, 17), (901, 640)]
        {
            let noisy = RgbImage::from_fn(width, height, |x, y| {
                Rgb([x * 7, y * 11, x * y].map(|v| u8::try_from(v % 256).unwrap_or_default()))
            });
            let fit = CentreFit::new((width, height), 224, 112);
            let CropBox { x, y, width, height } = fit.region();
            let region = image::imageops::crop_imm(&noisy, x, y, width, height).to_image();
            assert!(fit.centre_of(&noisy) == fit.centre(&region), "{width}x{height}");
            let expected = centre_crop(&shorter_side_to(noisy.clone(), 224), 112);
            assert!(fit.centre(&region) == expected, "{width}x{height}");
            let square = super::fit(noisy.clone(), 96);
            assert!(square == centre_crop(&shorter_side_to(noisy, 96), 96), "{width}x{height}");
        }
    }

    #[test]
    fn of_a_strip_only_the_centre_is_resized() {
        let strip = RgbImage::from_fn(16, 2_000_000, |x, y| {
            Rgb([x * 7, y * 11, x * y].map(|v| u8::try_from(v % 256).unwrap_or_default()))
        });
        // The middle alone, with rows to spare, in the same phase of the grid.
        let middle = image::imageops::crop_imm(&strip, 0, 999_980, 16, 40).to_image();
        for side in [96, 224] {
            let region = CentreFit::new(strip.dimensions(), side, side).region();
            assert!(region.height < 24 && (999_980..1_000_000).contains(&region.y), "{region:?}");
            assert!(fit(strip.clone(), side) == fit(middle.clone(), side), "{side}");
        }
        let longest = CentreFit::new((16, 1 << 24), 4096, 4096).region();
        assert!(longest.y.abs_diff(1 << 23) < 16, "{longest:?}");
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
