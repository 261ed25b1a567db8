//! Where the pixels of a turned image are stored.

use image::metadata::Orientation;

use super::CropBox;

/// How an image is turned between its file and its viewer.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// Columns and rows as stored.
    stored: (u32, u32),
    /// Whether rows become columns.
    swaps: bool,
    /// Whether what is seen last along the stored columns, and rows, is stored
    /// first.
    mirrors: [bool; 2],
}

impl Turn {
    /// Creates the turn of an image of that size in its file.
    #[must_use]
    pub fn new(orientation: Orientation, stored: (u32, u32)) -> Self {
        let (swaps, mirrors) = match orientation {
            Orientation::NoTransforms => (false, [false, false]),
            Orientation::FlipHorizontal => (false, [true, false]),
            Orientation::FlipVertical => (false, [false, true]),
            Orientation::Rotate180 => (false, [true, true]),
            Orientation::Rotate90FlipH => (true, [false, false]),
            Orientation::Rotate270 => (true, [true, false]),
            Orientation::Rotate90 => (true, [false, true]),
            Orientation::Rotate270FlipH => (true, [true, true]),
        };
        Self { stored, swaps, mirrors }
    }

    /// Returns the columns and rows that a viewer sees.
    #[must_use]
    pub fn size(self) -> (u32, u32) {
        let (width, height) = self.stored;
        if self.swaps { (height, width) } else { (width, height) }
    }

    /// Returns where a region that a viewer sees is stored.
    #[must_use]
    pub fn stored(self, seen: CropBox) -> CropBox {
        let CropBox { x, y, width, height } = seen;
        let CropBox { mut x, mut y, width, height } = if self.swaps {
            CropBox { x: y, y: x, width: height, height: width }
        } else {
            CropBox { x, y, width, height }
        };
        if self.mirrors[0] {
            x = self.stored.0 - x - width;
        }
        if self.mirrors[1] {
            y = self.stored.1 - y - height;
        }
        CropBox { x, y, width, height }
    }
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, Rgb, RgbImage, imageops::crop_imm};

    use super::*;

    #[test]
    fn a_region_turned_is_the_region_of_the_turned() {
        let stored = RgbImage::from_fn(7, 5, |x, y| {
            Rgb([x, y, 0].map(|v| u8::try_from(v).unwrap_or_default()))
        });
        let turned = |image: RgbImage, orientation| {
            let mut image = DynamicImage::from(image);
            image.apply_orientation(orientation);
            image.into_rgb8()
        };
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).expect("one of eight");
            let turn = Turn::new(orientation, stored.dimensions());
            let seen = turned(stored.clone(), orientation);
            assert_eq!(turn.size(), seen.dimensions());
            let region = CropBox { x: 1, y: 2, width: 3, height: 2 };
            let of = |image: &RgbImage, r: CropBox| {
                crop_imm(image, r.x, r.y, r.width, r.height).to_image()
            };
            let expected = of(&seen, region);
            assert_eq!(turned(of(&stored, turn.stored(region)), orientation), expected, "{exif}");
        }
    }
}
