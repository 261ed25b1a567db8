//! Pictures within the page.

use base64::{Engine, engine::general_purpose::STANDARD};
use image::{
    ExtendedColorType, ImageEncoder,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};

/// A picture in 8-bit RGBA.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Picture {
    /// Creates a transparent picture.
    #[must_use]
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![0; width * height * 4] }
    }

    /// Creates an opaque picture from RGB8 pixels, `[height, width, 3]`.
    #[must_use]
    pub fn of_rgb(width: usize, height: usize, rgb: &[u8]) -> Self {
        let mut picture = Self::new(width, height);
        for (pixel, rgb) in picture.pixels.chunks_exact_mut(4).zip(rgb.chunks_exact(3)) {
            pixel[..3].copy_from_slice(rgb);
            pixel[3] = 255;
        }
        picture
    }

    /// Fills a square of `side` pixels whose corner is at `(x, y)`.
    pub fn fill(&mut self, (x, y): (usize, usize), side: usize, rgb: [u8; 3]) {
        let [r, g, b] = rgb;
        for row in y..y + side {
            for column in x..x + side {
                let at = (row * self.width + column) * 4;
                self.pixels[at..at + 4].copy_from_slice(&[r, g, b, 255]);
            }
        }
    }

    /// Returns red, green, blue and opacity of a pixel.
    #[must_use]
    pub fn pixel(&self, x: usize, y: usize) -> [u8; 4] {
        let at = (y * self.width + x) * 4;
        [0, 1, 2, 3].map(|channel| self.pixels[at + channel])
    }

    /// Returns the picture as a PNG in a `data:` URI, or an empty one where it
    /// has no pixels.
    #[must_use]
    pub fn data_uri(&self) -> String {
        self.png().map_or_else(
            || "data:,".to_owned(),
            |png| format!("data:image/png;base64,{}", STANDARD.encode(png)),
        )
    }

    /// Returns width and height.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        [self.width, self.height]
    }

    /// Returns the picture as a PNG, where it has pixels.
    #[must_use]
    pub fn png(&self) -> Option<Vec<u8>> {
        let mut png = Vec::new();
        let encoder =
            PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive);
        let size = |side: usize| u32::try_from(side).unwrap_or(0);
        let (width, height) = (size(self.width), size(self.height));
        let written = encoder.write_image(&self.pixels, width, height, ExtendedColorType::Rgba8);
        written.ok().map(|()| png)
    }
}

/// Returns blue for -1, nearly white for 0 and red for 1.
#[must_use]
pub fn diverging(value: f32) -> [u8; 3] {
    let strength = value.abs().min(1.0);
    let end = if value < 0.0 { [33.0, 92.0, 168.0] } else { [178.0, 40.0, 48.0] };
    end.map(|end| byte((247.0 + (end - 247.0) * strength) / 255.0))
}

/// Returns the byte of a value in `[0, 1]`; what is outside is clamped.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255")]
#[must_use]
pub fn byte(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_comes_back_from_its_uri() {
        let mut picture = Picture::new(5, 3);
        picture.fill((1, 1), 2, [9, 8, 7]);
        let uri = picture.data_uri();
        let png = uri.strip_prefix("data:image/png;base64,").expect("a PNG");
        let png = STANDARD.decode(png).expect("base64");
        let decoded = image::load_from_memory(&png).expect("a picture").to_rgba8();
        assert_eq!(decoded.dimensions(), (5, 3));
        assert_eq!(decoded.get_pixel(2, 2).0, [9, 8, 7, 255]);
        assert_eq!(decoded.get_pixel(3, 0).0, [0, 0, 0, 0]);
    }

    #[test]
    fn colours_diverge_from_white() {
        assert_eq!(diverging(0.0), [247; 3]);
        assert_eq!(diverging(-2.0), [33, 92, 168]);
        let [r, _, b] = diverging(0.5);
        assert!(r > b);
        assert_eq!((byte(-1.0), byte(0.5), byte(f32::NAN)), (0, 128, 0));
    }
}
