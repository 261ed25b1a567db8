//! `ELU(r) + 1` in integers.

/// Entries of the table but for the last, 32 for each step of the drive by 1.
const LEN: usize = 256;

/// `⌊2^15 · e^(-i / 32)⌉` of each `i`, by the recurrence of [`table`].
static TABLE: [u16; LEN + 1] = table();

/// Computes the table: `v ← v · ⌊2^32 · e^(-1 / 32)⌉ / 2^32` from `2^31` on, and
/// `(v + 2^15) / 2^16` of each, all rounded down.
#[expect(clippy::cast_possible_truncation, reason = "2^31 and less, by 2^16")]
const fn table() -> [u16; LEN + 1] {
    const FACTOR: u64 = 4_162_825_044;
    let mut table = [0; LEN + 1];
    let (mut index, mut value) = (0, 1_u64 << 31);
    while index <= LEN {
        table[index] = ((value + (1 << 15)) >> 16) as u16;
        value = (value * FACTOR) >> 32;
        index += 1;
    }
    table
}

/// Returns `ELU(drive) + 1` in 1/32768 of a drive in 1/1024: `drive + 1` from 0 on,
/// `e^drive` below, between two entries of the table linearly, rounded half up; the
/// last entry, `e^-8`, below that.
///
/// Drives above 2^25 count as that.
#[must_use]
#[inline]
pub fn elu_plus_one(drive: i32) -> i32 {
    if drive >= 0 {
        return (drive.min(1 << 25) + (1 << 10)) << 5;
    }
    let index = (drive.unsigned_abs() >> 5) as usize;
    let share = drive.wrapping_neg() & 31;
    let entry = |index: usize| TABLE.get(index).or(TABLE.last()).map_or(0, |&e| i32::from(e));
    let (high, low) = (entry(index), entry(index.saturating_add(1)));
    high - (((high - low) * share + 16) >> 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_function_within_a_unit_and_the_chord() {
        for drive in -8192_i32..=4096 {
            let x = f64::from(drive) / 1024.0;
            let expected = if drive >= 0 { x + 1.0 } else { f64::exp(x) };
            let got = f64::from(elu_plus_one(drive)) / 32768.0;
            // Half a unit of the entries, half of the rounding, and the chord, which lies
            // up to (1 / 32)² / 8 of the value above.
            let bound = 1.0 / 32768.0 + 1.23e-4 * expected;
            assert!((got - expected).abs() < bound, "{x} {got} {expected}");
        }
        assert_eq!(elu_plus_one(0), 1 << 15);
        assert_eq!(elu_plus_one(-1), 32768 - 32);
        assert_eq!(elu_plus_one(i32::MIN), elu_plus_one(-8192));
        assert_eq!(elu_plus_one(i32::MAX), elu_plus_one(1 << 25));
    }
}
