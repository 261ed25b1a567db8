//! The colour-opponent retina on whole frames, in its plainest form.

use super::{IN_C, OUT_C, Opponent};
use crate::shape::{ImageSize, reflect};

/// Computes a colour-opponent retina on a whole frame, at least 3 pixels a side.
///
/// # Shapes
///
/// `input` is `[1, H, W, 3]`, `out` is `[1, H, W, 6]` (NHWC).
///
/// # Panics
///
/// Panics where a slice is shorter than its shape.
pub fn opponent_ref(retina: &Opponent, size: ImageSize, input: &[u8], out: &mut [u8]) {
    const CENTRE: [i64; 3] = [1, 2, 1];
    const SURROUND: [i64; 5] = [1, 2, 2, 2, 1];
    let ImageSize { width, height } = size;
    // Red, green, blue, and the luma, four times it, as channel 3.
    let value = |y: usize, x: usize, c: usize| {
        let byte = |c| i64::from(input[(y * width + x) * IN_C + c]);
        if c == 3 { byte(0) + 2 * byte(1) + byte(2) } else { byte(c) }
    };
    let blurred = |taps: &[i64], y: usize, x: usize, c: usize| {
        let padding = taps.len() / 2;
        let mut sum = 0;
        for (ky, down) in taps.iter().enumerate() {
            for (kx, along) in taps.iter().enumerate() {
                let (row, column) =
                    (reflect(y + ky, padding, height), reflect(x + kx, padding, width));
                sum += down * along * value(row, column, c);
            }
        }
        sum
    };
    let contrasts = |y: usize, x: usize| {
        let centre = |c| blurred(&CENTRE, y, x, c);
        let surround = |c| blurred(&SURROUND, y, x, c);
        [
            4 * centre(3) - surround(3),
            16 * centre(0) - 4 * surround(1),
            16 * centre(2) - 2 * (surround(0) + surround(1)),
        ]
    };
    for y in 0..height {
        for x in 0..width {
            let mut d = 4 * blurred(&SURROUND, y, x, 3) + 16 * i64::from(retina.offset());
            for (ky, down) in CENTRE.iter().enumerate() {
                for (kx, along) in CENTRE.iter().enumerate() {
                    let (row, column) = (reflect(y + ky, 1, height), reflect(x + kx, 1, width));
                    let energy: i64 = contrasts(row, column).iter().map(|d| d.abs()).sum();
                    d += down * along * energy;
                }
            }
            let at = (y * width + x) * OUT_C;
            for (pair, contrast) in contrasts(y, x).into_iter().enumerate() {
                for (side, part) in [contrast, -contrast].into_iter().enumerate() {
                    let dividend = 16 * i64::from(retina.gain()) * part.max(0);
                    let rounded = (2 * dividend + d) / (2 * d);
                    out[at + 2 * pair + side] =
                        u8::try_from(rounded.min(255)).expect("it is not negative");
                }
            }
        }
    }
}
