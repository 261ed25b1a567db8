//! The packed order of weights: one order that every backend reads in place.
//!
//! Four output channels and four consecutive taps stand together in 16 bytes,
//! one 32-bit word for each channel:
//!
//! ```text
//! packed[((oc / 4) · padded_taps / 4 + tap / 4) · 16 + (oc % 4) · 4 + tap % 4]
//! ```
//!
//! where tap `(ky · kernel + kx) · in_c + c` is that of
//! [`ConvGeometry::taps`]. Taps are filled up to a multiple of 16 and channels
//! to a multiple of four, with weights of 0. So 64 bytes hold sixteen
//! consecutive taps of four channels: a dot-product instruction takes a word,
//! a vector load takes 16 or 64 bytes, a load that separates words takes one
//! channel.

use crate::shape::ConvGeometry;

/// Output channels that stand together.
pub const CHANNEL_GROUP: usize = 4;

/// Consecutive taps of one channel that stand together.
pub const TAP_QUAD: usize = 4;

/// Taps of each channel are filled up to a multiple of this.
pub const TAP_BLOCK: usize = 16;

/// Bytes of one quad of taps of one group of channels.
pub const QUAD_LEN: usize = CHANNEL_GROUP * TAP_QUAD;

impl ConvGeometry {
    /// Returns [`taps`](Self::taps) filled up to a multiple of [`TAP_BLOCK`].
    #[must_use]
    pub const fn padded_taps(&self) -> usize {
        self.taps().next_multiple_of(TAP_BLOCK)
    }

    /// Returns the output channels filled up to a multiple of
    /// [`CHANNEL_GROUP`].
    #[must_use]
    pub const fn padded_out_c(&self) -> usize {
        self.out_c().next_multiple_of(CHANNEL_GROUP)
    }

    /// Returns the bytes of the packed weights.
    #[must_use]
    pub const fn packed_len(&self) -> usize {
        self.padded_out_c() * self.padded_taps()
    }

    /// Returns where the weight of an output channel and a tap stands in the
    /// packed weights, or an index behind them where there is no such weight.
    #[must_use]
    pub const fn packed_index(&self, oc: usize, tap: usize) -> usize {
        if oc >= self.padded_out_c() || tap >= self.padded_taps() {
            return self.packed_len();
        }
        let quad = oc / CHANNEL_GROUP * (self.padded_taps() / TAP_QUAD) + tap / TAP_QUAD;
        quad * QUAD_LEN + oc % CHANNEL_GROUP * TAP_QUAD + tap % TAP_QUAD
    }
}

/// Packs weights.
///
/// # Shapes
///
/// `weights` is `[out_c, kernel, kernel, in_c]` (OHWI), `packed` has
/// [`ConvGeometry::packed_len`] bytes; what does not fit is left out.
pub fn pack_weights(geometry: ConvGeometry, weights: &[i8], packed: &mut [i8]) {
    packed.fill(0);
    for (oc, filter) in weights.chunks_exact(geometry.taps()).enumerate() {
        for (tap, &weight) in filter.iter().enumerate() {
            if let Some(place) = packed.get_mut(geometry.packed_index(oc, tap)) {
                *place = weight;
            }
        }
    }
}

/// Iterates over all [`padded_taps`](ConvGeometry::padded_taps) weights of an
/// output channel, in order of taps, a quad at a time.
pub(crate) fn packed_quads(
    geometry: ConvGeometry,
    packed: &[i8],
    oc: usize,
) -> impl Iterator<Item = [i8; TAP_QUAD]> + '_ {
    let start = geometry.packed_index(oc, 0);
    let quads = packed.get(start..).unwrap_or_default().chunks(QUAD_LEN);
    quads.take(geometry.padded_taps() / TAP_QUAD).filter_map(|quad| quad.first_chunk().copied())
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;

    #[test]
    fn weight_that_is_not_there_has_no_place() {
        let geometry = ConvGeometry::new(1, 5, 3, 1, 1).expect("valid");
        for (oc, tap) in [(8, 0), (0, 16), (usize::MAX, 0), (0, usize::MAX)] {
            assert!(geometry.packed_index(oc, tap) >= geometry.packed_len(), "{oc}, {tap}");
        }
        let mut packed = [1; 8];
        pack_weights(geometry, &[2; 60], &mut packed);
        assert_eq!(packed, [2; 8]);
    }

    #[test]
    fn words_of_four_taps_stand_by_channel() {
        let geometry = ConvGeometry::new(1, 5, 3, 1, 1).expect("valid");
        let weights: [i8; 45] =
            core::array::from_fn(|index| i8::try_from(index / 9 * 10 + index % 9).expect("small"));
        let mut packed = vec![1; geometry.packed_len()];
        pack_weights(geometry, &weights, &mut packed);
        assert_eq!(packed.len(), 2 * 64);
        assert_eq!(packed[..16], [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33]);
        assert_eq!(packed[32..40], [8, 0, 0, 0, 18, 0, 0, 0]);
        assert_eq!(packed[48..64], [0; 16]);
        assert_eq!(packed[64..72], [40, 41, 42, 43, 0, 0, 0, 0]);
        for oc in 0..5 {
            let filter = packed_quads(geometry, &packed, oc).flatten();
            let expected = weights[9 * oc..9 * oc + 9].iter().copied().chain([0; 7]);
            assert!(filter.eq(expected), "channel {oc}");
        }
    }
}
