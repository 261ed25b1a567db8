//! Feature maps as a picture that a person can read.
//!
//! V1 in colours of orientation, V2 in its principal components, beside the
//! image where it can be had. From plain arrays; nothing here knows libtorch.
//! Start with [`Page`].

mod canvas;
mod components;
mod page;
mod tuning;

pub use canvas::{Canvas, CanvasError};
pub use page::{Page, Shown};
pub use tuning::{Tuning, v1_tuning_of_blob, v1_tuning_of_checkpoint};

/// Side of the tile that a feature map is drawn in, in pixels, about.
const TILE: usize = 216;

/// Returns the colour of a hue in turns, a saturation and a value in `[0, 1]`.
fn hsv(hue: f32, saturation: f32, value: f32) -> [f32; 3] {
    [5.0, 3.0, 1.0].map(|offset: f32| {
        let place = (offset + 6.0 * hue.rem_euclid(1.0)) % 6.0;
        value - value * saturation * place.min(4.0 - place).clamp(0.0, 1.0)
    })
}

/// Returns the byte of a value in `[0, 1]`; what is outside is clamped.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255")]
fn byte(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hues_go_round() {
        let bytes = |hue| hsv(hue, 1.0, 1.0).map(byte);
        assert_eq!(bytes(0.0), [255, 0, 0]);
        assert_eq!(bytes(1.0 / 3.0), [0, 255, 0]);
        assert_eq!(bytes(2.0 / 3.0), [0, 0, 255]);
        assert_eq!(bytes(-1.0 / 3.0), [0, 0, 255]);
        assert_eq!(hsv(0.4, 0.0, 0.2).map(byte), [51; 3]);
    }
}
