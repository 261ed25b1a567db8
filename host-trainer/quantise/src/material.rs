//! What calibration images are made of.

use std::fmt;

use image::RgbImage;
use lcl_infer::InputFormat;

use super::concerns::FEW_IMAGES;

/// Distance between a flat image's darkest and brightest byte, at most: no more
/// than noise.
const FLAT: u8 = 8;

/// How many calibration images there are, and how many of them say little.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Material {
    /// Images.
    pub images: usize,
    /// Images without any colour, flat ones included.
    pub grey: usize,
    /// Images of one colour, but for noise: black ones, say.
    pub flat: usize,
}

impl Material {
    /// Counts one more image.
    pub(super) fn add(&mut self, image: &RgbImage) {
        let mut ends = [(u8::MAX, u8::MIN); 3];
        let mut grey = true;
        for pixel in image.pixels() {
            let [r, g, b] = pixel.0;
            grey &= r == g && g == b;
            for ((least, most), byte) in ends.iter_mut().zip(pixel.0) {
                (*least, *most) = ((*least).min(byte), (*most).max(byte));
            }
        }
        let flat = ends.iter().all(|&(least, most)| most.saturating_sub(least) <= FLAT);
        self.images += 1;
        self.grey += usize::from(grey);
        self.flat += usize::from(flat);
    }

    /// Returns whether the images say too little for ranges to be sound.
    pub(super) fn says_little(&self, input: InputFormat) -> bool {
        self.images < FEW_IMAGES || self.mostly_flat() || self.without_colour(input)
    }

    fn mostly_flat(&self) -> bool {
        2 * self.flat > self.images
    }

    fn without_colour(&self, input: InputFormat) -> bool {
        input != InputFormat::Gray8 && self.grey == self.images
    }
}

impl fmt::Display for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { images, grey, flat } = self;
        let what = match images {
            1 => "the calibration is one image".to_owned(),
            _ => format!("the calibration is {images} images"),
        };
        let mut faults = Vec::new();
        if *images < FEW_IMAGES {
            faults.push(format!("fewer than {FEW_IMAGES}"));
        }
        if self.mostly_flat() {
            faults.push(format!("{flat} without contrast (black, or of one colour)"));
        }
        if *grey == *images {
            faults.push("none with colour".to_owned());
        }
        write!(
            f,
            "{what}: {}. Ranges found on them may not hold on others, where V2 can lose most of \
             its accuracy; quantise with a few dozen photographs like those that the model will see",
            faults.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn material(images: &[RgbImage]) -> Material {
        let mut material = Material::default();
        for image in images {
            material.add(image);
        }
        material
    }

    #[test]
    fn images_that_say_little_are_counted() {
        let flat = RgbImage::from_pixel(4, 4, Rgb([9, 80, 200]));
        let black = RgbImage::new(4, 4);
        let byte = |place: u32| u8::try_from(60 * place).expect("a small image");
        let grey = RgbImage::from_fn(4, 4, |x, _| Rgb([byte(x); 3]));
        let colour = RgbImage::from_fn(4, 4, |x, y| Rgb([byte(x), byte(y), 7]));
        let (rgb, gray) = (InputFormat::Rgb888, InputFormat::Gray8);
        let found = material(&[flat, black, grey.clone(), colour.clone()]);
        assert_eq!(found, Material { images: 4, grey: 2, flat: 2 });
        assert!(found.says_little(rgb) && found.to_string().contains("fewer than 16"), "{found}");

        let found = material(&vec![colour; 16]);
        assert!(!found.says_little(rgb) && !found.says_little(gray));
        let found = material(&vec![grey; 16]);
        assert!(found.says_little(rgb) && !found.says_little(gray));
        assert!(found.to_string().contains("none with colour"), "{found}");
        let found = material(&vec![RgbImage::new(4, 4); 16]);
        assert!(found.says_little(gray) && found.to_string().contains("16 without contrast"));
        assert!(material(&[RgbImage::new(1, 1)]).to_string().contains("is one image"));
    }
}
