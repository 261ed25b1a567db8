//! The energy of V1 as a picture of characters.

use core::str;

use lcl_infer::{FeatureRow, ImageSize, V1};

/// Most columns and rows of the picture: V1 of an image of 256 pixels.
const MAX_SIDE: usize = 32;

/// From dark to bright.
const SHADES: &[u8; 10] = b" .:-=+*#%@";

/// The energy of V1 at each location: the sum of its squared bytes.
pub(crate) struct Energy {
    size: ImageSize,
    values: [[u32; MAX_SIDE]; MAX_SIDE],
}

impl Energy {
    /// Creates a picture of a map of that size; what lies beyond [`MAX_SIDE`]
    /// is left out.
    pub(crate) fn new(map: ImageSize) -> Self {
        let size = ImageSize { width: map.width.min(MAX_SIDE), height: map.height.min(MAX_SIDE) };
        Self { size, values: [[0; MAX_SIDE]; MAX_SIDE] }
    }

    /// Takes in a row of V1; rows of other taps are passed over.
    pub(crate) fn add(&mut self, row: &FeatureRow<'_>) {
        let (V1, Some(values)) = (row.tap, self.values.get_mut(row.y)) else { return };
        for (value, location) in values.iter_mut().zip(row.pixels()) {
            *value = location.iter().map(|&byte| u32::from(byte) * u32::from(byte)).sum();
        }
    }

    /// Forgets the frame.
    pub(crate) fn clear(&mut self) {
        self.values = [[0; MAX_SIDE]; MAX_SIDE];
    }

    /// Calls `line` with each line of the picture, two characters for a
    /// location, the largest energy brightest.
    pub(crate) fn each_line(&self, mut line: impl FnMut(&str)) {
        let largest = self.values.iter().flatten().max().copied().unwrap_or_default().max(1);
        for values in self.values.iter().take(self.size.height) {
            let mut text = [b' '; 2 * MAX_SIDE];
            for (pair, &value) in text.chunks_exact_mut(2).zip(values) {
                let steps = SHADES.len() as u64 - 1;
                let shade = (u64::from(value) * steps).div_ceil(largest.into());
                let shade = usize::try_from(shade).unwrap_or_default();
                pair.fill(SHADES.get(shade).copied().unwrap_or(b' '));
            }
            let text = text.get(..2 * self.size.width).unwrap_or_default();
            line(str::from_utf8(text).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::String;
    use std::vec::Vec;

    use lcl_infer::V2;

    use super::*;

    #[test]
    fn energy_is_drawn_from_dark_to_bright() {
        let mut energy = Energy::new(ImageSize { width: 3, height: 2 });
        let row = |tap, y, values| FeatureRow { tap, y, width: 3, channels: 2, values };
        energy.add(&row(V1, 0, &[0, 0, 10, 0, 6, 8]));
        energy.add(&row(V1, 1, &[0, 5, 0, 1, 30, 0]));
        energy.add(&row(V2, 1, &[255; 6]));
        let lines = |energy: &Energy| {
            let mut lines = Vec::new();
            energy.each_line(|line| lines.push(String::from(line)));
            lines
        };
        // 100 of 900 is one step of nine, 25 and 1 are less than one.
        assert_eq!(lines(&energy), ["  ....", "....@@"]);
        energy.clear();
        assert_eq!(lines(&energy), ["      ", "      "]);
    }
}
