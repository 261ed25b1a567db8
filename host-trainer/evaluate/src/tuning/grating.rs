//! Sine gratings as images.

use std::f64::consts::TAU;

use image::{Rgb, RgbImage};

/// Middle of the range of a byte.
const MIDDLE: f64 = 127.5;

/// What is nearer than this to a tie between two bytes is one.
const TIE: f64 = 1e-6;

/// A sine grating in a round window on grey.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grating {
    /// Orientation of the bars in degrees: anticlockwise from horizontal, 90 is
    /// vertical.
    pub orientation_deg: f64,
    /// Spatial frequency in cycles per pixel.
    pub cycles_per_pixel: f64,
    /// Phase at the centre of the window in degrees; 0 is the middle of a bright
    /// bar.
    pub phase_deg: f64,
    /// Radius of the window in pixels; its edge is a ramp of one pixel.
    pub radius: f64,
    /// Michelson contrast, in `[0, 1]`.
    pub contrast: f64,
}

impl Grating {
    /// Draws the grating around a pixel of a square image:
    /// `127.5 · (1 + contrast · window · cos(2π f x' + phase))`, rounded to a
    /// byte, the same in the three colours.
    #[must_use]
    pub fn draw(&self, side: u32, (centre_x, centre_y): (f64, f64)) -> RgbImage {
        let (sin, cos) = (90.0 - self.orientation_deg).to_radians().sin_cos();
        let phase = self.phase_deg.to_radians();
        RgbImage::from_fn(side, side, |x, y| {
            let (dx, dy) = (f64::from(x) - centre_x, f64::from(y) - centre_y);
            let wave = (TAU * self.cycles_per_pixel * (dx * cos + dy * sin) + phase).cos();
            let window = (self.radius + 0.5 - dx.hypot(dy)).clamp(0.0, 1.0);
            grey(self.contrast * window * wave)
        })
    }
}

/// Returns the image without a grating.
#[must_use]
pub fn blank(side: u32) -> RgbImage {
    RgbImage::from_pixel(side, side, grey(0.0))
}

/// Returns the pixel of a contrast, ties rounded up: where a wave crosses zero
/// stands the byte of the blank, whatever the machine's cosine leaves there.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255")]
fn grey(contrast: f64) -> Rgb<u8> {
    Rgb([(MIDDLE * (1.0 + contrast) + 0.5 + TIE).floor().clamp(0.0, 255.0) as u8; 3])
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRATING: Grating = Grating {
        orientation_deg: 90.0,
        cycles_per_pixel: 0.25,
        phase_deg: 0.0,
        radius: 100.0,
        contrast: 1.0,
    };

    #[test]
    fn vertical_bars_vary_from_left_to_right() {
        let image = GRATING.draw(9, (4.0, 4.0));
        let row: Vec<u8> = (0..9).map(|x| image.get_pixel(x, 7)[0]).collect();
        assert_eq!(row, [255, 128, 0, 128, 255, 128, 0, 128, 255]);
        let horizontal = Grating { orientation_deg: 0.0, ..GRATING }.draw(9, (4.0, 4.0));
        assert!((0..9).all(|x| horizontal.get_pixel(x, 4)[1] == 255));
        let rising = Grating { orientation_deg: 45.0, ..GRATING }.draw(9, (4.0, 4.0));
        assert!((0..9).all(|x| rising.get_pixel(x, 8 - x)[2] == 255));
    }

    #[test]
    fn outside_of_the_window_there_is_grey() {
        let image = Grating { radius: 2.0, contrast: 0.5, ..GRATING }.draw(9, (4.0, 4.0));
        assert_eq!(image.get_pixel(4, 4).0, [191; 3]);
        // Half a pixel of ramp beyond the radius: the middle of a bright bar.
        assert_eq!(image.get_pixel(4, 6).0, [159; 3]);
        assert_eq!(image.get_pixel(4, 7), blank(9).get_pixel(0, 0));
        assert_eq!(image.get_pixel(0, 0).0, [128; 3]);
    }
}
