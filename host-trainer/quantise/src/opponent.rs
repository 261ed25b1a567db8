//! The colour-opponent retina in floats.

use lcl_infer::shape::reflect;

use lcl_artefacts::feature_map::FeatureMap;

use super::retina::DARK;

/// Taps along one axis of the centre, and of the surround, which is the local
/// mean of light too.
const CENTRE: [i32; 3] = [1, 2, 1];
const SURROUND: [i32; 5] = [1, 2, 2, 2, 1];

/// `[1, H, W, 3]`, bytes of red, green and blue, to `[1, H, W, 6]`: ON and OFF of
/// luminance, of red against green, of blue against yellow.
///
/// It is the integer form of docs/components.md, whose sums are exact, up to the
/// division: that is rounded to 32 bits, and not to bytes.
#[expect(clippy::cast_possible_truncation, reason = "bytes, and a quotient in 32 bits")]
pub(super) fn opponent(image: &FeatureMap) -> FeatureMap {
    let (h, w) = (image.h, image.w);
    let pixels: Vec<[i32; 4]> = image
        .data
        .chunks_exact(3)
        .map(|pixel| {
            let [red, green, blue] = [0, 1, 2].map(|c| pixel[c] as i32);
            [red, green, blue, red + 2 * green + blue]
        })
        .collect();
    let at = |y: usize, x: usize| (y * w + x, y, x);
    let places = || (0..h * w).map(|place| at(place / w, place % w));
    let contrasts: Vec<([i32; 3], i32)> = places()
        .map(|(_, y, x)| {
            let centre = around(&CENTRE, [h, w], [y, x], |place| pixels[place]);
            let surround = around(&SURROUND, [h, w], [y, x], |place| pixels[place]);
            let d = [
                4 * centre[3] - surround[3],
                16 * centre[0] - 4 * surround[1],
                16 * centre[2] - 2 * (surround[0] + surround[1]),
            ];
            (d, surround[3])
        })
        .collect();
    let mut data = Vec::with_capacity(6 * h * w);
    for (place, y, x) in places() {
        let (d, light) = contrasts[place];
        let energy = |place: usize| [contrasts[place].0.iter().map(|d| d.abs()).sum()];
        let [energy] = around(&CENTRE, [h, w], [y, x], energy);
        let divisor = f64::from(light) / 4.0 + f64::from(energy) / 16.0 + f64::from(DARK);
        for d in d {
            data.extend([d.max(0), (-d).max(0)].map(|part| (f64::from(part) / divisor) as f32));
        }
    }
    FeatureMap { n: 1, h, w, c: 6, data }
}

/// Returns the sums of values around a pixel, with borders reflected.
fn around<const C: usize>(
    taps: &[i32],
    [h, w]: [usize; 2],
    [y, x]: [usize; 2],
    values: impl Fn(usize) -> [i32; C],
) -> [i32; C] {
    let padding = taps.len() / 2;
    let mut sums = [0; C];
    for (ky, down) in taps.iter().enumerate() {
        for (kx, along) in taps.iter().enumerate() {
            let (row, column) = (reflect(y + ky, padding, h), reflect(x + kx, padding, w));
            for (sum, value) in sums.iter_mut().zip(values(row * w + column)) {
                *sum += down * along * value;
            }
        }
    }
    sums
}
