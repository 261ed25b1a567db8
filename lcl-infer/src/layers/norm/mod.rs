//! Divisive normalisation: each byte is divided by a weighted sum of those
//! around it.
//!
//! `y = x / (1 + Σ g · x)` (Pogoncheff, Granley and Beyeler 2023, tuned
//! normalisation; kernel 1) and `y = x / (G ∗ x + |b|)` (standard divisive
//! normalisation; kernel 3) in integers, with one rounding. All of the kind is in
//! this folder.

mod header;
mod kernels;
mod layer;
mod reference;

use crate::memory::ALIGNMENT;
use crate::packing::packed_quads;
use crate::parameters::{CHANNEL_WORDS, Scales};
use crate::shape::{Border, ConvGeometry};

pub(crate) use header::NormHeader;
pub use kernels::NormKernels;
pub(crate) use kernels::divide;
pub(crate) use layer::NormLayer;
pub use reference::norm_ref;

/// Largest multiplier of a [`NormChannel`]: 2^23.
pub const MAX_NORM_MULTIPLIER: i32 = 1 << 23;

/// Geometry of a divisive normalisation: as many channels out as in, stride 1,
/// and a map of the same size.
///
/// # Examples
///
/// ```
/// use lcl_infer::shape::{Border, NormGeometry};
/// let tuned = NormGeometry::new(64, 1, Border::Zero).unwrap();
/// assert_eq!((tuned.channels(), tuned.kernel()), (64, 1));
/// assert!(NormGeometry::new(64, 2, Border::Zero).is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NormGeometry {
    conv: ConvGeometry,
}

impl NormGeometry {
    /// Creates a geometry, or returns `None` if the engine cannot run it:
    /// channels are 1 to [`MAX_CHANNELS`](crate::shape::MAX_CHANNELS), and the
    /// kernel is odd, 1 to [`MAX_KERNEL`](crate::shape::MAX_KERNEL).
    #[must_use]
    pub const fn new(channels: usize, kernel: usize, border: Border) -> Option<Self> {
        if kernel % 2 == 0 {
            return None;
        }
        match ConvGeometry::new(channels, channels, kernel, 1, kernel / 2) {
            Some(conv) => Some(Self { conv: conv.with_border(border) }),
            None => None,
        }
    }

    /// Returns the number of channels.
    #[must_use]
    pub const fn channels(&self) -> usize {
        self.conv.in_c()
    }

    /// Returns the side of the window of the denominator.
    #[must_use]
    pub const fn kernel(&self) -> usize {
        self.conv.kernel()
    }

    /// Returns what the window meets outside of the map.
    #[must_use]
    pub const fn border(&self) -> Border {
        self.conv.border()
    }

    /// Returns the convolution that gives the denominators.
    #[must_use]
    pub const fn conv(&self) -> ConvGeometry {
        self.conv
    }
}

/// What one channel of a divisive normalisation has beside its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NormChannel {
    /// What the denominator starts from, at least 1.
    pub bias: i32,
    /// What the byte is multiplied by before it is divided, 0 to
    /// [`MAX_NORM_MULTIPLIER`].
    pub multiplier: i32,
}

impl NormChannel {
    /// Words of a channel that is not there.
    pub(crate) const PADDING: [i32; CHANNEL_WORDS] = [1, 0, 0, 0];

    /// Returns `min(255, (byte · multiplier + ⌊denominator / 2⌋) / denominator)`,
    /// rounded down: the quotient rounded half up.
    ///
    /// Every product fits 32 bits without sign, and no blob that opens has a
    /// denominator below 1; by 0 the quotient is 255.
    #[must_use]
    #[inline]
    pub const fn divide(self, byte: u8, denominator: i32) -> u8 {
        let (denominator, multiplier) = (bits(denominator), bits(self.multiplier));
        let dividend = (byte as u32).wrapping_mul(multiplier).wrapping_add(denominator >> 1);
        match dividend.checked_div(denominator) {
            Some(quotient) if quotient < 256 => (quotient & 255) as u8,
            _ => u8::MAX,
        }
    }
}

/// Returns a number that is not negative without its sign.
#[inline]
const fn bits(number: i32) -> u32 {
    u32::from_ne_bytes(number.to_ne_bytes())
}

/// One divisive normalisation: geometry, weights, and what each channel adds.
#[derive(Clone, Copy, Debug)]
pub struct Norm<'a> {
    geometry: NormGeometry,
    packed_weights: &'a [i8],
    words: &'a [i32],
}

impl<'a> Norm<'a> {
    /// Creates a normalisation, or returns `None` if a length does not fit the
    /// geometry or the weights do not start at a multiple of 16 bytes.
    ///
    /// # Shapes
    ///
    /// `packed_weights` are `[C, kernel, kernel, C]` (OHWI), each in `[0, 127]`,
    /// in their packed order, see [`pack_weights`](crate::packing::pack_weights);
    /// `words` has four for each channel: bias, multiplier, 0, and the sum of its
    /// weights; then 1, 0, 0, 0 up to a multiple of four channels.
    #[must_use]
    pub fn new(geometry: NormGeometry, packed_weights: &'a [i8], words: &'a [i32]) -> Option<Self> {
        let conv = geometry.conv();
        let fits = packed_weights.len() == conv.packed_len()
            && words.len() == CHANNEL_WORDS * conv.padded_out_c();
        let aligned = packed_weights.as_ptr().align_offset(ALIGNMENT) == 0;
        (fits && aligned).then_some(Self { geometry, packed_weights, words })
    }

    /// Returns the geometry.
    #[must_use]
    pub const fn geometry(&self) -> NormGeometry {
        self.geometry
    }

    /// Returns the weights in their packed order, each in `[0, 127]`.
    #[must_use]
    pub const fn packed_weights(&self) -> &'a [i8] {
        self.packed_weights
    }

    /// Returns the words of the channels.
    #[must_use]
    pub const fn words(&self) -> &'a [i32] {
        self.words
    }

    /// Iterates over the weights of a channel's denominator, `[kernel, kernel,
    /// C]`.
    pub fn filter(&self, channel: usize) -> impl Iterator<Item = i8> + 'a {
        let conv = self.geometry.conv();
        packed_quads(conv, self.packed_weights, channel).flatten().take(conv.taps())
    }

    /// Iterates over the channels in order.
    #[inline]
    pub fn channels(&self) -> impl Iterator<Item = NormChannel> + 'a {
        let channels = self.words.chunks_exact(CHANNEL_WORDS).map(|words| match *words {
            [bias, multiplier, ..] => NormChannel { bias, multiplier },
            _ => NormChannel { bias: 1, multiplier: 0 },
        });
        channels.take(self.geometry.channels())
    }
}

/// A divisive normalisation of a blob, and what its bytes are worth.
#[derive(Clone, Copy, Debug)]
pub struct NormParameters<'a> {
    /// The normalisation with its weights.
    pub norm: Norm<'a>,
    /// What one step of each channel's byte is worth.
    pub output_scale: Scales<'a>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(multiplier: i32, byte: u8, denominator: i32, expected: u8) {
        assert_eq!(NormChannel { bias: 1, multiplier }.divide(byte, denominator), expected);
    }

    #[test]
    fn quotients_are_rounded_half_up() {
        check(1, 5, 2, 3);
        check(1, 7, 3, 2);
        check(1, 8, 3, 3);
        check(3, 100, 600, 1);
        check(3, 100, 601, 0);
        check(1000, 0, 7, 0);
    }

    #[test]
    fn ends_of_the_range_neither_wrap_nor_panic() {
        check(MAX_NORM_MULTIPLIER, 255, i32::MAX, 1);
        check(MAX_NORM_MULTIPLIER, 255, 1, 255);
        check(MAX_NORM_MULTIPLIER, 1, 1 << 23, 1);
        check(0, 255, i32::MAX, 0);
        check(1, 1, 0, 255);
        // 255 · 2^23 + 2^30 is below 2^32.
        let exact = (255_u64 * (1 << 23) + (1 << 30)) / ((1 << 31) - 1);
        assert_eq!(exact, 1);
    }
}
