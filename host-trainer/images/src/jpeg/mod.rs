//! JPEGs, of which only a region is decoded.

mod exif;
mod scan;
mod segments;
mod turbo;

pub use exif::orientation;
pub use turbo::{Header, TurboError, TurboImage};

use super::CropBox;

/// Columns to either side of a region whose colours its border depends on:
/// halved chroma is interpolated from the two nearest samples.
const MARGIN: u32 = 2;

/// Decodes the pixels in `region`, RGB8 `[H, W, 3]`: the bytes that decoding the
/// whole image and cropping it would give. Bytes that stand between the last code
/// and the end are passed over, unless damage could have left them.
///
/// # Errors
///
/// When the file is damaged, in the region or outside of it.
///
/// # Panics
///
/// When the region is empty or reaches out of the image.
pub fn decode_region(image: &TurboImage<'_>, region: CropBox) -> Result<Vec<u8>, TurboError> {
    let decoded = decoded_region(image.header(), region);
    let pixels = image.decode(decoded).or_else(|error| {
        let mended = image.without_stray_bytes(&error).ok_or(error)?;
        TurboImage::open(&mended)?.decode(decoded)
    })?;
    let (left, top) = ((region.x - decoded.x) as usize * 3, (region.y - decoded.y) as usize);
    let rows = pixels.chunks_exact(decoded.width as usize * 3).skip(top);
    let row_bytes = region.width as usize * 3;
    let mut cropped = Vec::with_capacity(row_bytes * region.height as usize);
    for row in rows.take(region.height as usize) {
        cropped.extend_from_slice(&row[left..][..row_bytes]);
    }
    Ok(cropped)
}

/// Returns the bytes that decoding the pixels in `region` takes.
pub fn decoding_bytes(image: &TurboImage<'_>, region: CropBox) -> u64 {
    let decoded = decoded_region(image.header(), region);
    let pixels = |width: u32, height: u32| u64::from(width) * u64::from(height);
    let Header { width, height, .. } = image.header();
    // The coefficients have 16 bits each.
    let coefficients = if image.has_several_scans() { 6 * pixels(width, height) } else { 0 };
    3 * pixels(decoded.width, decoded.height) + coefficients
}

/// Returns what has to be decoded for a region.
fn decoded_region(header: Header, region: CropBox) -> CropBox {
    let whole = CropBox { x: 0, y: 0, width: header.width, height: header.height };
    header.block_columns.map_or(whole, |block| {
        let x = region.x.saturating_sub(MARGIN) / block * block;
        let end = (region.x + region.width + MARGIN).min(header.width);
        // To the last row: what follows damage is decoded from the wrong bits,
        // which shows when the coded data end too early or too late.
        CropBox { x, y: region.y, width: end - x, height: header.height - region.y }
    })
}

#[cfg(test)]
mod tests;
