//! Gabor fits by least squares, within bounds.

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

/// The least width of an envelope, in pixels: narrower ones fit single pixels.
const LEAST_SIGMA: f64 = 0.5;

/// The most width of an envelope, as a share of the filter's side: wider ones
/// are flat over the filter, and nx and ny grow with no change in the pixels.
const MOST_SIGMA: f64 = 0.5;

/// The least frequency, cycles per pixel: slower waves are flat over the filter.
const LEAST_FREQUENCY: f64 = 0.03;

/// The highest frequency that pixels can tell, cycles per pixel.
const NYQUIST: f64 = 0.5;

/// The largest amplitude, as a multiple of the filter's largest weight: without
/// it, a slope is fitted by the foot of a huge wave.
const MOST_AMPLITUDE: f64 = 3.0;

/// A parameter is at the end of its range from this share of the range on.
const MARGIN: f64 = 0.01;

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
/// The fit is bounded: the centre is within the filter, widths are from half a
/// pixel to half of the filter's side, the frequency from 0.03 to 0.5 cycles per
/// pixel, and the amplitude is at most three times the largest weight. A
/// function at an end of these ranges, see [`undetermined`], would be another
/// one if it could.
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
/// within 1 % of an end of a range. The lowest frequency is no such end: there
/// a Gabor function becomes a Gaussian or its slope, which is a field too.
#[must_use]
pub fn undetermined(gabor: &Gabor, filter: &[f64], kernel: usize) -> Option<Rejection> {
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
    if gabor.cycles_per_pixel > highest {
        return Some(Rejection::Frequency);
    }
    let highest = (1.0 - MARGIN) * MOST_AMPLITUDE * largest(filter);
    (gabor.amplitude > highest).then_some(Rejection::Amplitude)
}

fn largest<'a>(weights: impl IntoIterator<Item = &'a f64>) -> f64 {
    weights.into_iter().fold(0.0, |most, weight| most.max(weight.abs()))
}

/// Least and most, where there are any.
type Range = Option<[f64; 2]>;

/// Returns the range of each of a shape's parameters.
fn ranges(kernel: usize) -> [Range; PARAMETERS] {
    let centre = Some([-0.5, kernel as f64 - 0.5]);
    let widest = (MOST_SIGMA * kernel as f64).max(2.0 * LEAST_SIGMA);
    let ln_sigma = Some([LEAST_SIGMA.ln(), widest.ln()]);
    [centre, centre, None, ln_sigma, ln_sigma, Some([LEAST_FREQUENCY, NYQUIST]), None, None]
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
/// `least + (most - least) · (1 + sin u) / 2` of a free `u`, as in MINUIT. The
/// two linear ones are `v / √(1 + |v|² / most²)` of a free `v`, so that the
/// amplitude stays below `most` and phase has no end.
struct Problem {
    kernel: usize,
    target: DVector<f64>,
    ranges: [Range; PARAMETERS],
    most_amplitude: f64,
    free: SVector<f64, PARAMETERS>,
}

/// Where the two linear parameters stand among the others.
const WAVE: usize = PARAMETERS - 2;

impl Problem {
    fn new(shape: Shape, target: DVector<f64>, kernel: usize) -> Self {
        let ranges = ranges(kernel);
        let most_amplitude = MOST_AMPLITUDE * largest(&target);
        let mut free = SVector::from_fn(|at, _| match ranges[at] {
            // At an end itself the slope would be zero.
            Some([least, most]) => {
                let share = (shape.parameters[at] - least) / (most - least);
                (2.0 * share - 1.0).clamp(-0.99, 0.99).asin()
            }
            None => shape.parameters[at],
        });
        let amplitude = free[WAVE].hypot(free[WAVE + 1]);
        let share = (amplitude / most_amplitude).min(0.99);
        if share > 0.0 {
            let stretched = share * most_amplitude / (1.0 - share * share).sqrt();
            free[WAVE] *= stretched / amplitude;
            free[WAVE + 1] *= stretched / amplitude;
        }
        Self { kernel, target, ranges, most_amplitude, free }
    }

    /// Returns `√(1 + |v|² / most²)`, by which the linear parameters are divided.
    fn squeeze(&self) -> f64 {
        (self.free[WAVE].hypot(self.free[WAVE + 1]) / self.most_amplitude).hypot(1.0)
    }

    fn shape(&self) -> Shape {
        let parameter = |at: usize| match self.ranges[at] {
            Some([least, most]) => least + (most - least) * (1.0 + self.free[at].sin()) / 2.0,
            None if at >= WAVE => self.free[at] / self.squeeze(),
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
        let squeeze = self.squeeze();
        let [even, odd] = [WAVE, WAVE + 1].map(|at| shape.parameters[at]);
        let rows: Vec<f64> = pixels(self.kernel)
            .flat_map(|(x, y)| {
                let gradient = shape.at(x, y).gradient;
                // d (v / s) = (dv - (v / s) ((v / s) · dv) / most²) / s
                let along = gradient[WAVE] * even + gradient[WAVE + 1] * odd;
                let pull = along / (self.most_amplitude * self.most_amplitude);
                std::array::from_fn::<f64, PARAMETERS, _>(|at| match at {
                    WAVE => (gradient[at] - pull * even) / squeeze,
                    at if at > WAVE => (gradient[at] - pull * odd) / squeeze,
                    at => gradient[at] * slopes[at],
                })
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
    use lcl_artefacts::random::{Purpose, stream};

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
            assert_eq!(undetermined(&got, &noisy, KERNEL), None);
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

    /// Returns the fit to a filter and why its pixels cannot tell it, after
    /// checking that it keeps to the bounds.
    fn bounded(filter: &[f64]) -> (Fit, Option<Rejection>) {
        /// Rounding of the bounds through sines and logarithms.
        const ROUNDING: f64 = 1e-9;
        let fit = fit_gabor(filter, KERNEL).expect("contrast");
        let Gabor { x, y, sigma_x, sigma_y, cycles_per_pixel, amplitude, .. } = fit.gabor;
        for (value, least, most) in [
            (x, -0.5, 10.5),
            (y, -0.5, 10.5),
            (sigma_x, 0.5, 5.5),
            (sigma_y, 0.5, 5.5),
            (cycles_per_pixel, 0.03, 0.5),
            (amplitude, 0.0, 3.0 * largest(filter)),
        ] {
            assert!(value >= least - ROUNDING && value <= most * (1.0 + ROUNDING), "{fit:?}");
        }
        (fit, undetermined(&fit.gabor, filter, KERNEL))
    }

    #[test]
    fn fits_keep_to_their_bounds() {
        // A grating without an envelope.
        let grating: Vec<f64> = pixels(KERNEL).map(|(x, _)| (1.2 * x).cos()).collect();
        let (fit, rejected) = bounded(&grating);
        assert!(rejected == Some(Rejection::Envelope) && fit.r2 > 0.5, "{fit:?}");
        // A slope, which a wave of infinite amplitude and length fits best.
        let slope: Vec<f64> = pixels(KERNEL).map(|(x, _)| x - 5.0).collect();
        let (fit, _) = bounded(&slope);
        assert!(fit.gabor.cycles_per_pixel < 0.1 && fit.r2 > 0.5, "{fit:?}");
        // The foot of a field that lies outside.
        let foot: Vec<f64> = pixels(KERNEL)
            .map(|(x, y)| (-0.1 * ((x - 15.0).powi(2) + (y - 5.0).powi(2))).exp())
            .collect();
        let (_, rejected) = bounded(&foot);
        assert!(rejected.is_some());
        for seed in 200..216 {
            bounded(&noise(seed));
        }
    }

    #[test]
    fn a_fit_follows_the_scale_of_its_filter() {
        let filter = gabors()[5].values(KERNEL);
        for scale in [1e-30, 1e30] {
            let scaled: Vec<f64> = filter.iter().map(|weight| weight * scale).collect();
            let (fit, rejected) = bounded(&scaled);
            assert!(fit.r2 > 1.0 - 1e-6 && rejected.is_none(), "{fit:?}");
        }
    }

    #[test]
    fn jacobian_is_the_slope_of_the_residuals() {
        /// Step of the difference, and its error.
        const STEP: f64 = 1e-6;
        const ERROR: f64 = 1e-6;
        let target = DVector::from_vec(gabors()[3].values(KERNEL));
        let target = target.normalize();
        for (_, shape) in [0.2, 0.9].map(|share: f64| {
            let most = MOST_AMPLITUDE * largest(&target);
            let wave = [0.6 * share * most, -0.8 * share * most];
            (share, Shape { parameters: [4.0, 6.0, 0.4, 0.7, 0.9, 0.2, wave[0], wave[1]] })
        }) {
            let mut problem = Problem::new(shape, target.clone(), KERNEL);
            let mut rounded = problem.shape().parameters.into_iter().zip(shape.parameters);
            assert!(rounded.all(|(got, expected)| (got - expected).abs() < 1e-9));
            let jacobian = problem.jacobian().expect("a matrix");
            let free = problem.params();
            for parameter in 0..PARAMETERS {
                let mut at = |by: f64| {
                    let mut moved = free;
                    moved[parameter] += by;
                    problem.set_params(&moved);
                    problem.residuals().expect("values")
                };
                let slope = (at(STEP) - at(-STEP)) / (2.0 * STEP);
                let error = (slope - jacobian.column(parameter)).amax();
                assert!(error < ERROR, "{parameter}: {error}");
            }
        }
    }

    #[test]
    fn what_has_no_contrast_has_no_fit() {
        assert_eq!(fit_gabor(&[0.0; 121], KERNEL), None);
        assert_eq!(fit_gabor(&[0.3; 121], KERNEL), None);
        assert_eq!(fit_gabor(&[f64::NAN; 121], KERNEL), None);
    }
}
