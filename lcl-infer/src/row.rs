//! Rows of features.

use crate::name::Name;

/// One row of features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FeatureRow<'r> {
    /// The tap that hands the row out.
    pub tap: Name,
    /// The row, from 0 at the top.
    pub y: usize,
    /// Pixels of the row.
    pub width: usize,
    /// Features of a pixel.
    pub channels: usize,
    /// The features, `[1, W, C]`: real = scale · byte, with the scale of each
    /// channel in [`Blob::output_scale`](crate::Blob::output_scale).
    pub values: &'r [u8],
}

impl FeatureRow<'_> {
    /// Copies the row to its place in a whole map, `[1, H, W, C]`; a map that
    /// has no such place stays as it is.
    pub fn copy_to(&self, map: &mut [u8]) {
        let len = self.values.len();
        let start = self.y.saturating_mul(len);
        if let Some(place) = map.get_mut(start..).and_then(|rest| rest.get_mut(..len)) {
            place.copy_from_slice(self.values);
        }
    }

    /// Iterates over the pixels, `[C]` each.
    pub fn pixels(&self) -> impl Iterator<Item = &[u8]> {
        self.values.chunks_exact(self.channels.max(1))
    }
}
