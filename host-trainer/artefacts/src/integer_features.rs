//! The features of a blob, computed on the host.

use image::RgbImage;
use lcl_infer::{
    Area, Blob, Frontend, FrontendError, ImageSize, PixelFormat, RowError, dequantise,
    memory_len_of,
};
use rayon::prelude::*;

use crate::feature_map::FeatureMap;

/// A blob cannot be run on a batch of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IntegerError {
    /// The stages cannot stream images of that size.
    #[error(transparent)]
    Frontend(#[from] FrontendError),
    /// An image has another size than the first of its batch.
    #[error("an image has another size than the first of its batch: {0}")]
    Row(#[from] RowError),
}

/// Bytes of one area for several images, `[N, H, W, C]` (NHWC).
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
    /// area.
    #[must_use]
    pub fn dequantise(&self, blob: &Blob<'_>, area: Area) -> FeatureMap {
        let mut data = vec![0.0; self.data.len()];
        dequantise(&self.data, blob.stages()[area as usize].output_scale, &mut data);
        FeatureMap { n: self.n, h: self.h, w: self.w, c: self.c, data }
    }
}

/// Runs a blob on images of one size; V1 and V2. A blob that takes grey images
/// gets their luma.
///
/// # Errors
///
/// When the stages cannot stream images of that size, or not all have it.
pub fn integer_features(
    blob: &Blob<'_>,
    images: &[RgbImage],
) -> Result<[ByteMap; 2], IntegerError> {
    let (width, height) = images.first().map_or((0, 0), RgbImage::dimensions);
    let size = ImageSize { width: width as usize, height: height as usize };
    let [v1, v2] = map_sizes(blob, size)?;
    let frames: Vec<[Vec<u8>; 2]> = images
        .par_iter()
        .map(|image| run_frame(blob, size, image))
        .collect::<Result<_, IntegerError>>()?;
    let (mut v1_data, mut v2_data) = (Vec::new(), Vec::new());
    for [frame_v1, frame_v2] in frames {
        v1_data.extend(frame_v1);
        v2_data.extend(frame_v2);
    }
    let n = images.len();
    Ok([
        ByteMap { n, h: v1.height, w: v1.width, c: v1.channels, data: v1_data },
        ByteMap { n, h: v2.height, w: v2.width, c: v2.channels, data: v2_data },
    ])
}

/// Size of one area's feature map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapSize {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

/// Returns the sizes of V1 and V2 for images of one size.
///
/// # Errors
///
/// When the stages cannot stream images of that size.
pub fn map_sizes(blob: &Blob<'_>, size: ImageSize) -> Result<[MapSize; 2], FrontendError> {
    let mut memory = vec![0; memory_len_of(&blob.convolutions(), size.width)];
    let frontend = Frontend::new(blob, size, &mut memory)?;
    Ok([Area::V1, Area::V2].map(|area| {
        let map = frontend.area_size(area);
        let channels = blob.stages()[area as usize].conv.geometry().out_c();
        MapSize { height: map.height, width: map.width, channels }
    }))
}

fn run_frame(
    blob: &Blob<'_>,
    size: ImageSize,
    image: &RgbImage,
) -> Result<[Vec<u8>; 2], IntegerError> {
    let mut memory = vec![0; memory_len_of(&blob.convolutions(), size.width)];
    let mut frontend = Frontend::new(blob, size, &mut memory)?.with_pixels(PixelFormat::Rgb888)?;
    let mut v1 = vec![0; frontend.features_len(Area::V1)];
    let mut v2 = vec![0; frontend.features_len(Area::V2)];
    frontend.run_frame(image.as_raw(), &mut v1, &mut v2)?;
    Ok([v1, v2])
}
