//! The files that an emulated board reads images from and writes features to.
//!
//! `frames.bin` holds, for each image, its width and height as u32 and its
//! pixels in the format that the blob takes. `rows.bin` holds, for each row of features, area (1 or 2),
//! row and length as u32 and the row's bytes; the rows of consecutive images
//! follow each other. All numbers are little-endian.

use image::RgbImage;
use lcl_infer::{Area, Blob, FrontendError, ImageSize, InputFormat};

use crate::{
    integer_features::{ByteMap, map_sizes},
    sized_image,
};

/// Bytes before the pixels of an image.
const FRAME_HEADER_LEN: usize = 8;

/// Bytes before the bytes of a row.
const ROW_HEADER_LEN: usize = 12;

/// Files of frames or rows that do not fit each other.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FramesError {
    /// The file of images ends early.
    #[error("the images end in the middle of image {index}")]
    FrameTruncated {
        /// Position of the image.
        index: usize,
    },
    /// Images of several sizes do not make one array of features.
    #[error("image {index} is {got:?} and the first is {expected:?}; give --size to fit them")]
    MixedSizes {
        /// Position of the image.
        index: usize,
        /// Size of the first.
        expected: ImageSize,
        /// Its size.
        got: ImageSize,
    },
    /// The board left a row out, sent one twice or was cut off.
    #[error(
        "the board's rows of image {index} are incomplete: expected row {expected} of {area:?}; \
         see its log above"
    )]
    Row {
        /// Position of the image.
        index: usize,
        /// The area.
        area: Area,
        /// The row that was to come.
        expected: usize,
    },
    /// The blob's stages cannot stream images of that size.
    #[error(transparent)]
    Frontend(#[from] FrontendError),
}

/// Appends an image to the bytes of `frames.bin`, for a blob that takes images
/// of that format.
pub fn write_frame(image: &RgbImage, input: InputFormat, out: &mut Vec<u8>) {
    out.extend(image.width().to_le_bytes());
    out.extend(image.height().to_le_bytes());
    out.extend(&*sized_image::rows(image, input));
}

/// Returns the sizes of the images in `frames.bin`, written for a blob that
/// takes images of that format.
///
/// # Errors
///
/// When the file ends early.
pub fn frame_sizes(mut frames: &[u8], input: InputFormat) -> Result<Vec<ImageSize>, FramesError> {
    let mut sizes = Vec::new();
    while !frames.is_empty() {
        let truncated = FramesError::FrameTruncated { index: sizes.len() };
        let (header, rest) = frames.split_at_checked(FRAME_HEADER_LEN).ok_or(truncated)?;
        let size = ImageSize { width: word(header, 0), height: word(header, 4) };
        let area = size.width.checked_mul(size.height);
        let len = area.and_then(|area| area.checked_mul(input.channels()));
        frames = len.and_then(|len| rest.get(len..)).ok_or(truncated)?;
        sizes.push(size);
    }
    Ok(sizes)
}

/// Puts the rows of `rows.bin` together; V1 and V2.
///
/// # Errors
///
/// When the images differ in size or a row is missing or out of order.
pub fn collect_rows(
    blob: &Blob<'_>,
    sizes: &[ImageSize],
    mut rows: &[u8],
) -> Result<[ByteMap; 2], FramesError> {
    let first = sizes.first().copied().unwrap_or(ImageSize { width: 0, height: 0 });
    if let Some(index) = sizes.iter().position(|size| *size != first) {
        return Err(FramesError::MixedSizes { index, expected: first, got: sizes[index] });
    }
    let maps = map_sizes(blob, first)?;
    let [mut v1, mut v2] = maps.map(|map| ByteMap {
        n: sizes.len(),
        h: map.height,
        w: map.width,
        c: map.channels,
        data: Vec::new(),
    });
    for index in 0..sizes.len() {
        let mut arrived = [0, 0];
        while arrived != [v1.h, v2.h] {
            let missing = if arrived[0] < v1.h { Area::V1 } else { Area::V2 };
            let incomplete =
                |area: Area| FramesError::Row { index, area, expected: arrived[area as usize] };
            let (header, rest) =
                rows.split_at_checked(ROW_HEADER_LEN).ok_or(incomplete(missing))?;
            let (area, map) = match word(header, 0) {
                1 => (Area::V1, &mut v1),
                2 => (Area::V2, &mut v2),
                _ => return Err(incomplete(missing)),
            };
            let len = map.w * map.c;
            let expected = arrived[area as usize];
            if (word(header, 4), word(header, 8)) != (expected, len) || expected == map.h {
                return Err(incomplete(area));
            }
            let (values, rest) = rest.split_at_checked(len).ok_or(incomplete(area))?;
            map.data.extend_from_slice(values);
            arrived[area as usize] += 1;
            rows = rest;
        }
    }
    if rows.is_empty() {
        Ok([v1, v2])
    } else {
        Err(FramesError::Row { index: sizes.len(), area: Area::V1, expected: 0 })
    }
}

fn word(bytes: &[u8], start: usize) -> usize {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[start..start + 4]);
    u32::from_le_bytes(word) as usize
}
