//! The colour-opponent retina: contrasts of luminance, of red against green and
//! of blue against yellow, each divided by the local light and the local contrast.
//!
//! Six channels, ON and OFF of each, from the three of an image; docs/components.md
//! has it in real numbers. All of the kind is in this folder.

mod header;
mod kernels;
mod layer;
mod reference;

use core::num::NonZero;

pub use kernels::OpponentKernels;
pub(crate) use layer::OpponentLayer;
pub use reference::opponent_ref;

/// Largest gain of an [`Opponent`]: the dividend then fits 32 bits.
pub const MAX_OPPONENT_GAIN: u16 = 1023;

/// Channels that it takes: red, green, blue.
pub(crate) const IN_C: usize = 3;

/// Channels that it gives: ON and OFF of M, P and K.
pub(crate) const OUT_C: usize = 6;

/// Rows and columns that are added at each border, reflected.
pub(crate) const PADDING: usize = 2;

/// A colour-opponent retina.
///
/// # Examples
///
/// ```
/// use lcl_infer::shape::Opponent;
/// // No contrast reaches 4, so that no byte clips.
/// let retina = Opponent::new(64, 256).unwrap();
/// assert_eq!(retina.gain(), 64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Opponent {
    gain: NonZero<u16>,
    offset: NonZero<u16>,
}

impl Opponent {
    /// Creates a retina, or returns `None` unless the gain is 1 to
    /// [`MAX_OPPONENT_GAIN`] and the offset at least 1.
    ///
    /// The gain is the byte of contrast 1; the offset, 1/65280 of full light
    /// each, keeps the dark dark.
    #[must_use]
    pub const fn new(gain: u16, offset: u16) -> Option<Self> {
        if gain > MAX_OPPONENT_GAIN {
            return None;
        }
        match (NonZero::new(gain), NonZero::new(offset)) {
            (Some(gain), Some(offset)) => Some(Self { gain, offset }),
            _ => None,
        }
    }

    /// Returns the byte of contrast 1.
    #[must_use]
    pub const fn gain(&self) -> u16 {
        self.gain.get()
    }

    /// Returns what is added to the denominator, in 65280ths.
    #[must_use]
    pub const fn offset(&self) -> u16 {
        self.offset.get()
    }
}

/// The contrasts of one pixel, packed: magnitudes of M, P and K, and the local
/// light, each at most 65280.
///
/// That of P is a multiple of 4 and that of K of 2: their lowest bits have the
/// signs of P and M, and of K.
pub type Contrasts = [u16; 4];

const NEGATIVE_P: u16 = 1;
const NEGATIVE_M: u16 = 2;
const NEGATIVE_K: u16 = 1;

/// Packs contrasts and light.
#[inline]
fn packed([m, p, k]: [i32; 3], light: u32) -> Contrasts {
    let magnitude = |d: i32| (d.unsigned_abs() & 0xffff) as u16;
    let sign = |d: i32, bit: u16| if d < 0 { bit } else { 0 };
    [
        magnitude(m),
        magnitude(p) & !3 | sign(p, NEGATIVE_P) | sign(m, NEGATIVE_M),
        magnitude(k) & !1 | sign(k, NEGATIVE_K),
        (light & 0xffff) as u16,
    ]
}

/// Returns the magnitudes of M, P and K, and whether each is negative.
#[inline]
fn unpacked([m, p, k, _]: Contrasts) -> [(u32, bool); 3] {
    [
        (m.into(), p & NEGATIVE_M != 0),
        ((p & !3).into(), p & NEGATIVE_P != 0),
        ((k & !1).into(), k & NEGATIVE_K != 0),
    ]
}

/// Returns `|M| + |P| + |K|`.
#[inline]
fn energy([m, p, k, _]: Contrasts) -> u32 {
    u32::from(m) + u32::from(p & !3) + u32::from(k & !1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrasts_come_back() {
        for contrasts in
            [[0, 0, 0], [65_280, -65_280, 65_280], [-1, 4, -2], [1, -4, 2], [-65_279, 8, 0]]
        {
            let together = packed(contrasts, 65_280);
            let back = unpacked(together).map(|(size, negative)| {
                let size = i32::try_from(size).expect("16 bits");
                if negative { -size } else { size }
            });
            assert_eq!((back, together[3]), (contrasts, 65_280));
            let sum: u32 = contrasts.iter().map(|d| d.unsigned_abs()).sum();
            assert_eq!(energy(together), sum);
        }
    }
}
