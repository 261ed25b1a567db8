//! A retina: adaptation to light by a local mean, and what lies above and below
//! it as ON and OFF channels.
//!
//! The mean is recursive, down the rows, and along each row in both directions,
//! so that one row of it is all that is kept. `(x − mean) / (mean + offset)` is
//! the contrast of Weber: it stays where the light changes. All of the kind is
//! in this folder.

mod header;
mod kernels;
mod layer;
mod reference;

use core::num::NonZero;

pub use kernels::{RetinaKernels, RetinaRows};
pub(crate) use layer::RetinaLayer;
pub use reference::retina_ref;

/// Largest shift of a [`Retina`]'s mean, whose space constant is `2^shift`
/// pixels.
pub const MAX_MEAN_SHIFT: u8 = 7;

/// What a [`Retina`] hands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RetinaOutput {
    /// `gain · x / (mean + offset)`: as many channels as it takes.
    #[default]
    Adapted,
    /// `gain · (x − mean) / (mean + offset)` where that is positive (ON), for
    /// each channel, then its negative where that is (OFF), for each channel.
    OnOff,
}

impl RetinaOutput {
    /// Every output, in the order of the blob's encoding.
    pub const ALL: [Self; 2] = [Self::Adapted, Self::OnOff];

    /// Returns the name of the output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Adapted => "adapted",
            Self::OnOff => "on-off",
        }
    }
}

/// A retina: how wide its mean is, and how bytes become contrast.
///
/// # Examples
///
/// ```
/// use lcl_infer::shape::{Retina, RetinaOutput};
/// // A mean over some 8 pixels; contrast 1 is byte 128; below byte 2 the dark counts.
/// let retina = Retina::new(RetinaOutput::OnOff, 3, 128, 2 * 256).unwrap();
/// assert_eq!(retina.out_c(3), 6);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Retina {
    output: RetinaOutput,
    shift: NonZero<u8>,
    gain: NonZero<u16>,
    offset: NonZero<u16>,
}

impl Retina {
    /// Creates a retina, or returns `None` unless `shift` is 1 to
    /// [`MAX_MEAN_SHIFT`] and `gain` and `offset` are at least 1.
    ///
    /// The gain is the byte of contrast 1; the offset counts 256ths of a byte.
    #[must_use]
    pub const fn new(output: RetinaOutput, shift: u8, gain: u16, offset: u16) -> Option<Self> {
        if shift > MAX_MEAN_SHIFT {
            return None;
        }
        match (NonZero::new(shift), NonZero::new(gain), NonZero::new(offset)) {
            (Some(shift), Some(gain), Some(offset)) => Some(Self { output, shift, gain, offset }),
            _ => None,
        }
    }

    /// Returns what is handed out.
    #[must_use]
    pub const fn output(&self) -> RetinaOutput {
        self.output
    }

    /// Returns the shift of the mean.
    #[must_use]
    pub const fn shift(&self) -> u8 {
        self.shift.get()
    }

    /// Returns the byte of contrast 1.
    #[must_use]
    pub const fn gain(&self) -> u16 {
        self.gain.get()
    }

    /// Returns what is added to the mean, in 256ths of a byte.
    #[must_use]
    pub const fn offset(&self) -> u16 {
        self.offset.get()
    }

    /// Returns the channels that it gives for `in_c` of its input.
    #[must_use]
    pub const fn out_c(&self, in_c: usize) -> usize {
        match self.output {
            RetinaOutput::Adapted => in_c,
            RetinaOutput::OnOff => in_c.saturating_mul(2),
        }
    }

    /// Returns `mean + ((value − mean + 2^(shift−1)) >> shift)`, rounded down:
    /// one step of the recursive mean. Both are at most `255 · 256`, and so is
    /// the result, which lies between them.
    #[must_use]
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the result lies between the two"
    )]
    pub(crate) const fn step(&self, mean: u16, value: u16) -> u16 {
        // The mask changes nothing; it tells the compiler that no shift can
        // overflow.
        let shift = (self.shift() & 7) as u32;
        let half = (1 << shift) >> 1;
        let step = ((value as i32).wrapping_sub(mean as i32).wrapping_add(half)) >> shift;
        (mean as i32).wrapping_add(step) as u16
    }

    /// Returns `min(255, (gain · part + ⌊d / 2⌋) / d)`, rounded down, of
    /// `d = mean + offset`: the quotient rounded half up. It fits 32 bits:
    /// `part` is at most `255 · 256`.
    #[must_use]
    #[inline]
    pub(crate) const fn contrast(&self, part: u16, mean: u16) -> u8 {
        let d = (mean as u32).wrapping_add(self.offset() as u32);
        let dividend = (self.gain() as u32).wrapping_mul(part as u32).wrapping_add(d >> 1);
        match dividend.checked_div(d) {
            Some(quotient) if quotient < 256 => (quotient & 255) as u8,
            _ => u8::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_round_half_up_and_stay_between() {
        let retina = Retina::new(RetinaOutput::OnOff, 2, 1, 1).expect("valid");
        for (mean, value, expected) in
            [(0, 1, 0), (0, 2, 1), (0, 4, 1), (4, 0, 3), (4, 2, 4), (4, 1, 3), (65_280, 0, 48_960)]
        {
            assert_eq!(retina.step(mean, value), expected, "{mean} {value}");
        }
        for shift in 1..=MAX_MEAN_SHIFT {
            let retina = Retina::new(RetinaOutput::OnOff, shift, 1, 1).expect("valid");
            for (mean, value) in [(0, 65_280), (65_280, 0), (1, 0), (0, 1), (7, 7)] {
                let step = retina.step(mean, value);
                assert!((mean.min(value)..=mean.max(value)).contains(&step), "{shift}");
            }
        }
    }

    #[test]
    fn contrast_rounds_half_up_and_never_wraps() {
        let retina = Retina::new(RetinaOutput::OnOff, 3, 3, 1).expect("valid");
        assert_eq!([retina.contrast(1, 1), retina.contrast(1, 6)], [2, 0]);
        let widest = Retina::new(RetinaOutput::OnOff, 7, u16::MAX, u16::MAX).expect("valid");
        let exact = (65_535_u64 * 65_280 + 65_407) / (65_280 + 65_535);
        assert!(exact > 255 && 65_535_u64 * 65_280 + 65_407 < 1 << 32);
        assert_eq!(widest.contrast(65_280, 65_280), 255);
        assert!(Retina::new(RetinaOutput::OnOff, 8, 1, 1).is_none());
        assert!(Retina::new(RetinaOutput::OnOff, 0, 1, 1).is_none());
        assert!(Retina::new(RetinaOutput::OnOff, 1, 1, 0).is_none());
    }
}
