//! How a unit is tuned to spatial frequency.

use super::spline::Spline;

/// Weight of a neighbour when a curve is smoothed, that of the response being 1.
const NEIGHBOUR: f64 = 0.2;

/// Places between the lowest and the highest frequency at which the curve is
/// read.
const PLACES: u32 = 100;

/// Share of the peak at which the bandwidth is measured.
const LEVEL: f64 = 0.707;

/// The peak of a frequency curve and its bandwidth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrequencyPeak {
    /// The preferred frequency.
    pub preferred: f64,
    /// `100 · f_low / f_high`, where the curve falls to 0.707 of its peak: 100
    /// for the narrowest; nothing where it does not fall so far on both sides.
    pub bandwidth_ratio: Option<f64>,
}

/// Returns the peak of responses to gratings of rising frequencies, from the
/// curve smoothed by `[0 0.2 1 0.2 0]`, its ends repeated, and a cubic spline
/// over the logarithm, read at 100 places (\[Marques\]). Nothing where there
/// are fewer than four frequencies or no positive response.
///
/// Where the curve is highest at an end, so is the peak, whatever lies beyond;
/// smoothing biases the ratio downwards, towards broader tuning.
#[must_use]
pub fn frequency_peak(responses: &[f64], frequencies: &[f64]) -> Option<FrequencyPeak> {
    let (first, last) = (*frequencies.first()?, *frequencies.last()?);
    if first <= 0.0 || responses.iter().all(|&response| response <= 0.0) {
        return None;
    }
    let end = responses.len().checked_sub(1)?;
    let smoothed: Vec<f64> = (0..responses.len())
        .map(|at| {
            let sides = responses[at.saturating_sub(1)] + responses[(at + 1).min(end)];
            (responses[at] + NEIGHBOUR * sides) / (1.0 + 2.0 * NEIGHBOUR)
        })
        .collect();
    let octaves: Vec<f64> = frequencies.iter().map(|frequency| frequency.log2()).collect();
    let spline = Spline::new(&octaves, &smoothed)?;
    let step = (last.log2() - first.log2()) / f64::from(PLACES - 1);
    let place = |at: u32| first.log2() + f64::from(at) * step;
    let value = |at: u32| spline.at(place(at));
    let peak = (0..PLACES).max_by(|&a, &b| value(a).total_cmp(&value(b)).then(b.cmp(&a)))?;
    let low = |at: &u32| value(*at) <= LEVEL * value(peak);
    let below = (0..peak).rev().find(low);
    let above = (peak + 1..PLACES).find(low);
    let ratio = below.zip(above).map(|(below, above)| 100.0 * (place(below) - place(above)).exp2());
    Some(FrequencyPeak { preferred: place(peak).exp2(), bandwidth_ratio: ratio })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What rounding leaves of 16 digits.
    const ROUNDING: f64 = 1e-10;

    fn frequencies() -> Vec<f64> {
        (0..20).map(|at| 0.4 * (f64::from(at) / 4.0).exp2()).collect()
    }

    #[test]
    fn curves_are_as_reference_py_has_them() {
        let frequencies = frequencies();
        let ripple = |at: usize| 0.02 * (at as f64).sin();
        let band: Vec<f64> = (frequencies.iter().enumerate())
            .map(|(at, f)| (-(f / 2.3).log2().powi(2) / 1.4).exp() + ripple(at))
            .collect();
        let peak = frequency_peak(&band, &frequencies).expect("a peak");
        assert!((peak.preferred - 2.254_834_270_885_062_6).abs() < ROUNDING, "{peak:?}");
        let ratio = peak.bandwidth_ratio.expect("a band");
        assert!((ratio - 35.666_121_958_606_645).abs() < ROUNDING, "{ratio}");

        let low: Vec<f64> = frequencies.iter().map(|f| 1.0 / (1.0 + f * f)).collect();
        let peak = frequency_peak(&low, &frequencies).expect("a peak");
        assert!((peak.preferred - 0.4).abs() < ROUNDING && peak.bandwidth_ratio.is_none());
    }

    #[test]
    fn units_without_response_have_no_peak() {
        assert_eq!(frequency_peak(&[0.0; 20], &frequencies()), None);
        assert_eq!(frequency_peak(&[], &[]), None);
        assert_eq!(frequency_peak(&[1.0, 2.0], &[1.0, 2.0]), None);
    }
}
