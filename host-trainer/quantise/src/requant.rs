//! A real ratio as multiplier and shift.

use lcl_infer::{MIN_SHIFT, Requant};

/// Returns the pair nearest to a ratio, or nothing where it is not in
/// `[2^-32, 1)`.
///
/// The relative error is at most 2^-31.
#[must_use]
pub fn requant_for_ratio(ratio: f64) -> Option<Requant> {
    let mut fraction = ratio;
    let mut shift = MIN_SHIFT;
    while fraction < 0.5 && Requant::new(1 << 30, shift).is_some() {
        fraction *= 2.0;
        shift += 1;
    }
    let mut multiplier = (fraction * 2_f64.powi(31)).round();
    if multiplier >= 2_f64.powi(31) && shift > MIN_SHIFT {
        multiplier /= 2.0;
        shift -= 1;
    }
    let in_range = (2_f64.powi(30)..2_f64.powi(31)).contains(&multiplier);
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked above")]
    in_range.then(|| Requant::new(multiplier as i32, shift)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ratio: f64, expected: Option<(i32, u8)>) {
        let got = requant_for_ratio(ratio).map(|pair| (pair.multiplier(), pair.shift()));
        assert_eq!(got, expected, "{ratio}");
    }

    #[test]
    fn ratios() {
        check(0.5, Some((1 << 30, 31)));
        check(0.25, Some((1 << 30, 32)));
        check(0.75, Some((3 << 29, 31)));
        check(2_f64.powi(-32), Some((1 << 30, 62)));
        // Rounds up to a power of two.
        check(0.5 - 2_f64.powi(-40), Some((1 << 30, 31)));
    }

    #[test]
    fn ratios_out_of_range() {
        for ratio in [1.0, 7.0, 2_f64.powi(-34), 0.0, -0.5, f64::NAN, f64::INFINITY] {
            check(ratio, None);
        }
    }
}
