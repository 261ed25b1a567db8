//! When training no longer helps.

use serde::{Deserialize, Serialize};

use lcl_run::run::Losses;

/// Stops a run when the summed validation loss no longer improves by a
/// threshold (\[LCL\] A.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StopRule {
    patience: u64,
    min_improvement: f64,
    best: Option<(u64, Losses)>,
    /// Validations since the loss last improved by the threshold.
    without_improvement: u64,
    /// The loss that has to be improved on, after the first validation.
    reference: Option<f64>,
}

impl StopRule {
    /// Creates a rule that stops after `patience` validations in a row none of
    /// which improved the loss by the fraction `min_improvement`; patience 0
    /// never stops.
    #[must_use]
    pub fn new(patience: u64, min_improvement: f64) -> Self {
        let (best, without_improvement, reference) = (None, 0, None);
        Self { patience, min_improvement, best, without_improvement, reference }
    }

    /// Goes on with another patience and threshold; what was seen so far stays.
    #[must_use]
    pub fn with_limits(self, patience: u64, min_improvement: f64) -> Self {
        Self { patience, min_improvement, ..self }
    }

    /// Forgets the best validation, whose weights are no longer there: the next
    /// one takes its place.
    pub fn forget_best(&mut self) {
        self.best = None;
    }

    /// Learns of the validation loss at a step, and returns whether it is the
    /// least so far.
    pub fn observe(&mut self, step: u64, losses: Losses) -> bool {
        let total = losses.total();
        // Losses may be negative.
        let improves = |reference: f64| total < reference - self.min_improvement * reference.abs();
        if self.reference.is_none_or(improves) {
            self.reference = Some(total);
            self.without_improvement = 0;
        } else {
            self.without_improvement += 1;
        }
        let is_best = self.best.is_none_or(|(_, best)| total < best.total());
        if is_best {
            self.best = Some((step, losses));
        }
        is_best
    }

    /// Returns whether the run should stop.
    #[must_use]
    pub fn says_stop(&self) -> bool {
        self.patience > 0 && self.without_improvement >= self.patience
    }

    /// Returns step and losses of the best validation.
    #[must_use]
    pub fn best(&self) -> Option<(u64, Losses)> {
        self.best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(patience: u64, losses: &[f64], expected_stop: Option<usize>, expected_best: u64) {
        let mut rule = StopRule::new(patience, 0.1);
        let stop = losses.iter().enumerate().position(|(step, &loss)| {
            rule.observe(step as u64, Losses { stages: [loss, 0.0] });
            rule.says_stop()
        });
        assert_eq!((stop, rule.best().map(|best| best.0)), (expected_stop, Some(expected_best)));
    }

    #[test]
    fn is_remembered_exactly_at_any_time() {
        let mut rule = StopRule::new(2, 0.1);
        for step in 0..50 {
            let text = serde_json::to_string(&rule).expect("JSON");
            assert_eq!(serde_json::from_str::<StopRule>(&text).ok(), Some(rule.clone()), "{text}");
            let loss = 1000.0 * (-0.37 * step as f64).exp();
            rule.observe(step, Losses { stages: [loss, loss / 3.0] });
        }
    }

    #[test]
    fn stops_after_patience_without_enough_improvement() {
        check(2, &[10.0, 8.0, 7.9, 7.8, 1.0], Some(3), 3);
        check(2, &[10.0, 9.5, 8.9, 8.5, 7.9], None, 4);
        check(2, &[10.0, 11.0, 8.0, 9.0, 7.0], None, 4);
        check(0, &[1.0, 2.0, 3.0, 4.0], None, 0);
    }

    #[test]
    fn stops_for_negative_losses_too() {
        check(2, &[-1.0, -1.5, -1.6, -1.62, -9.0], Some(3), 3);
        check(2, &[-1.0, -1.0, -1.2, -1.3, -1.5], None, 4);
        check(2, &[0.5, -0.1, -0.1, -0.105, -2.0], Some(3), 3);
    }

    #[test]
    fn goes_on_with_more_patience() {
        let mut rule = StopRule::new(1, 0.1);
        let observe =
            |rule: &mut StopRule, step, loss| rule.observe(step, Losses { stages: [loss, 0.0] });
        observe(&mut rule, 0, 1.0);
        observe(&mut rule, 1, 0.99);
        assert!(rule.says_stop());
        let mut rule = rule.with_limits(2, 0.1);
        assert!(!rule.says_stop() && rule.best().is_some_and(|best| best.0 == 1));
        observe(&mut rule, 2, 0.98);
        assert!(rule.says_stop() && !rule.clone().with_limits(0, 0.1).says_stop());
        rule.forget_best();
        assert!(observe(&mut rule, 3, 5.0));
    }
}
