//! Image files to RGB8.

use std::{
    fs, io,
    io::Cursor,
    path::{Path, PathBuf},
};

use image::{ImageError, ImageFormat, ImageReader, RgbImage};

/// Smallest width and height of an image.
pub const MIN_SIDE: u32 = 16;

/// One image cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The file cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file is no image that can be decoded.
    #[error("{} is damaged or not an image: {cause}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        cause: ImageError,
    },
    /// The file ends before its image does.
    #[error("{} is truncated: the end of the image is missing", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
    },
    /// The image is smaller than [`MIN_SIDE`].
    #[error("{} has {width}x{height} pixels, and {MIN_SIDE}x{MIN_SIDE} are needed", path.display())]
    TooSmall {
        /// The file.
        path: PathBuf,
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
}

/// Decodes the image file at `path` to 8-bit RGB.
///
/// 16-bit samples are rounded to 8 bits, grey is repeated in the three
/// channels, palettes and CMYK are resolved, an alpha channel is dropped. The
/// orientation in the metadata is not applied.
///
/// # Errors
///
/// When the file cannot be read, is damaged or truncated, or is too small.
pub fn decode(path: &Path) -> Result<RgbImage, DecodeError> {
    let bytes = fs::read(path).map_err(|cause| DecodeError::Io { path: path.into(), cause })?;
    let damaged = |cause| DecodeError::Damaged { path: path.into(), cause };
    let reader = ImageReader::new(Cursor::new(&bytes))
        .with_guessed_format()
        .map_err(|cause| DecodeError::Io { path: path.into(), cause })?;
    let format = reader.format();
    let image = reader.decode().map_err(damaged)?.into_rgb8();
    if format == Some(ImageFormat::Jpeg) && !has_end_of_jpeg(&bytes) {
        return Err(DecodeError::Truncated { path: path.into() });
    }
    let (width, height) = image.dimensions();
    if width.min(height) < MIN_SIDE {
        return Err(DecodeError::TooSmall { path: path.into(), width, height });
    }
    Ok(image)
}

/// Finds the end-of-image marker, which cameras may follow with data of their
/// own: the JPEG decoder fills what is missing with grey and says nothing.
fn has_end_of_jpeg(bytes: &[u8]) -> bool {
    bytes.windows(2).rev().any(|pair| pair == [0xff, 0xd9])
}

#[cfg(test)]
mod tests {
    use image::{
        DynamicImage, GenericImageView, GrayImage, Luma, Rgb, Rgb32FImage, Rgba, RgbaImage,
    };

    use super::*;

    fn gradient() -> RgbImage {
        let channel = |value: u32| u8::try_from(value * 7 % 256).unwrap_or_default();
        RgbImage::from_fn(40, 20, |x, y| Rgb([channel(x), channel(y), channel(x + y)]))
    }

    #[track_caller]
    fn check(name: &str, image: &DynamicImage, expected: &RgbImage) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        image.save(&path).expect("an encoded image");
        assert_eq!(&decode(&path).expect("a decoded image"), expected, "{name}");
    }

    #[test]
    fn every_kind_of_pixel_becomes_rgb8() {
        let rgb = gradient();
        check("rgb.png", &rgb.clone().into(), &rgb);
        check("rgb.bmp", &rgb.clone().into(), &rgb);
        check("16.png", &DynamicImage::from(rgb.clone()).into_rgb16().into(), &rgb);
        let grey = GrayImage::from_fn(40, 20, |x, _| Luma([u8::try_from(x).unwrap_or_default()]));
        check("grey.png", &grey.clone().into(), &DynamicImage::from(grey).into_rgb8());
        let alpha = RgbaImage::from_fn(40, 20, |x, y| {
            let [r, g, b] = rgb.get_pixel(x, y).0;
            Rgba([r, g, b, 90])
        });
        check("alpha.png", &alpha.into(), &rgb);
        let float = Rgb32FImage::from_pixel(40, 20, Rgb([0.0, 1.0, 0.5]));
        check("float.tiff", &float.into(), &RgbImage::from_pixel(40, 20, Rgb([0, 255, 128])));
    }

    #[test]
    fn a_truncated_file_is_an_error_and_names_it() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["t.jpg", "t.png", "t.bmp", "t.gif", "t.webp", "t.tiff", "t.ppm"] {
            let path = folder.path().join(name);
            gradient().save(&path).expect("an encoded image");
            assert_eq!(decode(&path).expect("an image").dimensions(), (40, 20));
            let bytes = fs::read(&path).expect("bytes");
            for kept in [0, 2, bytes.len() / 2, bytes.len() * 9 / 10] {
                fs::write(&path, &bytes[..kept]).expect("a file");
                let error = decode(&path).expect_err(name);
                assert!(error.to_string().contains(name), "{error}");
            }
        }
    }

    #[test]
    fn an_image_under_16_pixels_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("small.png");
        DynamicImage::from(gradient()).view(0, 0, 40, 15).to_image().save(&path).expect("saved");
        let error = decode(&path).expect_err("too small");
        assert!(error.to_string().contains("40x15"), "{error}");
    }
}
