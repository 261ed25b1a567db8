//! The features of a blob, computed on the host.

use image::RgbImage;
use lcl_infer::{
    Blob, Frontend, FrontendError, ImageSize, Name, PixelFormat, RowError, V1, V2, dequantise,
};
use rayon::prelude::*;

use crate::feature_map::FeatureMap;

/// A blob cannot be run on a batch of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IntegerError {
    /// The layers cannot stream images of that size.
    #[error(transparent)]
    Frontend(#[from] FrontendError),
    /// The blob has no layer of that tap.
    #[error("the model hands out no rows of {0}; it is no model of both areas, V1 and V2")]
    NoTap(Name),
    /// An image has another size than the first of its batch.
    #[error("an image has another size than the first of its batch: {0}")]
    Row(#[from] RowError),
}

/// Bytes of one tap for several images, `[N, H, W, C]` (NHWC).
#[derive(Clone, Debug, PartialEq)]
pub struct ByteMap {
    /// Images.
    pub n: usize,
    /// Rows.
    pub h: usize,
    /// Columns.
    pub w: usize,
    /// Channels.
    pub c: usize,
    /// `n · h · w · c` bytes, channels innermost.
    pub data: Vec<u8>,
}

impl ByteMap {
    /// Returns the real features, `scale · byte`, with the scales of a blob's
    /// tap.
    #[must_use]
    pub fn dequantise(&self, blob: &Blob<'_>, tap: Name) -> FeatureMap {
        let mut data = vec![0.0; self.data.len()];
        dequantise(&self.data, blob.output_scale(tap).unwrap_or_default(), &mut data);
        FeatureMap { n: self.n, h: self.h, w: self.w, c: self.c, data }
    }
}

/// The cortical areas, which are taps of LCL-V2, in order.
pub const AREAS: [Name; 2] = [V1, V2];

/// Runs a blob on images of one size; V1 and V2. A blob that takes grey images
/// gets their luma.
///
/// # Errors
///
/// When the layers cannot stream images of that size, not all have it, or the
/// blob has no such taps.
pub fn integer_features(
    blob: &Blob<'_>,
    images: &[RgbImage],
) -> Result<[ByteMap; 2], IntegerError> {
    let (width, height) = images.first().map_or((0, 0), RgbImage::dimensions);
    let size = ImageSize { width: width as usize, height: height as usize };
    let sizes = map_sizes(blob, size)?;
    let frames: Vec<[Vec<u8>; 2]> = images
        .par_iter()
        .map(|image| run_frame(blob, size, image))
        .collect::<Result<_, IntegerError>>()?;
    let mut maps = sizes.map(|map| map.empty(images.len()));
    for frame in frames {
        for (map, data) in maps.iter_mut().zip(frame) {
            map.data.extend(data);
        }
    }
    Ok(maps)
}

/// Size of one tap's feature map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapSize {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

impl MapSize {
    /// Returns the map of so many images, without their bytes.
    pub(crate) fn empty(self, n: usize) -> ByteMap {
        ByteMap { n, h: self.height, w: self.width, c: self.channels, data: Vec::new() }
    }
}

/// Returns the sizes of V1 and V2 for images of one size.
///
/// # Errors
///
/// When the layers cannot stream images of that size, or the blob has no such
/// taps.
pub fn map_sizes(blob: &Blob<'_>, size: ImageSize) -> Result<[MapSize; 2], IntegerError> {
    let frontend = Frontend::new(blob, size, vec![0; blob.memory_len(size.width)]);
    let frontend = frontend.map_err(FrontendError::from)?;
    let of = |tap| {
        let map = frontend.map_size(tap).zip(frontend.map_channels(tap));
        let (map, channels) = map.ok_or(IntegerError::NoTap(tap))?;
        Ok::<_, IntegerError>(MapSize { height: map.height, width: map.width, channels })
    };
    Ok([of(V1)?, of(V2)?])
}

fn run_frame(
    blob: &Blob<'_>,
    size: ImageSize,
    image: &RgbImage,
) -> Result<[Vec<u8>; 2], IntegerError> {
    let frontend = Frontend::new(blob, size, vec![0; blob.memory_len(size.width)]);
    let frontend = frontend.map_err(FrontendError::from)?.with_pixels(PixelFormat::Rgb888);
    let mut frontend = frontend.map_err(FrontendError::from)?;
    let mut maps = AREAS.map(|tap| vec![0; frontend.features_len(tap)]);
    frontend.run_frame(image.as_raw(), |row| {
        if let Some(area) = AREAS.iter().position(|tap| *tap == row.tap) {
            row.copy_to(&mut maps[area]);
        }
    })?;
    Ok(maps)
}
