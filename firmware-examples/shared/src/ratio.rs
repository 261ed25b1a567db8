//! Fractions of small integers.

/// A positive fraction in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, defmt::Format)]
pub struct Ratio {
    /// Above the line.
    pub numerator: u32,
    /// Below the line.
    pub denominator: u32,
}

impl Ratio {
    /// One.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// Returns the fraction with the smallest denominator that is strictly
    /// within `(ticks ± 2) / steps`.
    ///
    /// A counter that runs at a rational multiple of the steps is read before
    /// and after a known number of them, and again around a few, to take the
    /// reading itself off: that is off by less than two ticks, and the true
    /// ratio is the simplest that explains it. `steps` is to be at least 1.
    #[must_use]
    pub fn simplest(ticks: u32, steps: u32) -> Self {
        let (ticks, steps) = (u64::from(ticks), u64::from(steps));
        let (mut low, mut high) = ((0_u64, 1_u64), (1_u64, 0_u64));
        loop {
            let middle = (low.0 + high.0, low.1 + high.1);
            if middle.0 * steps <= ticks.saturating_sub(2) * middle.1 {
                low = middle;
            } else if middle.0 * steps >= (ticks + 2) * middle.1 {
                high = middle;
            } else {
                let part = |value| u32::try_from(value).unwrap_or(u32::MAX);
                return Self { numerator: part(middle.0), denominator: part(middle.1) };
            }
        }
    }

    /// Returns `value / self`, rounded to the nearest.
    #[must_use]
    pub fn divide(self, value: u64) -> u64 {
        let numerator = u64::from(self.numerator.max(1));
        (value * u64::from(self.denominator) + numerator / 2) / numerator
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(numerator: u32, denominator: u32) {
        const STEPS: u32 = 2_000_000;
        let ticks = u64::from(STEPS) * u64::from(numerator) / u64::from(denominator);
        let ticks = u32::try_from(ticks).expect("the ticks fit");
        for ticks in ticks - 1..=ticks + 1 {
            let exact = Ratio { numerator, denominator };
            assert_eq!(Ratio::simplest(ticks, STEPS), exact, "{ticks} ticks");
        }
    }

    #[test]
    fn finds_the_ratio_of_clocks() {
        check(32, 25);
        check(8, 5);
        check(1, 40);
        check(7, 3);
    }

    #[test]
    fn divides_to_the_nearest() {
        let ratio = Ratio { numerator: 32, denominator: 25 };
        assert_eq!(ratio.divide(128), 100);
        assert_eq!(ratio.divide(129), 101);
        assert_eq!(Ratio::ONE.divide(7), 7);
    }
}
