//! The pixel formats of cameras, and how a row of each becomes the model's.
//!
//! A row is converted while it is copied to where the model reads it: there is
//! no buffer between. All is integer arithmetic, so a camera's row gives the
//! same bytes on every machine. Each conversion is a function of its own, of
//! which a program links those that it names.

use crate::input::InputFormat;

/// How a camera lays out the pixels of a row, byte by byte.
///
/// # Examples
///
/// ```
/// use lcl_infer::PixelFormat;
/// assert_eq!(PixelFormat::Yuyv.row_len(96), Some(192));
/// assert_eq!(PixelFormat::Yuyv.row_len(97), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PixelFormat {
    /// Three bytes a pixel: red, green, blue.
    Rgb888,
    /// Two bytes a pixel, the high one first: `rrrrrggg gggbbbbb`. Cameras with
    /// a parallel port of eight lines, such as the OV2640 and the OV7670, send
    /// it in this order.
    Rgb565Be,
    /// Two bytes a pixel, the low one first: `gggbbbbb rrrrrggg`, a 16-bit word
    /// in the memory of a little-endian machine.
    Rgb565Le,
    /// One byte a pixel: luma.
    Gray8,
    /// YUV 4:2:2, four bytes for two pixels: `Y0 U Y1 V`. Full range, see
    /// [`Frontend::with_pixels`](crate::Frontend::with_pixels).
    Yuyv,
    /// YUV 4:2:2, four bytes for two pixels: `U Y0 V Y1`. Full range.
    Uyvy,
}

impl PixelFormat {
    /// Every format.
    pub const ALL: [Self; 6] =
        [Self::Rgb888, Self::Rgb565Be, Self::Rgb565Le, Self::Gray8, Self::Yuyv, Self::Uyvy];

    /// Returns the name of the format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rgb888 => "RGB888",
            Self::Rgb565Be => "RGB565 (high byte first)",
            Self::Rgb565Le => "RGB565 (low byte first)",
            Self::Gray8 => "GRAY8",
            Self::Yuyv => "YUV422 (YUYV)",
            Self::Uyvy => "YUV422 (UYVY)",
        }
    }

    /// Returns the bytes of a row of `width` pixels, or nothing where no such
    /// row exists: YUV 4:2:2 has an even number of pixels.
    #[must_use]
    pub const fn row_len(self, width: usize) -> Option<usize> {
        match self {
            Self::Rgb888 => width.checked_mul(3),
            Self::Rgb565Be | Self::Rgb565Le => width.checked_mul(2),
            Self::Gray8 => Some(width),
            Self::Yuyv | Self::Uyvy => {
                if width % 2 == 0 {
                    width.checked_mul(2)
                } else {
                    None
                }
            }
        }
    }
}

impl From<InputFormat> for PixelFormat {
    fn from(input: InputFormat) -> Self {
        match input {
            InputFormat::Rgb888 => Self::Rgb888,
            InputFormat::Gray8 => Self::Gray8,
        }
    }
}

/// Returns the luma of a pixel, `(19595 R + 38470 G + 7471 B + 2^15) >> 16`:
/// the weights 0.299, 0.587 and 0.114 of ITU-R BT.601 in units of `2^-16`,
/// rounded half up. A grey pixel keeps its value.
///
/// These are the bytes of mode "L" of the Python library Pillow.
///
/// # Examples
///
/// ```
/// assert_eq!(lcl_infer::luma([255, 0, 0]), 76);
/// assert_eq!(lcl_infer::luma([9, 9, 9]), 9);
/// ```
#[inline]
#[must_use]
pub fn luma([r, g, b]: [u8; 3]) -> u8 {
    // The weights sum to 2^16, so the sum is below 2^24.
    let [_, _, luma, _] =
        (19_595 * u32::from(r) + 38_470 * u32::from(g) + 7471 * u32::from(b) + (1 << 15))
            .to_le_bytes();
    luma
}

/// Converts a row: `[1, W, pixel]` in, `[1, W, C]` out.
///
/// Where one slice is shorter than the other asks for, what is left over stays
/// as it is.
pub(crate) type Convert = fn(row: &[u8], out: &mut [u8]);

/// Returns the conversion of a camera's rows to the model's.
#[inline]
pub(crate) const fn conversion(from: PixelFormat, to: InputFormat) -> Convert {
    match (from, to) {
        (PixelFormat::Rgb888, InputFormat::Rgb888) | (PixelFormat::Gray8, InputFormat::Gray8) => {
            copy
        }
        (PixelFormat::Rgb565Be, InputFormat::Rgb888) => rgb565_be_to_rgb,
        (PixelFormat::Rgb565Le, InputFormat::Rgb888) => rgb565_le_to_rgb,
        (PixelFormat::Gray8, InputFormat::Rgb888) => gray_to_rgb,
        (PixelFormat::Yuyv, InputFormat::Rgb888) => yuyv_to_rgb,
        (PixelFormat::Uyvy, InputFormat::Rgb888) => uyvy_to_rgb,
        (PixelFormat::Rgb888, InputFormat::Gray8) => rgb_to_gray,
        (PixelFormat::Rgb565Be, InputFormat::Gray8) => rgb565_be_to_gray,
        (PixelFormat::Rgb565Le, InputFormat::Gray8) => rgb565_le_to_gray,
        (PixelFormat::Yuyv, InputFormat::Gray8) => yuyv_to_gray,
        (PixelFormat::Uyvy, InputFormat::Gray8) => uyvy_to_gray,
    }
}

/// Copies a row that has the model's format already.
pub(crate) fn copy(row: &[u8], out: &mut [u8]) {
    map(row, out, |pixel: [u8; 1]| pixel);
}

fn gray_to_rgb(row: &[u8], out: &mut [u8]) {
    map(row, out, |[y]| [y; 3]);
}

fn rgb_to_gray(row: &[u8], out: &mut [u8]) {
    map(row, out, |pixel| [luma(pixel)]);
}

fn rgb565_be_to_rgb(row: &[u8], out: &mut [u8]) {
    map(row, out, |bytes| expand(u16::from_be_bytes(bytes)));
}

fn rgb565_le_to_rgb(row: &[u8], out: &mut [u8]) {
    map(row, out, |bytes| expand(u16::from_le_bytes(bytes)));
}

fn rgb565_be_to_gray(row: &[u8], out: &mut [u8]) {
    map(row, out, |bytes| [luma(expand(u16::from_be_bytes(bytes)))]);
}

fn rgb565_le_to_gray(row: &[u8], out: &mut [u8]) {
    map(row, out, |bytes| [luma(expand(u16::from_le_bytes(bytes)))]);
}

fn yuyv_to_rgb(row: &[u8], out: &mut [u8]) {
    map(row, out, |[y0, u, y1, v]| rgb_pair([y0, y1], u, v));
}

fn uyvy_to_rgb(row: &[u8], out: &mut [u8]) {
    map(row, out, |[u, y0, v, y1]| rgb_pair([y0, y1], u, v));
}

fn yuyv_to_gray(row: &[u8], out: &mut [u8]) {
    map(row, out, |[y0, _, y1, _]| [y0, y1]);
}

fn uyvy_to_gray(row: &[u8], out: &mut [u8]) {
    map(row, out, |[_, y0, _, y1]| [y0, y1]);
}

/// Converts `N` bytes of `row` to `M` of `out`, again and again.
#[inline]
fn map<const N: usize, const M: usize>(
    row: &[u8],
    out: &mut [u8],
    convert: impl Fn([u8; N]) -> [u8; M],
) {
    for (bytes, out) in row.chunks_exact(N).zip(out.chunks_exact_mut(M)) {
        if let Ok(bytes) = bytes.try_into() {
            out.copy_from_slice(&convert(bytes));
        }
    }
}

/// Returns red, green and blue of `rrrrrggg gggbbbbb`; each repeats its high
/// bits below its low ones, so that all zeros become 0 and all ones 255.
#[inline]
fn expand(word: u16) -> [u8; 3] {
    let [low, high] = word.to_le_bytes();
    let red = high & 0xf8;
    let green = (high << 5) | ((low >> 3) & 0x1c);
    let blue = low << 3;
    [red | (red >> 5), green | (green >> 6), blue | (blue >> 5)]
}

/// Returns red, green and blue of two pixels that share their chroma.
#[inline]
fn rgb_pair([y0, y1]: [u8; 2], u: u8, v: u8) -> [u8; 6] {
    let ([r0, g0, b0], [r1, g1, b1]) = (rgb(y0, u, v), rgb(y1, u, v));
    [r0, g0, b0, r1, g1, b1]
}

/// Returns red, green and blue of a full-range YUV pixel (ITU-T T.871, 2011,
/// section 7, which inverts ITU-R BT.601), with `u` and `v` from 128 on:
///
/// `R = Y + 1.402 V`, `G = Y - 0.344136 U - 0.714136 V`, `B = Y + 1.772 U`, the
/// factors in units of `2^-16`, rounded half up once and clamped.
#[inline]
fn rgb(y: u8, u: u8, v: u8) -> [u8; 3] {
    let y = (i32::from(y) << 16) + (1 << 15);
    let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
    [y + 91_881 * v, y - 22_553 * u - 46_802 * v, y + 116_130 * u].map(|value| {
        let [byte, ..] = (value >> 16).clamp(0, 255).to_le_bytes();
        byte
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<const N: usize>(from: PixelFormat, row: &[u8], rgb: [u8; N], gray: &[u8]) {
        let mut out = [0; N];
        conversion(from, InputFormat::Rgb888)(row, &mut out);
        assert_eq!(out, rgb, "{} to RGB", from.name());
        let out = &mut out[..N / 3];
        conversion(from, InputFormat::Gray8)(row, out);
        assert_eq!(out, gray, "{} to grey", from.name());
        assert_eq!(from.row_len(N / 3), Some(row.len()));
    }

    #[test]
    fn rgb888_by_hand() {
        check(PixelFormat::Rgb888, &[255, 0, 0, 0, 255, 0], [255, 0, 0, 0, 255, 0], &[76, 150]);
        check(PixelFormat::Rgb888, &[0, 0, 255, 7, 7, 7], [0, 0, 255, 7, 7, 7], &[29, 7]);
    }

    #[test]
    fn gray8_is_repeated() {
        check(PixelFormat::Gray8, &[0, 9, 255], [0, 0, 0, 9, 9, 9, 255, 255, 255], &[0, 9, 255]);
    }

    #[test]
    fn rgb565_by_hand() {
        // 10000 100000 00001: 16 of 31, 32 of 63, 1 of 31.
        let word = 0b1000_0100_0000_0001_u16;
        let rgb = [132, 130, 8];
        let gray = [luma(rgb)];
        check(PixelFormat::Rgb565Be, &word.to_be_bytes(), rgb, &gray);
        check(PixelFormat::Rgb565Le, &word.to_le_bytes(), rgb, &gray);
        check(PixelFormat::Rgb565Be, &[0xf8, 0x00], [255, 0, 0], &[76]);
        check(PixelFormat::Rgb565Be, &[0x07, 0xe0], [0, 255, 0], &[150]);
        check(PixelFormat::Rgb565Le, &[0x1f, 0x00], [0, 0, 255], &[29]);
        check(PixelFormat::Rgb565Be, &[0xff; 2], [255; 3], &[255]);
        check(PixelFormat::Rgb565Be, &[0; 2], [0; 3], &[0]);
    }

    #[test]
    fn expansion_is_within_a_byte_of_the_real_number() {
        for value in 0..32_u16 {
            let [red, _, blue] = expand(value << 11 | value);
            assert!((i32::from(red) * 31 - i32::from(value) * 255).abs() < 31, "{value}");
            assert_eq!(red, blue);
        }
        for value in 0..64_u16 {
            let [_, green, _] = expand(value << 5);
            assert!((i32::from(green) * 63 - i32::from(value) * 255).abs() < 63, "{value}");
        }
    }

    #[test]
    fn yuv_by_hand() {
        // Grey stays; then 1.402 · 100 = 140.2, 0.714136 · 100 = 71.41.
        check(PixelFormat::Yuyv, &[5, 128, 250, 128], [5, 5, 5, 250, 250, 250], &[5, 250]);
        check(PixelFormat::Uyvy, &[128, 5, 128, 250], [5, 5, 5, 250, 250, 250], &[5, 250]);
        check(PixelFormat::Yuyv, &[80, 128, 90, 228], [220, 9, 80, 230, 19, 90], &[80, 90]);
        // 0.344136 · 100 = 34.41, 1.772 · 100 = 177.2.
        check(PixelFormat::Uyvy, &[228, 50, 128, 60], [50, 16, 227, 60, 26, 237], &[50, 60]);
        // Beyond what RGB holds.
        check(PixelFormat::Yuyv, &[255, 255, 0, 255], [255, 121, 255, 178, 0, 225], &[255, 0]);
        check(PixelFormat::Yuyv, &[255, 0, 0, 0], [76, 255, 28, 0, 135, 0], &[255, 0]);
    }

    #[test]
    fn yuv_is_within_half_a_byte_of_the_real_numbers() {
        for y in (0..=255).step_by(5) {
            for u in 0..=255 {
                for v in 0..=255 {
                    let (real_y, real_u, real_v) = (f64::from(y), centred(u), centred(v));
                    let expected = [
                        real_y + 1.402 * real_v,
                        real_y - (0.114 * 1.772 * real_u + 0.299 * 1.402 * real_v) / 0.587,
                        real_y + 1.772 * real_u,
                    ];
                    for (got, real) in rgb(y, u, v).into_iter().zip(expected) {
                        let error = (f64::from(got) - real.clamp(0.0, 255.0)).abs();
                        // The factors are off by half of 2^-16, times 128 twice.
                        assert!(error <= 0.5 + 128.0 / 65_536.0, "{y} {u} {v}");
                    }
                }
            }
        }
    }

    #[expect(clippy::float_arithmetic, reason = "the test compares with real numbers")]
    fn centred(chroma: u8) -> f64 {
        f64::from(chroma) - 128.0
    }

    #[test]
    fn luma_keeps_grey_and_its_order() {
        for value in 0..=255 {
            assert_eq!(luma([value; 3]), value);
        }
        assert_eq!(luma([255, 255, 0]), 226);
        assert_eq!(luma([1, 0, 0]), 0);
        assert_eq!(luma([2, 0, 0]), 1);
    }

    #[test]
    fn rows_of_odd_width_have_no_yuv() {
        for (format, len) in PixelFormat::ALL.into_iter().zip([9, 6, 6, 3].map(Some)) {
            assert_eq!(format.row_len(3), len, "{}", format.name());
        }
        assert_eq!(PixelFormat::Yuyv.row_len(3), None);
        assert_eq!(PixelFormat::Uyvy.row_len(3), None);
        assert_eq!(PixelFormat::Rgb888.row_len(usize::MAX), None);
    }
}
