//! A picture that is drawn and written.

use std::{io::Cursor, path::Path};

use font8x8::{BASIC_FONTS, UnicodeFonts};
use image::{ImageFormat, Rgb, RgbImage};

use super::byte;
use lcl_artefacts::atomic_file::{self, WriteError};

/// Pixels of the picture for each pixel of the font.
const FONT_SCALE: u32 = 2;

/// Width and height of a character, in pixels.
pub(super) const CHARACTER: u32 = 8 * FONT_SCALE;

/// A picture cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CanvasError {
    /// It is too large to be encoded.
    #[error("cannot encode the picture: {0}; show fewer images")]
    Encode(#[from] image::ImageError),
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// A picture in RGB8.
#[derive(Clone, Debug, PartialEq)]
pub struct Canvas(RgbImage);

impl Canvas {
    /// Creates a picture of one colour.
    pub(super) fn new(width: u32, height: u32, colour: [u8; 3]) -> Self {
        Self(RgbImage::from_pixel(width, height, Rgb(colour)))
    }

    /// Fills a rectangle whose corner is at `(x, y)`; what is outside of the
    /// picture is left out.
    pub(super) fn fill(&mut self, (x, y): (u32, u32), (width, height): (u32, u32), rgb: [f32; 3]) {
        let colour = Rgb(rgb.map(byte));
        for y in y..(y + height).min(self.0.height()) {
            for x in x..(x + width).min(self.0.width()) {
                self.0.put_pixel(x, y, colour);
            }
        }
    }

    /// Draws an image with its corner at `(x, y)`.
    pub(super) fn image(&mut self, (x, y): (u32, u32), image: &RgbImage) {
        image::imageops::replace(&mut self.0, image, x.into(), y.into());
    }

    /// Writes a line whose upper left corner is at `(x, y)`; characters that the
    /// font has not become question marks.
    pub(super) fn text(&mut self, (x, y): (u32, u32), text: &str, rgb: [f32; 3]) {
        for (column, character) in (0..).zip(text.chars()) {
            let glyph = BASIC_FONTS.get(character).or_else(|| BASIC_FONTS.get('?'));
            for (row, bits) in (0..).zip(glyph.unwrap_or_default()) {
                for bit in (0..8).filter(|bit| bits >> bit & 1 == 1) {
                    let corner = (x + column * CHARACTER + bit * FONT_SCALE, y + row * FONT_SCALE);
                    self.fill(corner, (FONT_SCALE, FONT_SCALE), rgb);
                }
            }
        }
    }

    /// Draws a bar of that orientation, in radians counter-clockwise from
    /// horizontal, in the middle of a square of `side` pixels.
    pub(super) fn bar(&mut self, (x, y): (u32, u32), side: u32, orientation: f32, rgb: [f32; 3]) {
        let (sin, cos) = orientation.sin_cos();
        let half = side as f32 / 2.0;
        for row in 0..side {
            for column in 0..side {
                let (dx, dy) = (column as f32 + 0.5 - half, half - row as f32 - 0.5);
                let (along, across) = (dx * cos + dy * sin, dy * cos - dx * sin);
                if along.abs() < 0.85 * half && across.abs() < 0.2 * half {
                    self.fill((x + column, y + row), (1, 1), rgb);
                }
            }
        }
    }

    /// Returns the picture.
    #[must_use]
    pub fn picture(&self) -> &RgbImage {
        &self.0
    }

    /// Writes the picture to the PNG file at `path`, whole or not at all.
    ///
    /// # Errors
    ///
    /// When it cannot be encoded or written.
    pub fn write(&self, path: &Path) -> Result<(), CanvasError> {
        let mut png = Cursor::new(Vec::new());
        self.0.write_to(&mut png, ImageFormat::Png)?;
        Ok(atomic_file::write(path, &[png.get_ref()])?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_bars_are_where_they_should_be() {
        let mut canvas = Canvas::new(40, 20, [0; 3]);
        canvas.text((0, 0), "I", [1.0; 3]);
        let lit = |canvas: &Canvas, x, y| canvas.picture().get_pixel(x, y).0 == [255; 3];
        assert!(lit(&canvas, 6, 6) && !lit(&canvas, 0, 6) && !lit(&canvas, 14, 6));
        canvas.bar((20, 0), 20, std::f32::consts::FRAC_PI_4, [1.0; 3]);
        // Rising to the right, and rows go down.
        assert!(lit(&canvas, 34, 5) && lit(&canvas, 25, 14) && !lit(&canvas, 25, 5));
        canvas.fill((38, 18), (9, 9), [1.0; 3]);
        assert!(lit(&canvas, 39, 19));
    }
}
