//! How a camera was held.

use image::metadata::Orientation;

use super::segments::{APP1, segments};

/// What the metadata begins with.
const EXIF: &[u8] = b"Exif\0\0";

/// Returns the orientation that a JPEG's metadata states; without a readable
/// statement the pixels are as they should be.
#[must_use]
pub fn orientation(bytes: &[u8]) -> Orientation {
    exif(bytes).and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms)
}

/// Finds the first segment of metadata.
fn exif(bytes: &[u8]) -> Option<&[u8]> {
    let mut metadata = segments(bytes).filter(|segment| segment.marker == APP1);
    metadata.find_map(|segment| segment.content(bytes).strip_prefix(EXIF))
}
