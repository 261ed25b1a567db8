//! Gabor fits by least squares.

use std::f64::consts::PI;

use levenberg_marquardt::{LeastSquaresProblem, LevenbergMarquardt};
use nalgebra::{DVector, Dyn, OMatrix, Owned, SVector, U8, Vector};

use super::{
    gabor::{Gabor, PARAMETERS, Shape, pixels},
    rejection::Rejection,
};

/// Starting points that are followed to their minimum, for each filter.
const STARTS: usize = 12;

/// What the starting points are taken from.
const DIRECTIONS: usize = 8;
const FREQUENCIES: [f64; 6] = [0.04, 0.08, 0.12, 0.18, 0.26, 0.36];
const SIGMAS: [f64; 3] = [1.5, 2.5, 4.0];

/// The envelope that a filter's pixels can tell is wider than half a pixel, and
/// no wider than the filter.
const LEAST_SIGMA: f64 = 0.5;

/// A parameter is at the end of its range from this share of the range on.
const MARGIN: f64 = 0.01;

/// The highest frequency that pixels can tell, cycles per pixel.
const NYQUIST: f64 = 0.5;

/// A fit and how good it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// The function.
    pub gabor: Gabor,
    /// Share of the variance over the pixels that it explains,
    /// `1 - Σ (w - g)² / Σ (w - mean w)²`, at most 1.
    ///
    /// With eight parameters it is above 0 even for noise, more so the fewer the
    /// pixels: for white noise over 11×11 pixels about 0.13, and below 0.3.
    pub r2: f64,
}

/// Fits a Gabor function to a filter, `[kernel, kernel]`, by the method of
/// Levenberg and Marquardt from the best of a grid of starting points: of what
/// they lead to, the function that explains most. Nothing where the filter has
/// no contrast.
///
/// Centre, envelope and frequency keep to what the pixels can tell: a centre
/// within the filter, widths from half a pixel to the filter's side and at most
/// half a cycle per pixel. A function at an end of these ranges, see
/// [`undetermined`], would be another one if it could.
///
/// # Panics
///
/// When the filter does not have `kernel · kernel` weights.
#[must_use]
pub fn fit_gabor(filter: &[f64], kernel: usize) -> Option<Fit> {
    assert_eq!(filter.len(), kernel * kernel);
    let count = filter.len() as f64;
    let mean = filter.iter().sum::<f64>() / count;
    let variance: f64 = filter.iter().map(|weight| (weight - mean).powi(2)).sum();
    let energy: f64 = filter.iter().map(|weight| weight * weight).sum();
    // What is left of rounding is no contrast.
    if !energy.is_finite() || variance <= energy * f64::EPSILON {
        return None;
    }
    let scale = energy.sqrt();
    let target = DVector::from_iterator(filter.len(), filter.iter().map(|weight| weight / scale));
    // Poor fits creep along flat valleys, which nobody needs to the last digit.
    let solver = LevenbergMarquardt::new().with_ftol(1e-10).with_xtol(1e-10).with_patience(30);
    let fits = starts(&target, kernel).into_iter().map(|shape| {
        let problem = Problem::new(shape, target.clone(), kernel);
        let (problem, report) = solver.minimize(problem);
        let mut gabor = problem.shape().gabor();
        gabor.amplitude *= scale;
        // The objective is half of the sum of squares.
        let r2 = 1.0 - 2.0 * report.objective_function * energy / variance;
        Fit { gabor, r2 }
    });
    fits.filter(|fit| fit.r2.is_finite()).max_by(|a, b| a.r2.total_cmp(&b.r2))
}

/// Returns why the pixels of a filter cannot tell a function, if so: it is
/// within 1 % of an end of a range.
#[must_use]
pub fn undetermined(gabor: &Gabor, kernel: usize) -> Option<Rejection> {
    let [x, y, _, sigma_x, sigma_y, frequency, ..] = ranges(kernel);
    let inside = |value: f64, range: Range| {
        let [least, most] = range.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
        let margin = MARGIN * (most - least);
        (least + margin..=most - margin).contains(&value)
    };
    if !inside(gabor.x, x) || !inside(gabor.y, y) {
        return Some(Rejection::CentreOutside);
    }
    if !inside(gabor.sigma_x.ln(), sigma_x) || !inside(gabor.sigma_y.ln(), sigma_y) {
        return Some(Rejection::Envelope);
    }
    let highest = frequency.map_or(NYQUIST, |[_, most]| (1.0 - MARGIN) * most);
    (gabor.cycles_per_pixel > highest).then_some(Rejection::Frequency)
}

/// Least and most, where there are any.
type Range = Option<[f64; 2]>;

/// Returns the range of each of a shape's parameters.
fn ranges(kernel: usize) -> [Range; PARAMETERS] {
    let centre = Some([-0.5, kernel as f64 - 0.5]);
    let ln_sigma = Some([LEAST_SIGMA.ln(), (kernel as f64).ln()]);
    [centre, centre, None, ln_sigma, ln_sigma, Some([0.0, NYQUIST]), None, None]
}

/// Returns the best starting points of a grid of centres, directions,
/// frequencies and widths; amplitude and phase are the best for each.
fn starts(target: &DVector<f64>, kernel: usize) -> Vec<Shape> {
    let middle = (kernel as f64 - 1.0) / 2.0;
    let energy = |(x, y): (f64, f64), weight: &f64| [x * weight * weight, y * weight * weight];
    let centroid = pixels(kernel)
        .zip(target)
        .map(|(place, weight)| energy(place, weight))
        .fold([0.0, 0.0], |sum, at| [sum[0] + at[0], sum[1] + at[1]]);
    let mut starts: Vec<(f64, Shape)> = Vec::new();
    for [x, y] in [centroid, [middle, middle]] {
        for direction in (0..DIRECTIONS).map(|at| at as f64 * PI / DIRECTIONS as f64) {
            for frequency in FREQUENCIES {
                let shapes = SIGMAS.map(|sigma| {
                    let ln_sigma = f64::ln(sigma);
                    let shape = [x, y, direction, ln_sigma, ln_sigma, frequency, 0.0, 0.0];
                    best_wave(shape, target, kernel)
                });
                starts.extend(shapes);
            }
        }
    }
    starts.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    starts.into_iter().take(STARTS).map(|(_, shape)| shape).collect()
}

/// Returns the shape with the best even and odd amplitude, and the energy that
/// these explain.
fn best_wave(
    mut parameters: [f64; PARAMETERS],
    target: &DVector<f64>,
    kernel: usize,
) -> (f64, Shape) {
    let shape = Shape { parameters };
    let [mut ee, mut eo, mut oo, mut et, mut ot] = [0.0; 5];
    for ((x, y), &target) in pixels(kernel).zip(target) {
        let [.., even, odd] = shape.at(x, y).gradient;
        ee += even * even;
        eo += even * odd;
        oo += odd * odd;
        et += even * target;
        ot += odd * target;
    }
    let determinant = ee * oo - eo * eo;
    // Where the odd wave vanishes, the even one stands alone.
    let [even, odd] = if determinant > 1e-9 * ee * ee {
        [(et * oo - ot * eo) / determinant, (ot * ee - et * eo) / determinant]
    } else {
        [et / ee.max(f64::MIN_POSITIVE), 0.0]
    };
    parameters[PARAMETERS - 2..].copy_from_slice(&[even, odd]);
    (even * et + odd * ot, Shape { parameters })
}

/// The residuals of a shape, whose parameters with a range are
/// `least + (most - least) · (1 + sin u) / 2` of a free `u`, as in MINUIT.
struct Problem {
    kernel: usize,
    target: DVector<f64>,
    ranges: [Range; PARAMETERS],
    free: SVector<f64, PARAMETERS>,
}

impl Problem {
    fn new(shape: Shape, target: DVector<f64>, kernel: usize) -> Self {
        let ranges = ranges(kernel);
        let free = SVector::from_fn(|at, _| match ranges[at] {
            // At an end itself the slope would be zero.
            Some([least, most]) => {
                let share = (shape.parameters[at] - least) / (most - least);
                (2.0 * share - 1.0).clamp(-0.99, 0.99).asin()
            }
            None => shape.parameters[at],
        });
        Self { kernel, target, ranges, free }
    }

    fn shape(&self) -> Shape {
        let parameter = |at: usize| match self.ranges[at] {
            Some([least, most]) => least + (most - least) * (1.0 + self.free[at].sin()) / 2.0,
            None => self.free[at],
        };
        Shape { parameters: std::array::from_fn(parameter) }
    }
}

impl LeastSquaresProblem<f64, Dyn, U8> for Problem {
    type ParameterStorage = Owned<f64, U8>;
    type ResidualStorage = Owned<f64, Dyn>;
    type JacobianStorage = Owned<f64, Dyn, U8>;

    fn set_params(&mut self, free: &SVector<f64, PARAMETERS>) {
        self.free.copy_from(free);
    }

    fn params(&self) -> SVector<f64, PARAMETERS> {
        self.free
    }

    fn residuals(&self) -> Option<Vector<f64, Dyn, Self::ResidualStorage>> {
        let shape = self.shape();
        let values = pixels(self.kernel).map(|(x, y)| shape.at(x, y).value);
        let residuals = values.zip(&self.target).map(|(value, target)| value - target);
        Some(DVector::from_iterator(self.target.len(), residuals))
    }

    fn jacobian(&self) -> Option<OMatrix<f64, Dyn, U8>> {
        let shape = self.shape();
        let slopes: [f64; PARAMETERS] = std::array::from_fn(|at| match self.ranges[at] {
            Some([least, most]) => (most - least) * self.free[at].cos() / 2.0,
            None => 1.0,
        });
        let rows: Vec<f64> = pixels(self.kernel)
            .flat_map(|(x, y)| {
                let gradient = shape.at(x, y).gradient;
                std::array::from_fn::<f64, PARAMETERS, _>(|at| gradient[at] * slopes[at])
            })
            .collect();
        Some(OMatrix::<f64, Dyn, U8>::from_row_slice(&rows))
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;
    use rand_distr::StandardNormal;

    use super::*;
    use crate::random::{Purpose, stream};

    const KERNEL: usize = 11;

    fn noise(seed: u64) -> Vec<f64> {
        let mut rng = stream(seed, Purpose::Synthetic, [0, 0]);
        (0..KERNEL * KERNEL).map(|_| rng.sample(StandardNormal)).collect()
    }

    /// Fields of a quarter of a cycle and more: in smaller ones noise decides
    /// between a wide and a slow wave.
    fn gabors() -> Vec<Gabor> {
        (0..24_u32)
            .map(|at| {
                let part = |factor: u32, of: u32| f64::from(at * factor % of) / f64::from(of);
                Gabor {
                    x: 4.0 + 2.0 * part(5, 7),
                    y: 4.0 + 2.0 * part(3, 5),
                    orientation_deg: 180.0 * part(1, 24),
                    cycles_per_pixel: 0.15 + 0.13 * part(7, 11),
                    sigma_x: 1.8 + 0.6 * part(5, 9),
                    sigma_y: 1.4 + 1.2 * part(2, 13),
                    phase_deg: 360.0 * part(5, 17) - 175.0,
                    amplitude: 0.01 * (1.0 + part(3, 8)),
                }
            })
            .collect()
    }

    fn angle(a: f64, b: f64, period: f64) -> f64 {
        let difference = (a - b).rem_euclid(period);
        difference.min(period - difference)
    }

    #[test]
    fn known_gabors_are_found_again() {
        /// The solver stops at a relative change of 1e-10, and converges with the
        /// square of it.
        const EXACT: f64 = 1e-6;
        for gabor in gabors() {
            let fit = fit_gabor(&gabor.values(KERNEL), KERNEL).expect("contrast");
            let got = fit.gabor;
            assert!(fit.r2 > 1.0 - EXACT, "{gabor:?}\n{fit:?}");
            for (got, expected) in [
                (got.x, gabor.x),
                (got.y, gabor.y),
                (got.nx(), gabor.nx()),
                (got.ny(), gabor.ny()),
                (got.amplitude / gabor.amplitude, 1.0),
            ] {
                assert!((got - expected).abs() < EXACT, "{gabor:?}\n{fit:?}");
            }
            assert!(angle(got.orientation_deg, gabor.orientation_deg, 180.0) < 1e3 * EXACT);
            assert!(angle(got.folded_phase_deg(), gabor.folded_phase_deg(), 180.0) < 1e3 * EXACT);
        }
    }

    #[test]
    fn noise_moves_a_fit_by_no_more_than_it_should() {
        // Noise of a tenth of the amplitude in each pixel. About four standard
        // errors: with the energy e = π σx σy / 2 that of a centre is 0.1 σ √(2 / e),
        // up to 0.13 on an axis, of ln σ 0.1 / √(3 e / 4), 0.04, so of nx up to 0.026.
        const PIXELS: f64 = 0.5;
        const CYCLES: f64 = 0.1;
        const DEGREES: f64 = 8.0;
        for (seed, gabor) in gabors().into_iter().enumerate() {
            let noise = noise(seed as u64);
            let values = gabor.values(KERNEL);
            let noisy: Vec<f64> =
                values.iter().zip(noise).map(|(g, n)| g + 0.1 * gabor.amplitude * n).collect();
            let fit = fit_gabor(&noisy, KERNEL).expect("contrast");
            let got = fit.gabor;
            // A field's energy is at least four times that of its noise.
            assert!(fit.r2 > 0.7, "{gabor:?}\n{fit:?}");
            assert_eq!(undetermined(&got, KERNEL), None);
            assert!((got.x - gabor.x).hypot(got.y - gabor.y) < PIXELS, "{gabor:?}\n{fit:?}");
            let turned = angle(got.orientation_deg, gabor.orientation_deg, 180.0);
            assert!(turned < DEGREES, "{gabor:?}\n{fit:?}");
            for (got, expected) in [
                (got.nx(), gabor.nx()),
                (got.ny(), gabor.ny()),
                (got.cycles_per_pixel, gabor.cycles_per_pixel),
            ] {
                assert!((got - expected).abs() < CYCLES, "{gabor:?}\n{fit:?}");
            }
        }
    }

    #[test]
    fn nothing_fits_noise() {
        let r2: Vec<f64> =
            (100..132).map(|seed| fit_gabor(&noise(seed), KERNEL).expect("contrast").r2).collect();
        let most = r2.iter().copied().fold(0.0, f64::max);
        let mean = r2.iter().sum::<f64>() / r2.len() as f64;
        assert!(most < 0.4 && mean > 0.1 && mean < 0.25, "{mean} {most}");
    }

    #[test]
    fn what_has_no_contrast_has_no_fit() {
        assert_eq!(fit_gabor(&[0.0; 121], KERNEL), None);
        assert_eq!(fit_gabor(&[0.3; 121], KERNEL), None);
        assert_eq!(fit_gabor(&[f64::NAN; 121], KERNEL), None);
    }
}
