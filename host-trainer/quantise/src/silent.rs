//! Ranges of bytes, also for channels that no calibration image makes active.

use super::{fold::FoldedStage, moments::Moments};
use lcl_numerics::statistics::median;

/// A channel that no calibration image makes active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SilentChannel {
    /// Its number.
    pub channel: usize,
    /// Whether no input at all can make it active: its byte is always 0.
    pub dead: bool,
}

/// Returns what byte 255 of every channel stands for, `[out_c]`.
///
/// A silent channel has no largest value. Another image may make it active, so
/// its range is as wide, in standard deviations of its sums, as the range of the
/// median active channel.
pub(super) fn ranges(folded: &FoldedStage, largest: &[Option<f64>], input: &Moments) -> Vec<f64> {
    if largest.iter().all(Option::is_some) {
        return largest.iter().copied().flatten().collect();
    }
    let covariance = input.covariance();
    let deviations: Vec<f64> =
        folded.filters().map(|(filter, _)| deviation(filter, &covariance)).collect();
    let active: Vec<(f64, f64)> =
        largest.iter().zip(&deviations).filter_map(|(&range, &sd)| Some((range?, sd))).collect();
    let typical: Vec<f64> = active.iter().map(|(range, _)| *range).collect();
    let reach: Vec<f64> =
        active.iter().filter(|(_, sd)| *sd > 0.0).map(|(range, sd)| range / sd).collect();
    let (typical, reach) = (median(&typical).unwrap_or(1.0), median(&reach).unwrap_or(1.0));
    let of_silent = |sd: f64| if sd > 0.0 { reach * sd } else { typical };
    largest.iter().zip(deviations).map(|(range, sd)| range.unwrap_or(of_silent(sd))).collect()
}

/// Returns the standard deviation of a filter's sums, `√(wᵀ H w)`, from the
/// lower triangle of the covariance.
fn deviation(filter: &[f64], covariance: &[f64]) -> f64 {
    let n = filter.len();
    let row = |at: usize| {
        let row = &covariance[at * n..][..at];
        let others: f64 = row.iter().zip(filter).map(|(value, weight)| value * weight).sum();
        filter[at] * (2.0 * others + covariance[at * n + at] * filter[at])
    };
    (0..n).map(row).sum::<f64>().max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use lcl_infer::ConvGeometry;

    use super::*;

    #[test]
    fn a_silent_channel_reaches_as_far_as_the_others() {
        let conv = ConvGeometry::new(2, 4, 1, 1, 0).expect("valid");
        let mut input = Moments::new(conv);
        input.add(1, 2, &[1.0, 5.0, 3.0, 1.0]);
        // Variances 1 and 4, covariance -2.
        let folded = FoldedStage {
            conv,
            weights: vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.25, 0.0, 0.0],
            bias: vec![0.0; 4],
        };
        assert!((deviation(&[1.0, 0.25], &input.covariance()) - 0.5).abs() < 1e-12);
        let found = ranges(&folded, &[Some(10.0), Some(20.0), None, None], &input);
        for (got, expected) in found.iter().zip([10.0, 20.0, 5.0, 15.0]) {
            assert!((got - expected).abs() < 1e-9, "{found:?}");
        }
        let found = ranges(&folded, &[None; 4], &input);
        assert!(found.iter().all(|range| range.is_finite() && *range > 0.0), "{found:?}");
    }
}
