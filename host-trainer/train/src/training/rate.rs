//! The length of a step.

use std::f64::consts::PI;

use lcl_run::config::{OptimiserConfig, Schedule};

/// Returns the length of the step of update `t`, from 1, of `length` updates in
/// all.
///
/// `thirds` is the rule of \[LCL\] 2.4 for 90 epochs, a tenth after every 30, for
/// a run of any length.
pub(super) fn rate(config: OptimiserConfig, length: u64, t: u64) -> f64 {
    let OptimiserConfig { learning_rate, warmup_steps, schedule, .. } = config;
    if t < warmup_steps {
        return t as f64 / warmup_steps as f64 * learning_rate;
    }
    match schedule {
        Schedule::Constant => learning_rate,
        Schedule::Cosine => {
            let done = t.saturating_sub(1 + warmup_steps) as f64;
            let whole = length.saturating_sub(warmup_steps).max(1) as f64;
            0.5 * (1.0 + (PI * (done / whole).min(1.0)).cos()) * learning_rate
        }
        Schedule::Thirds => {
            let thirds = t.saturating_sub(1).saturating_mul(3) / length.max(1);
            learning_rate * [1.0, 0.1, 0.01][usize::try_from(thirds.min(2)).unwrap_or(2)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirds_fall_to_a_tenth_after_30_and_60_of_90() {
        let config = OptimiserConfig {
            learning_rate: 0.1,
            schedule: Schedule::Thirds,
            ..OptimiserConfig::default()
        };
        let rates = [1, 30, 31, 60, 61, 90, 91].map(|t| rate(config, 90, t));
        for (got, expected) in rates.into_iter().zip([0.1, 0.1, 0.01, 0.01, 0.001, 0.001, 0.001]) {
            assert!((got - expected).abs() < 1e-12, "{rates:?}");
        }
    }
}
