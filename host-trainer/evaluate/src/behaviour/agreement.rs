//! Whether two decision makers err on the same images.

/// Agreement of two decision makers on the same trials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Trials.
    pub trials: usize,
    /// Share of correct answers of both.
    pub accuracies: [f64; 2],
    /// Share of trials on which both are right or both are wrong, `o`.
    pub observed: f64,
    /// What independent decision makers of these accuracies would share,
    /// `e = p₁ p₂ + (1 - p₁) (1 - p₂)`.
    pub expected: f64,
    /// Error consistency, `κ = (o - e) / (1 - e)`, and 1 where `o` is 1: Cohen's
    /// kappa of being correct (Geirhos, Meding and Wichmann 2020, \[Meding\]).
    ///
    /// 0 for independent errors, in `[-1, 1]`. Different accuracies bound it
    /// below 1, and it varies widely over few trials, or where both are almost
    /// always right: nearly all of `o` is expected then.
    pub error_consistency: f64,
}

/// Compares pairs of answers, whether they are correct; nothing without any.
#[must_use]
pub fn agreement(pairs: impl Iterator<Item = (bool, bool)>) -> Option<Agreement> {
    let (mut trials, mut correct, mut same) = (0_usize, [0_usize; 2], 0_usize);
    for (first, second) in pairs {
        trials += 1;
        correct[0] += usize::from(first);
        correct[1] += usize::from(second);
        same += usize::from(first == second);
    }
    if trials == 0 {
        return None;
    }
    let share = |count: usize| count as f64 / trials as f64;
    let [p1, p2] = correct.map(share);
    let (observed, expected) = (share(same), p1 * p2 + (1.0 - p1) * (1.0 - p2));
    let error_consistency =
        if same == trials { 1.0 } else { (observed - expected) / (1.0 - expected) };
    Some(Agreement { trials, accuracies: [p1, p2], observed, expected, error_consistency })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of a few operations on numbers around 1.
    const ROUNDING: f64 = 1e-12;

    #[track_caller]
    fn check(counts: [usize; 4], expected: [f64; 3]) {
        let kinds = [(true, true), (true, false), (false, true), (false, false)];
        let pairs = kinds.into_iter().zip(counts).flat_map(|(pair, n)| vec![pair; n]);
        let found = agreement(pairs).expect("trials");
        for (got, expected) in
            [found.observed, found.expected, found.error_consistency].into_iter().zip(expected)
        {
            assert!((got - expected).abs() < ROUNDING, "{found:?}");
        }
    }

    #[test]
    fn kappa_by_hand() {
        // Accuracies 0.7 and 0.6: e = 0.42 + 0.12, o = 0.5 + 0.2.
        check([5, 2, 1, 2], [0.7, 0.54, 0.16 / 0.46]);
        // As independent as can be.
        check([1, 1, 1, 1], [0.5, 0.5, 0.0]);
        // Never together.
        check([0, 1, 1, 0], [0.0, 0.5, -1.0]);
        // All right, where e is 1 too.
        check([3, 0, 0, 0], [1.0, 1.0, 1.0]);
        check([2, 0, 0, 2], [1.0, 0.5, 1.0]);
        assert_eq!(agreement(std::iter::empty()), None);
    }
}
