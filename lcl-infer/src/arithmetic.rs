//! The arithmetic of the integer contract `lcl.u8.v1`: one rounding rule, in
//! one place.

/// Smallest [`Requant`] multiplier: 2^30.
pub const MIN_MULTIPLIER: i32 = 1 << 30;

/// Smallest [`Requant`] shift.
pub const MIN_SHIFT: u8 = 31;

/// Largest [`Requant`] shift.
pub const MAX_SHIFT: u8 = 62;

/// Smallest shift for which the upper 32 bits of the product are enough.
pub(crate) const MIN_UPPER_SHIFT: u8 = 33;

/// Scales an accumulator of one output channel to a byte.
///
/// `multiplier · 2^-shift` is the ratio of the accumulator's scale to the
/// output's: the multiplier is in `[2^30, 2^31)`, the shift in `[31, 62]`, so
/// the ratio lies in `[2^-32, 1)`.
///
/// # Examples
///
/// ```
/// use lcl_infer::parameters::Requant;
/// let half = Requant::new(1 << 30, 31).unwrap();
/// assert_eq!(half.requantise(7), 4); // 3.5 rounds up
/// assert_eq!(half.requantise(-7), 0);
/// assert_eq!(half.requantise(1000), 255);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Requant {
    multiplier: i32,
    shift: u8,
}

impl Requant {
    /// Creates a pair, or returns nothing where one is out of range.
    #[must_use]
    pub const fn new(multiplier: i32, shift: u8) -> Option<Self> {
        if multiplier >= MIN_MULTIPLIER && shift >= MIN_SHIFT && shift <= MAX_SHIFT {
            Some(Self { multiplier, shift })
        } else {
            None
        }
    }

    /// Creates a pair from the words of a table that was checked.
    #[inline]
    pub(crate) const fn from_checked(multiplier: i32, shift: i32) -> Self {
        Self { multiplier, shift: (shift.unsigned_abs() & 63) as u8 }
    }

    /// Returns the multiplier, in `[2^30, 2^31)`.
    #[must_use]
    pub const fn multiplier(self) -> i32 {
        self.multiplier
    }

    /// Returns the right shift, in `[31, 62]`.
    #[must_use]
    pub const fn shift(self) -> u8 {
        self.shift
    }

    /// Returns `clamp((acc · multiplier + 2^(shift−1)) >> shift, 0, 255)`.
    ///
    /// The product has 64 bits, the shift is arithmetic, and there is one
    /// rounding, half up. Every `i32` is a valid accumulator: the product is
    /// within ±2^62 and the rounding term at most 2^61. The clamp is the ReLU.
    #[must_use]
    #[inline]
    pub const fn requantise(self, acc: i32) -> u8 {
        if self.shift >= MIN_UPPER_SHIFT {
            return self.requantise_upper(acc);
        }
        let product = acc as i64 * self.multiplier as i64;
        // The masks here and below change nothing, since the shift is at most
        // 62; they tell the compiler that no shift can overflow.
        let shift = (self.shift & 63) as u32;
        clamp((product + (1 << (shift.saturating_sub(1)))) >> shift)
    }

    /// Returns `(acc · multiplier + 2^(shift−1)) >> shift`, with its sign and not
    /// clamped: it is below `|acc|` and half.
    #[must_use]
    #[inline]
    pub const fn scaled(self, acc: i32) -> i32 {
        let shift = (self.shift & 63) as u32;
        let product = acc as i64 * self.multiplier as i64;
        #[expect(clippy::cast_possible_truncation, reason = "a product by less than 1")]
        let scaled = ((product + (1 << shift.saturating_sub(1))) >> shift) as i32;
        scaled
    }

    /// Returns what [`requantise`](Self::requantise) does, for a shift of at
    /// least 33: the lower 32 bits of the product are then below the digit
    /// that rounds.
    #[must_use]
    #[inline]
    pub(crate) const fn requantise_upper(self, acc: i32) -> u8 {
        let upper = ((acc as i64 * self.multiplier as i64) >> 32) as i32;
        let shift = (self.shift & 31) as u32;
        let half = 1 << (self.shift.wrapping_sub(1) & 31);
        clamp((upper.wrapping_add(half) >> shift) as i64)
    }
}

/// Clamps to a byte.
#[inline]
const fn clamp(value: i64) -> u8 {
    if value < 0 {
        0
    } else if value > 255 {
        255
    } else {
        (value.unsigned_abs() & 255) as u8
    }
}

/// Bias and requantisation of one output channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Channel {
    /// What the accumulator starts from.
    pub bias: i32,
    /// How the accumulator becomes a byte.
    pub requant: Requant,
}

/// Returns `(weighted_sum + 8) >> 4`, the rounding of the binomial blur, whose
/// taps sum to 16.
///
/// `weighted_sum` is at most `16 · 255`, so the result fits a byte.
#[must_use]
#[inline]
pub(crate) const fn round_blur(weighted_sum: u16) -> u8 {
    ((weighted_sum.saturating_add(8) >> 4) & 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(multiplier: i32, shift: u8, acc: i32, expected: u8) {
        let requant = Requant::new(multiplier, shift).expect("within the contract's ranges");
        assert_eq!(requant.requantise(acc), expected);
    }

    #[test]
    fn rounds_half_up() {
        check(1 << 30, 31, 1, 1);
        check(1 << 30, 31, 3, 2);
        check(1 << 30, 32, 1, 0);
        check(1 << 30, 32, 2, 1);
        check(1 << 30, 31, -1, 0);
    }

    #[test]
    fn clamps_at_both_ends() {
        check(i32::MAX, 31, 255, 255);
        check(i32::MAX, 31, 256, 255);
        check(i32::MAX, 31, i32::MAX, 255);
        check(i32::MAX, 31, i32::MIN, 0);
        check(1 << 30, 62, i32::MAX, 0);
        check(i32::MAX, 62, i32::MAX, 1);
        check(i32::MAX, 62, i32::MIN, 0);
    }

    #[test]
    fn ranges_are_the_contract() {
        assert!(Requant::new((1 << 30) - 1, 31).is_none());
        assert!(Requant::new(1 << 30, 30).is_none());
        assert!(Requant::new(1 << 30, 63).is_none());
        assert!(Requant::new(-1, 40).is_none());
    }

    #[test]
    fn blur_rounds_half_up() {
        assert_eq!([0, 7, 8, 23, 24, 4080].map(round_blur), [0, 0, 1, 1, 2, 255]);
    }
}
