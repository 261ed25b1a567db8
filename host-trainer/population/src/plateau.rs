//! When a fit lowers its rate and when it ends: two rules over one score.
//!
//! Both watch the validation correlation after each epoch, larger is better, and
//! an epoch is better where it exceeds the best by more than a threshold
//! (absolute).

use serde::{Deserialize, Serialize};

/// The rate of the optimiser: multiplied by a factor once more than `patience`
/// epochs in a row were no better, as PyTorch's `ReduceLROnPlateau`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateRule {
    /// The rate now.
    pub rate: f64,
    /// Best score so far.
    best: f64,
    /// Epochs since then.
    bad: u32,
    factor: f64,
    patience: u32,
    threshold: f64,
    least: f64,
}

impl RateRule {
    /// Starts at a rate; the factor is 0.3, and no rate is below `least`.
    #[must_use]
    pub const fn new(rate: f64, patience: u32, threshold: f64, least: f64) -> Self {
        let best = f64::MIN;
        Self { rate, best, bad: 0, factor: 0.3, patience, threshold, least }
    }

    /// Takes the score of an epoch.
    pub fn after(&mut self, score: f64) {
        if score > self.best + self.threshold {
            (self.best, self.bad) = (score, 0);
        } else {
            self.bad += 1;
        }
        if self.bad > self.patience {
            self.rate = (self.rate * self.factor).max(self.least);
            self.bad = 0;
        }
    }
}

/// What to do after an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The score is the best so far: keep the weights, then train on.
    Keep,
    /// Train on.
    Continue,
    /// A round ended: restore the best weights, then train on.
    Restore,
    /// The last round or epoch ended: restore the best weights and stop.
    End,
}

/// Early stopping in rounds: each ends after `patience` epochs that were no
/// better than the best.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StopRule {
    /// Best score so far.
    pub best: f64,
    /// Epochs so far.
    pub epochs: u32,
    /// Rounds that have ended.
    pub rounds: u32,
    bad: u32,
    patience: u32,
    threshold: f64,
    most_rounds: u32,
    most_epochs: u32,
}

impl StopRule {
    /// Starts before the first epoch.
    #[must_use]
    pub const fn new(patience: u32, threshold: f64, most_rounds: u32, most_epochs: u32) -> Self {
        let best = f64::MIN;
        Self { best, epochs: 0, rounds: 0, bad: 0, patience, threshold, most_rounds, most_epochs }
    }

    /// Returns whether the fit has ended.
    #[must_use]
    pub const fn ended(&self) -> bool {
        self.rounds >= self.most_rounds || self.epochs >= self.most_epochs
    }

    /// Allows so many epochs in all.
    pub const fn allow(&mut self, most_epochs: u32) {
        self.most_epochs = most_epochs;
    }

    /// Takes the score of an epoch.
    pub fn after(&mut self, score: f64) -> Next {
        self.epochs += 1;
        let better = score > self.best + self.threshold;
        if better {
            (self.best, self.bad) = (score, 0);
        } else {
            self.bad += 1;
        }
        if self.bad >= self.patience {
            self.rounds += 1;
            self.bad = 0;
            return if self.ended() { Next::End } else { Next::Restore };
        }
        match (better, self.epochs >= self.most_epochs) {
            (true, _) => Next::Keep,
            (false, true) => Next::End,
            (false, false) => Next::Continue,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_falls_after_more_than_its_patience() {
        let mut rule = RateRule::new(0.005, 5, 1e-6, 1e-4);
        rule.after(0.1);
        for bad in 1..=6 {
            assert!((rule.rate - 0.005).abs() < 1e-12, "{bad}");
            // Better by less than the threshold is no better.
            rule.after(0.1 + 5e-7);
        }
        assert!((rule.rate - 0.0015).abs() < 1e-12);
        for _ in 0..100 {
            rule.after(0.0);
        }
        assert!((rule.rate - 1e-4).abs() < 1e-12);
    }

    #[test]
    fn three_rounds_of_five_bad_epochs() {
        let mut rule = StopRule::new(5, 1e-6, 3, 200);
        assert_eq!([rule.after(0.1), rule.after(0.2)], [Next::Keep; 2]);
        for round in 0..3 {
            for _ in 0..4 {
                assert_eq!(rule.after(0.2), Next::Continue);
            }
            let last = if round == 2 { Next::End } else { Next::Restore };
            assert_eq!(rule.after(0.2), last, "{round}");
        }
        assert!(rule.ended() && rule.epochs == 17);
    }

    #[test]
    fn epochs_have_an_end() {
        let mut rule = StopRule::new(5, 1e-6, 3, 2);
        assert_eq!(rule.after(0.1), Next::Keep);
        assert_eq!(rule.after(0.1), Next::End);
        assert!(rule.ended());
    }
}
