//! How a unit is tuned to orientation.

use super::spline::Spline;

/// Weights of a response and its neighbours when a curve is smoothed, over
/// their sum.
const NEIGHBOUR: f64 = 0.4;

/// Share of the peak at which \[RSH\] measure a bandwidth.
const ROOT_HALF: f64 = 0.707;

/// Degrees of one period of orientation.
const PERIOD: i32 = 180;

/// Returns the circular variance of responses that are not negative to gratings
/// of evenly spaced orientations in degrees: `1 - |Σ R e^{2iθ}| / Σ R`
/// (\[RSH\]), 0 for a unit that responds to one orientation
/// alone, 1 for one that responds to all alike; nothing where there is no
/// response.
///
/// Any constant part of the responses biases it towards 1.
#[must_use]
pub fn circular_variance(responses: &[f64], orientations: &[f64]) -> Option<f64> {
    let sum: f64 = responses.iter().sum();
    let vector = responses.iter().zip(orientations).fold([0.0, 0.0], |[re, im], (r, angle)| {
        let (sin, cos) = (2.0 * angle).to_radians().sin_cos();
        [re + r * cos, im + r * sin]
    });
    (sum > 0.0).then(|| (1.0 - vector[0].hypot(vector[1]) / sum).clamp(0.0, 1.0))
}

/// Returns the response to the orientation across the preferred one over that
/// to the preferred one; nothing where there is no response or no such
/// orientation, which an odd number of them does not have.
#[must_use]
pub fn orthogonal_ratio(responses: &[f64]) -> Option<f64> {
    let half = responses.len() / 2;
    let peak = (0..responses.len())
        .reduce(|best, at| if responses[at] > responses[best] { at } else { best })?;
    let across = responses[(peak + half) % responses.len()];
    (responses.len() % 2 == 0 && responses[peak] > 0.0).then(|| across / responses[peak])
}

/// The peak of an orientation curve and its width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrientationPeak {
    /// Where it is, degrees in `[0, 180)`.
    pub preferred_deg: f64,
    /// Full width at half of the maximum, degrees; nothing where the curve does
    /// not fall so far.
    pub full_width_deg: Option<f64>,
    /// Half of the width at 0.707 of the maximum, degrees
    /// (\[RSH\]).
    pub half_width_deg: Option<f64>,
}

/// Returns the peak of responses to gratings of evenly spaced orientations in
/// degrees, from the curve smoothed by `[0 0.4 1 0.4 0]` and a cubic spline
/// through it, read at every degree (\[Marques\]). Nothing where there are
/// fewer than four orientations or none gives a response.
///
/// Smoothing and reading at whole degrees bias widths upwards: for
/// orientations 15 degrees apart a curve cannot be narrower than about 24
/// degrees at half of its maximum.
#[must_use]
pub fn orientation_peak(responses: &[f64], orientations: &[f64]) -> Option<OrientationPeak> {
    let count = responses.len();
    if count < 4 || responses.iter().sum::<f64>() <= 0.0 {
        return None;
    }
    let smoothed = |at: usize| {
        let sides = responses[(at + count - 1) % count] + responses[(at + 1) % count];
        (responses[at] + NEIGHBOUR * sides) / (1.0 + 2.0 * NEIGHBOUR)
    };
    let turns = [-1.0, 0.0, 1.0].map(|turn| turn * f64::from(PERIOD));
    let angles: Vec<f64> =
        turns.iter().flat_map(|turn| orientations.iter().map(move |angle| angle + turn)).collect();
    let curve: Vec<f64> = (0..turns.len() * count).map(|at| smoothed(at % count)).collect();
    let spline = Spline::new(&angles, &curve)?;
    let value = |degree: i32| spline.at(f64::from(degree));
    let peak = (0..PERIOD).max_by(|&a, &b| value(a).total_cmp(&value(b)).then(b.cmp(&a)))?;
    let width = |share: f64| {
        let low = |degree: &i32| value(*degree) <= share * value(peak);
        let below = (-PERIOD..peak).rev().find(low)?;
        let above = (peak + 1..2 * PERIOD).find(low)?;
        (above - below <= PERIOD).then(|| f64::from(above - below))
    };
    Some(OrientationPeak {
        preferred_deg: peak.into(),
        full_width_deg: width(0.5),
        half_width_deg: width(ROOT_HALF).map(|width| width / 2.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of a dozen operations on numbers around 1.
    const ROUNDING: f64 = 1e-12;

    fn orientations(count: u32) -> Vec<f64> {
        (0..count).map(|at| f64::from(at) * 180.0 / f64::from(count)).collect()
    }

    #[track_caller]
    fn check(curve: &[f64; 12], variance: f64, preferred: f64, widths: [Option<f64>; 2]) {
        let angles = orientations(12);
        let got = circular_variance(curve, &angles).expect("responses");
        assert!((got - variance).abs() < ROUNDING, "{got} {variance}");
        let [full_width_deg, half_width_deg] = widths;
        let expected = OrientationPeak { preferred_deg: preferred, full_width_deg, half_width_deg };
        assert_eq!(orientation_peak(curve, &angles), Some(expected));
    }

    #[test]
    fn curves_are_as_reference_py_has_them() {
        let sharp = [0.1, 0.3, 1.0, 2.6, 4.0, 3.1, 1.4, 0.5, 0.2, 0.15, 0.1, 0.05];
        check(&sharp, 0.277_196_450_719_162_43, 62.0, [Some(53.0), Some(18.5)]);
        let broad = [3.0, 2.8, 2.5, 2.2, 2.0, 1.9, 1.8, 2.0, 2.1, 2.4, 2.6, 2.9];
        check(&broad, 0.883_226_145_299_079_1, 178.0, [None, Some(61.0)]);
    }

    #[test]
    fn cosine_tuning_has_half_its_depth_as_selectivity() {
        for depth in [0.0, 0.3, 1.0] {
            let angles = orientations(12);
            let curve: Vec<f64> = angles
                .iter()
                .map(|a| 2.0 + 2.0 * depth * (2.0 * (a - 40.0)).to_radians().cos())
                .collect();
            let got = circular_variance(&curve, &angles).expect("responses");
            assert!((got - (1.0 - depth / 2.0)).abs() < ROUNDING, "{depth}: {got}");
            let across = orthogonal_ratio(&curve).expect("responses");
            let cosine = (2.0 * 5.0_f64).to_radians().cos() * depth;
            assert!((across - (1.0 - cosine) / (1.0 + cosine)).abs() < ROUNDING, "{across}");
        }
    }

    #[test]
    fn units_without_response_have_no_tuning() {
        assert_eq!(circular_variance(&[0.0; 12], &orientations(12)), None);
        assert_eq!(orthogonal_ratio(&[0.0; 12]), None);
        assert_eq!(orthogonal_ratio(&[1.0, 2.0, 3.0]), None);
        assert_eq!(orthogonal_ratio(&[]), None);
        assert_eq!(orientation_peak(&[0.0; 12], &orientations(12)), None);
        assert_eq!(orientation_peak(&[1.0, 2.0, 3.0], &orientations(3)), None);
    }
}
