//! Images of one size on their way through a network, as a blob sees them.

use std::{borrow::Cow, error::Error};

use image::RgbImage;
use lcl_infer::{InputFormat, luma};

/// Images that go through a network at a time.
const BATCH: usize = 16;

/// An image of the size that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct SizedImage {
    /// The image's path or name.
    pub name: String,
    /// Its pixels, RGB8.
    pub pixels: RgbImage,
}

/// An image cannot be had; the error is that of its source.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ImageError(Box<dyn Error + Send + Sync>);

impl ImageError {
    /// Wraps the error of a source of images.
    pub fn new(cause: impl Error + Send + Sync + 'static) -> Self {
        Self(Box::new(cause))
    }
}

/// Calls `pass` with the names and pixels of a few images at a time, until all
/// have passed.
///
/// # Errors
///
/// The first error of an image or of `pass`.
pub fn for_each_batch<E: From<S>, S>(
    mut images: impl Iterator<Item = Result<SizedImage, S>>,
    mut pass: impl FnMut(Vec<String>, &[RgbImage]) -> Result<(), E>,
) -> Result<(), E> {
    loop {
        let batch: Vec<SizedImage> = images.by_ref().take(BATCH).collect::<Result<_, _>>()?;
        if batch.is_empty() {
            return Ok(());
        }
        let (names, pixels): (Vec<String>, Vec<RgbImage>) =
            batch.into_iter().map(|image| (image.name, image.pixels)).unzip();
        pass(names, &pixels)?;
    }
}

/// Returns images whose pixels are what a blob of that format sees, as the
/// float network takes them: where the blob takes grey images, the luma of each
/// pixel stands in all three channels.
#[must_use]
pub fn as_seen(images: &[RgbImage], input: InputFormat) -> Cow<'_, [RgbImage]> {
    match input {
        InputFormat::Gray8 => images.iter().map(gray).collect(),
        _ => images.into(),
    }
}

/// Returns the bytes of an image in a blob's format, `[H, W, C]`.
#[must_use]
pub fn rows(image: &RgbImage, input: InputFormat) -> Cow<'_, [u8]> {
    match input {
        InputFormat::Gray8 => image.pixels().map(|pixel| luma(pixel.0)).collect(),
        _ => image.as_raw().into(),
    }
}

fn gray(image: &RgbImage) -> RgbImage {
    let mut image = image.clone();
    for pixel in image.pixels_mut() {
        pixel.0 = [luma(pixel.0); 3];
    }
    image
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn grey_blobs_see_luma() {
        let image = RgbImage::from_pixel(2, 1, Rgb([255, 0, 0]));
        let images = [image.clone()];
        assert_eq!(as_seen(&images, InputFormat::Rgb888)[0], image);
        assert_eq!(as_seen(&images, InputFormat::Gray8)[0].as_raw(), &[76; 6]);
        assert_eq!(*rows(&image, InputFormat::Rgb888), [255, 0, 0, 255, 0, 0]);
        assert_eq!(*rows(&image, InputFormat::Gray8), [76; 2]);
    }
}
