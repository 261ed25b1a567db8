//! Image files to RGB8.

use std::{
    fs,
    fs::File,
    io::{self, Cursor, Read},
    path::{Path, PathBuf},
};

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage,
    error::UnsupportedErrorKind, metadata::Orientation,
};

use super::{
    CropBox,
    fit::CentreFit,
    jpeg::{Header, TurboError, TurboImage, decode_region, decoding_bytes, orientation},
    limits::{most_file_bytes, most_pixels},
    turn::Turn,
};
use lcl_artefacts::printed::printed;

/// Smallest width and height of an image.
pub const MIN_SIDE: u32 = 16;

/// Bytes at the start of a file that say which format it has.
const HEAD_BYTES: u64 = 64;

/// Bytes that a decoder may take besides pixels.
const MOST_DECODER_BYTES: u64 = 1 << 26;

/// One image cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The file cannot be read.
    #[error("cannot read {}: {cause}", printed(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file is no image that can be decoded.
    #[error("{} is damaged or not an image: {cause}", printed(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        cause: ImageError,
    },
    /// The file is an image of a kind that is not read.
    #[error(
        "{} is an image of a kind that is not read ({cause}); save it with 8 or 16 bits a channel, \
         grey or RGB",
        printed(path)
    )]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        cause: ImageError,
    },
    /// The image has more pixels than are read.
    #[error(
        "{} says that it has {width}x{height} pixels, more than the {most} that are read; \
         --max-pixels sets how many",
        printed(path)
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// Pixels that are read.
        most: u64,
    },
    /// The file is longer than any image that is read.
    #[error(
        "{} has {bytes} bytes, more than an image of {most} pixels takes; --max-pixels sets how \
         many are read",
        printed(path)
    )]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
        /// Pixels that are read.
        most: u64,
    },
    /// The file is a JPEG that is damaged.
    #[error("{} is damaged or truncated: {cause}", printed(path))]
    DamagedJpeg {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        cause: TurboError,
    },
    /// The file ends before its image does.
    #[error("{} is truncated: the end of the image is missing", printed(path))]
    Truncated {
        /// The file.
        path: PathBuf,
    },
    /// A pack does not hold what was put into it.
    #[error(
        "the centre of {} in {} is damaged; copy the pack again, or make it again with \
         `lcl prepare`",
        printed(name),
        printed(path)
    )]
    DamagedCentre {
        /// The shard.
        path: PathBuf,
        /// The image.
        name: String,
    },
    /// The image could not be used when its pack was made.
    #[error("{reason} (when the pack was made)")]
    Skipped {
        /// What was wrong with it.
        reason: String,
    },
    /// The image is smaller than [`MIN_SIDE`].
    #[error("{} has {width}x{height} pixels, and {MIN_SIDE}x{MIN_SIDE} are needed", printed(path))]
    TooSmall {
        /// The file.
        path: PathBuf,
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
}

/// The bytes of an image file.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// Where they are from, for messages.
    pub path: PathBuf,
    /// The whole file.
    pub bytes: Vec<u8>,
}

/// What of an image is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// The centre, `side`×`side` pixels, of the image with its shorter side
    /// resized to `shorter`.
    Centre {
        /// What the shorter side is resized to.
        shorter: u32,
        /// Side of the centre, at most `shorter`.
        side: u32,
    },
}

/// An image whose header was read, and how it will be decoded.
pub struct Plan<'a> {
    file: &'a Encoded,
    decoder: Decoder<'a>,
    orientation: Orientation,
    /// What is decoded, as it is stored.
    region: CropBox,
    fit: Option<CentreFit>,
}

enum Decoder<'a> {
    Turbo(TurboImage<'a>),
    Other(Box<dyn ImageDecoder + 'a>, Option<ImageFormat>),
}

impl Encoded {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is no image.
    pub fn read(path: &Path) -> Result<Self, DecodeError> {
        let failed = |cause| DecodeError::Io { path: path.into(), cause };
        let (file, len) = open_regular(path).map_err(failed)?;
        Self::read_from(path, len, file)
    }

    /// Reads an image of `len` bytes; what does not begin as an image is not read
    /// to its end.
    pub(super) fn read_from(
        path: &Path,
        len: u64,
        mut source: impl Read,
    ) -> Result<Self, DecodeError> {
        let failed = |cause| DecodeError::Io { path: path.into(), cause };
        let mut bytes = Vec::new();
        source.by_ref().take(HEAD_BYTES).read_to_end(&mut bytes).map_err(failed)?;
        image::guess_format(&bytes)
            .map_err(|cause| DecodeError::Damaged { path: path.into(), cause })?;
        if len > most_file_bytes() {
            return Err(DecodeError::TooLong {
                path: path.into(),
                bytes: len,
                most: most_pixels(),
            });
        }
        let left = usize::try_from(len).unwrap_or(usize::MAX).saturating_sub(bytes.len());
        bytes.try_reserve_exact(left).map_err(|cause| failed(io::Error::other(cause)))?;
        source.take(left as u64).read_to_end(&mut bytes).map_err(failed)?;
        Ok(Self { path: path.into(), bytes })
    }

    /// Decodes the image to 8-bit RGB.
    ///
    /// 16-bit samples are rounded to 8 bits, grey is repeated in the three
    /// channels, palettes and CMYK are resolved, an alpha channel is dropped.
    /// The image is turned as the orientation in its metadata says.
    ///
    /// # Errors
    ///
    /// When it is damaged, truncated, too small or too large.
    pub fn decode(&self) -> Result<RgbImage, DecodeError> {
        self.plan(Wanted::Whole)?.decode()
    }

    /// Decodes the centre, `side`×`side` pixels, of the image with its shorter
    /// side resized to `shorter`.
    ///
    /// The bytes are those that [`decode`](Self::decode), resizing and cropping
    /// give; of a JPEG only what the centre depends on is decoded, and of any
    /// image only that is resized.
    ///
    /// # Errors
    ///
    /// When the image is damaged anywhere, truncated, too small or too large.
    ///
    /// # Panics
    ///
    /// When `side` is larger than `shorter`.
    pub fn decode_centre(&self, shorter: u32, side: u32) -> Result<RgbImage, DecodeError> {
        self.plan(Wanted::Centre { shorter, side })?.decode()
    }

    /// Reads the header and checks what it says, before memory is taken for
    /// pixels.
    pub(super) fn plan(&self, wanted: Wanted) -> Result<Plan<'_>, DecodeError> {
        let (decoder, orientation, size) = self.decoder()?;
        let turn = Turn::new(orientation, size);
        let fit = match wanted {
            Wanted::Whole => None,
            Wanted::Centre { shorter, side } => Some(CentreFit::new(turn.size(), shorter, side)),
        };
        let whole = CropBox { x: 0, y: 0, width: size.0, height: size.1 };
        let region = fit.as_ref().map_or(whole, |fit| turn.stored(fit.region()));
        Ok(Plan { file: self, decoder, orientation, region, fit })
    }

    /// Returns the decoder, and what the header says: how the image is turned,
    /// its columns and its rows.
    fn decoder(&self) -> Result<(Decoder<'_>, Orientation, (u32, u32)), DecodeError> {
        if self.bytes.starts_with(&[0xff, 0xd8, 0xff]) {
            let image = TurboImage::open(&self.bytes).map_err(|cause| self.damaged_jpeg(cause))?;
            let Header { width, height, becomes_rgb, .. } = image.header();
            self.check_size(width, height)?;
            if becomes_rgb {
                let orientation = orientation(&self.bytes);
                return Ok((Decoder::Turbo(image), orientation, (width, height)));
            }
        }
        let failed = |cause| self.failed(cause);
        let reader = ImageReader::new(Cursor::new(&self.bytes)).with_guessed_format();
        let reader = reader.map_err(|cause| DecodeError::Io { path: self.path.clone(), cause })?;
        let format = reader.format();
        let mut decoder = reader.into_decoder().map_err(failed)?;
        let (width, height) = decoder.dimensions();
        self.check_size(width, height)?;
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(2 * decoder.total_bytes() + MOST_DECODER_BYTES);
        decoder.set_limits(limits).map_err(failed)?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        Ok((Decoder::Other(Box::new(decoder), format), orientation, (width, height)))
    }

    fn check_size(&self, width: u32, height: u32) -> Result<(), DecodeError> {
        let (path, most) = (self.path.clone(), most_pixels());
        if u64::from(width) * u64::from(height) > most {
            return Err(DecodeError::TooLarge { path, width, height, most });
        }
        if width.min(height) < MIN_SIDE {
            return Err(DecodeError::TooSmall { path, width, height });
        }
        Ok(())
    }

    fn damaged_jpeg(&self, cause: TurboError) -> DecodeError {
        DecodeError::DamagedJpeg { path: self.path.clone(), cause }
    }

    fn failed(&self, cause: ImageError) -> DecodeError {
        let path = self.path.clone();
        match &cause {
            ImageError::Unsupported(what)
                if !matches!(what.kind(), UnsupportedErrorKind::Format(_)) =>
            {
                DecodeError::Unsupported { path, cause }
            }
            _ => DecodeError::Damaged { path, cause },
        }
    }
}

impl Plan<'_> {
    /// Returns the bytes that decoding takes besides the file, at most.
    pub(super) fn bytes(&self) -> u64 {
        let wanted = u64::from(self.region.width) * u64::from(self.region.height);
        match &self.decoder {
            Decoder::Turbo(image) => decoding_bytes(image, self.region) + 6 * wanted,
            // As long again are what is decompressed and not yet taken apart.
            Decoder::Other(decoder, _) => 2 * decoder.total_bytes() + 22 * wanted,
        }
    }

    /// Decodes what is wanted.
    ///
    /// # Errors
    ///
    /// When the image is damaged anywhere or truncated.
    pub(super) fn decode(self) -> Result<RgbImage, DecodeError> {
        let Self { file, decoder, orientation, region, fit } = self;
        let CropBox { x, y, width, height } = region;
        let mut image = match decoder {
            Decoder::Turbo(image) => {
                let pixels = decode_region(&image, region);
                let pixels = pixels.map_err(|cause| file.damaged_jpeg(cause))?;
                RgbImage::from_raw(width, height, pixels).unwrap_or_default().into()
            }
            Decoder::Other(decoder, format) => {
                let image = DynamicImage::from_decoder(decoder);
                let image = image.map_err(|cause| file.failed(cause))?;
                if format == Some(ImageFormat::Jpeg) && !has_end_of_jpeg(&file.bytes) {
                    return Err(DecodeError::Truncated { path: file.path.clone() });
                }
                if (width, height) == (image.width(), image.height()) {
                    image
                } else {
                    image.crop_imm(x, y, width, height)
                }
            }
        };
        image.apply_orientation(orientation);
        let image = image.into_rgb8();
        Ok(match fit {
            Some(fit) => fit.centre(&image),
            None => image,
        })
    }
}

/// Opens a file for reading, and returns its length. What is no regular file is
/// an error: a pipe could keep its reader waiting for ever.
pub(super) fn open_regular(path: &Path) -> io::Result<(File, u64)> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    Ok((file, len))
}

/// Finds the end-of-image marker, which cameras may follow with data of their
/// own: the JPEG decoder fills what is missing with grey and says nothing.
fn has_end_of_jpeg(bytes: &[u8]) -> bool {
    bytes.windows(2).rev().any(|pair| pair == [0xff, 0xd9])
}

#[cfg(test)]
mod tests {
    use image::{GenericImageView, GrayImage, Luma, Rgb, Rgb32FImage, Rgba, RgbaImage};

    use super::*;

    fn decode(path: &Path) -> Result<RgbImage, DecodeError> {
        Encoded::read(path)?.decode()
    }

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
