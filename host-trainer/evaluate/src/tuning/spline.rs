//! Cubic splines through points.

use nalgebra::{DMatrix, DVector};

/// A cubic spline through points, whose third derivative is continuous at the
/// second and the last but one of them ("not a knot"): what scipy's
/// `UnivariateSpline` with `s=0` and `CubicSpline` compute.
#[derive(Clone, Debug, PartialEq)]
pub struct Spline {
    x: Vec<f64>,
    y: Vec<f64>,
    /// Second derivatives at the points.
    curvature: Vec<f64>,
}

impl Spline {
    /// Creates the spline, or nothing where there are fewer than four points,
    /// their places do not rise, or a value is not finite.
    #[must_use]
    pub fn new(x: &[f64], y: &[f64]) -> Option<Self> {
        let points = x.len();
        let finite = x.iter().chain(y).all(|value| value.is_finite());
        let rise = x.windows(2).all(|pair| pair[0] < pair[1]);
        if points < 4 || y.len() != points || !finite || !rise {
            return None;
        }
        let steps: Vec<f64> = x.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let slope = |at: usize| (y[at + 1] - y[at]) / steps[at];
        let mut matrix = DMatrix::zeros(points, points);
        let mut right = DVector::zeros(points);
        for at in 1..points - 1 {
            matrix[(at, at - 1)] = steps[at - 1];
            matrix[(at, at)] = 2.0 * (steps[at - 1] + steps[at]);
            matrix[(at, at + 1)] = steps[at];
            right[at] = 6.0 * (slope(at) - slope(at - 1));
        }
        for (row, first) in [(0, 0), (points - 1, points - 3)] {
            matrix[(row, first)] = steps[first + 1];
            matrix[(row, first + 1)] = -(steps[first] + steps[first + 1]);
            matrix[(row, first + 2)] = steps[first];
        }
        let curvature = matrix.lu().solve(&right)?;
        Some(Self { x: x.to_vec(), y: y.to_vec(), curvature: curvature.as_slice().to_vec() })
    }

    /// Returns its value at a place; outside of the points the first or the last
    /// cubic goes on.
    #[must_use]
    pub fn at(&self, x: f64) -> f64 {
        let above = self.x.partition_point(|&place| place <= x).clamp(1, self.x.len() - 1);
        let below = above - 1;
        let step = self.x[above] - self.x[below];
        let (left, right) = ((self.x[above] - x) / step, (x - self.x[below]) / step);
        let bend = |weight: f64| weight * (weight * weight - 1.0);
        left * self.y[below]
            + right * self.y[above]
            + (bend(left) * self.curvature[below] + bend(right) * self.curvature[above])
                * step
                * step
                / 6.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Digits that `reference.py` printed.
    const PRINTED: f64 = 1e-8;

    /// Rounding of the solution of a few equations.
    const ROUNDING: f64 = 1e-11;

    #[test]
    fn agrees_with_scipy() {
        let x = [0.0, 1.0, 2.5, 3.0, 4.5, 6.0];
        let y = [1.0, -0.5, 2.0, 0.25, 3.0, 1.5];
        let spline = Spline::new(&x, &y).expect("points");
        for (place, expected) in [
            (0.0, 1.0),
            (0.4, -0.729_37),
            (1.7, 1.516_365_56),
            (2.9, 0.564_190_56),
            (3.1, 0.027_912_56),
            (5.5, 4.127_527_01),
            (6.0, 1.5),
        ] {
            let got = spline.at(place);
            assert!((got - expected).abs() < PRINTED, "{place}: {got} {expected}");
        }
    }

    #[test]
    fn a_cubic_is_its_own_spline() {
        let cubic = |x: f64| 0.5 * x * x * x - 2.0 * x * x + x - 3.0;
        let x = [-1.0, 0.0, 0.3, 2.0, 3.5];
        let spline = Spline::new(&x, &x.map(cubic)).expect("points");
        for place in [-1.5, -0.4, 0.1, 1.1, 3.0, 4.0] {
            assert!((spline.at(place) - cubic(place)).abs() < ROUNDING, "{place}");
        }
    }

    #[test]
    fn what_is_no_curve_has_no_spline() {
        assert_eq!(Spline::new(&[0.0, 1.0, 2.0], &[0.0; 3]), None);
        assert_eq!(Spline::new(&[0.0, 1.0, 1.0, 2.0], &[0.0; 4]), None);
        assert_eq!(Spline::new(&[0.0, 1.0, 2.0, 3.0], &[0.0, f64::NAN, 0.0, 0.0]), None);
    }
}
