//! How a unit is tuned to the size of a grating.

/// Suppression above which a surround is measured (\[Cavanaugh\]).
pub const STRONG: f64 = 0.1;

/// How the response grows and falls with size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SizeTuning {
    /// `(peak - plateau) / peak`, where the plateau is the response to the
    /// largest grating: 0 without suppression, 1 for silence, above 1 for less
    /// than to a blank.
    pub suppression_index: f64,
    /// Grating summation field: twice the first radius at which the response
    /// reaches 0.95 of its peak, in units of the radii.
    pub summation_field: f64,
    /// Surround diameter: twice the first radius beyond the peak at which the
    /// response is within 5 % of the plateau; nothing where the suppression
    /// index is at most 0.1.
    pub surround_diameter: Option<f64>,
}

/// Returns how a unit is tuned to gratings of rising radii (\[Cavanaugh\] as in
/// \[Marques\]); nothing without a positive response.
///
/// Sizes are radii that were shown, so fields are biased upwards, by up to the
/// step between radii. Suppression is measured at the largest: what begins
/// beyond it is missed.
#[must_use]
pub fn size_tuning(responses: &[f64], radii: &[f64]) -> Option<SizeTuning> {
    let plateau = *responses.last()?;
    let peak = (0..responses.len().min(radii.len()))
        .reduce(|best, at| if responses[at] > responses[best] { at } else { best })?;
    let most = responses[peak];
    // Also false where a response is not a number.
    let responds = most > 0.0;
    if !responds {
        return None;
    }
    let suppression_index = (most - plateau) / most;
    let reached = responses.iter().position(|&response| response >= 0.95 * most)?;
    let level = plateau + 0.05 * plateau.abs();
    let settled = (peak + 1..responses.len()).find(|&at| responses[at] <= level);
    let strong = suppression_index > STRONG;
    Some(SizeTuning {
        suppression_index,
        summation_field: 2.0 * radii[reached],
        surround_diameter: settled.filter(|_| strong).map(|at| 2.0 * radii[at]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn radii() -> Vec<f64> {
        (0..12).map(|at| 0.1 * (f64::from(at) / 2.0).exp2()).collect()
    }

    /// A difference of two integrals of Gaussians: `1 - exp(-(r/a)²)`.
    fn difference(centre: f64, surround: f64, strength: f64) -> Vec<f64> {
        let filled = |r: f64, width: f64| 1.0 - (-(r / width).powi(2)).exp();
        radii().iter().map(|&r| filled(r, centre) - strength * filled(r, surround)).collect()
    }

    #[test]
    fn a_centre_and_a_surround_of_known_strength() {
        let tuning = size_tuning(&difference(0.2, 1.0, 0.6), &radii()).expect("a response");
        let curve = difference(0.2, 1.0, 0.6);
        let peak = curve.iter().copied().fold(0.0, f64::max);
        // Far out 1 - 0.6 is left.
        let expected = (peak - 0.4) / peak;
        assert!((tuning.suppression_index - expected).abs() < 1e-3, "{tuning:?} {expected}");
        assert!(tuning.surround_diameter.is_some_and(|d| d > tuning.summation_field));
        let alone = size_tuning(&difference(0.2, 1.0, 0.0), &radii()).expect("a response");
        assert!(alone.suppression_index.abs() < 1e-12 && alone.surround_diameter.is_none());
        // 1 - exp(-(r / 0.2)²) reaches 0.95 at 0.346; the next radius is 0.4.
        assert!((alone.summation_field - 0.8).abs() < 1e-12, "{alone:?}");
    }

    #[test]
    fn by_hand() {
        let radii = [1.0, 2.0, 3.0, 4.0, 5.0];
        let tuning = size_tuning(&[1.0, 3.9, 4.0, 2.05, 2.0], &radii).expect("a response");
        let expected = SizeTuning {
            suppression_index: 0.5,
            summation_field: 4.0,
            surround_diameter: Some(8.0),
        };
        assert_eq!(tuning, expected);
        let silenced = size_tuning(&[1.0, 0.0, -1.0], &radii[..3]).expect("a response");
        assert!((silenced.suppression_index - 2.0).abs() < 1e-12);
        assert_eq!(size_tuning(&[0.0, -1.0], &radii[..2]), None);
        assert_eq!(size_tuning(&[f64::NAN], &radii[..1]), None);
        assert_eq!(size_tuning(&[], &[]), None);
    }
}
