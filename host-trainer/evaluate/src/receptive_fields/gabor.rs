//! Gabor functions.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use serde::Serialize;

/// A Gabor function over the pixels of a filter:
/// `A · exp(-x'² / 2σx² - y'² / 2σy²) · cos(2π f x' + φ)`, where `x'` runs
/// across the bars and `y'` along them from the centre (\[Ringach\] equation 1,
/// whose envelope is written `exp(-(x' / √2 σx)²)`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Gabor {
    /// Column of the centre, in pixels from that of the first pixel.
    pub x: f64,
    /// Row of the centre, downwards, in pixels from that of the first pixel.
    pub y: f64,
    /// Orientation of the bars in degrees, in `[0, 180)`: anticlockwise from
    /// horizontal, 90 is vertical.
    pub orientation_deg: f64,
    /// Spatial frequency in cycles per pixel, not negative.
    pub cycles_per_pixel: f64,
    /// Standard deviation of the envelope across the bars, in pixels.
    pub sigma_x: f64,
    /// Standard deviation of the envelope along the bars, in pixels.
    pub sigma_y: f64,
    /// Phase at the centre in degrees, in `(-180, 180]`: at 0 a bright bar is in
    /// the centre, at ±90 an edge.
    pub phase_deg: f64,
    /// Amplitude of the envelope, not negative, in units of the filter.
    pub amplitude: f64,
}

impl Gabor {
    /// Returns the width of the field in cycles, `nx = σx · f` (\[Ringach\]).
    #[must_use]
    pub fn nx(&self) -> f64 {
        self.sigma_x * self.cycles_per_pixel
    }

    /// Returns the length of the field in cycles, `ny = σy · f` (\[Ringach\]).
    #[must_use]
    pub fn ny(&self) -> f64 {
        self.sigma_y * self.cycles_per_pixel
    }

    /// Returns the phase without its sign and without the field's polarity, in
    /// degrees in `[0, 90]`: 0 is an even-symmetric field, 90 an odd-symmetric
    /// one (\[Ringach\]).
    #[must_use]
    pub fn folded_phase_deg(&self) -> f64 {
        let phase = self.phase_deg.rem_euclid(180.0);
        phase.min(180.0 - phase)
    }

    /// Returns its values on `[kernel, kernel]` pixels, row by row.
    #[must_use]
    pub fn values(&self, kernel: usize) -> Vec<f64> {
        let shape = Shape::of(self);
        pixels(kernel).map(|(x, y)| shape.at(x, y).value).collect()
    }
}

/// Number of [`Shape`]'s parameters.
pub(super) const PARAMETERS: usize = 8;

/// A Gabor function in the parameters in which it is fitted. The last two,
/// `A cos φ` and `-A sin φ`, are linear, so that phase has no end to run into;
/// the logarithms keep the envelope's widths positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shape {
    /// `x`, `y`, direction of `x'` in radians, `ln σx`, `ln σy`, `f`,
    /// `A cos φ`, `-A sin φ`.
    pub(super) parameters: [f64; PARAMETERS],
}

/// A value and what it changes by with each parameter.
pub(super) struct Slope {
    pub(super) value: f64,
    pub(super) gradient: [f64; PARAMETERS],
}

impl Shape {
    fn of(gabor: &Gabor) -> Self {
        let (sin, cos) = gabor.phase_deg.to_radians().sin_cos();
        let direction = (90.0 - gabor.orientation_deg).to_radians();
        let Gabor { x, y, sigma_x, sigma_y, cycles_per_pixel, amplitude, .. } = *gabor;
        let (sigma_x, sigma_y) = (sigma_x.ln(), sigma_y.ln());
        let (even, odd) = (amplitude * cos, -amplitude * sin);
        Self { parameters: [x, y, direction, sigma_x, sigma_y, cycles_per_pixel, even, odd] }
    }

    /// Returns the function's name among its equals: frequency and amplitude not
    /// negative, angles in their ranges.
    pub(super) fn gabor(&self) -> Gabor {
        let [x, y, direction, sigma_x, sigma_y, frequency, even, odd] = self.parameters;
        let half_turns = ((direction - FRAC_PI_2) / PI).ceil();
        let direction = direction - half_turns * PI;
        // Each half turn and a negative frequency let x' run the other way.
        let turned = half_turns.rem_euclid(2.0) > 0.5;
        let reversed = turned != (frequency < 0.0);
        let phase = if reversed { odd.atan2(even) } else { (-odd).atan2(even) };
        let phase_deg = if phase <= -PI { 180.0 } else { phase.to_degrees() };
        Gabor {
            x,
            y,
            orientation_deg: (90.0 - direction.to_degrees()).rem_euclid(180.0),
            cycles_per_pixel: frequency.abs(),
            sigma_x: sigma_x.exp(),
            sigma_y: sigma_y.exp(),
            phase_deg,
            amplitude: even.hypot(odd),
        }
    }

    /// Returns the value at a pixel and its derivatives.
    pub(super) fn at(&self, x: f64, y: f64) -> Slope {
        let [centre_x, centre_y, direction, ln_sigma_x, ln_sigma_y, frequency, even, odd] =
            self.parameters;
        let (sin, cos) = direction.sin_cos();
        let (dx, dy) = (x - centre_x, y - centre_y);
        let (across, along) = (dx * cos + dy * sin, dy * cos - dx * sin);
        let (width, length) = ((-2.0 * ln_sigma_x).exp(), (-2.0 * ln_sigma_y).exp());
        let envelope = (-0.5 * (across * across * width + along * along * length)).exp();
        let (wave_sin, wave_cos) = (TAU * frequency * across).sin_cos();
        let wave = envelope * (even * wave_cos + odd * wave_sin);
        let wave_slope = envelope * (odd * wave_cos - even * wave_sin);
        let by_across = TAU * frequency * wave_slope - across * width * wave;
        let by_along = -along * length * wave;
        Slope {
            value: wave,
            gradient: [
                by_along * sin - by_across * cos,
                -by_across * sin - by_along * cos,
                by_across * along - by_along * across,
                across * across * width * wave,
                along * along * length * wave,
                TAU * across * wave_slope,
                envelope * wave_cos,
                envelope * wave_sin,
            ],
        }
    }
}

/// Iterates over the places of the pixels of a filter, row by row.
pub(super) fn pixels(kernel: usize) -> impl Iterator<Item = (f64, f64)> {
    (0..kernel * kernel).map(move |at| ((at % kernel) as f64, (at / kernel) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GABOR: Gabor = Gabor {
        x: 4.5,
        y: 6.0,
        orientation_deg: 30.0,
        cycles_per_pixel: 0.15,
        sigma_x: 2.0,
        sigma_y: 3.0,
        phase_deg: -70.0,
        amplitude: 1.5,
    };

    /// Along a bar only the long envelope changes.
    const LONG: f64 = 0.02;

    /// Rounding of a few dozen operations on numbers around 1.
    const ROUNDING: f64 = 1e-12;

    #[track_caller]
    fn check_equal(a: &[f64], b: &[f64], tolerance: f64) {
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() < tolerance, "{a} {b}");
        }
    }

    #[test]
    fn gradient_is_the_slope() {
        /// Step of the difference, and its error: the square of the step times a
        /// third derivative of up to some thousands.
        const STEP: f64 = 1e-5;
        const ERROR: f64 = 1e-6;
        let shape = Shape::of(&GABOR);
        for (x, y) in pixels(11) {
            for parameter in 0..PARAMETERS {
                let moved = |by: f64| {
                    let mut moved = shape;
                    moved.parameters[parameter] += by;
                    moved.at(x, y).value
                };
                let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                let got = shape.at(x, y).gradient[parameter];
                assert!((got - slope).abs() < ERROR, "{parameter}: {got} {slope}");
            }
        }
    }

    #[test]
    fn every_name_of_a_function_gives_its_values() {
        for (quarter, frequency, phase) in [0, 1, 2, 3, 4, 5, 6, 7]
            .into_iter()
            .flat_map(|quarter| [(quarter, 0.2, 0.3), (quarter, -0.2, -2.5)])
        {
            let direction = f64::from(quarter) * PI / 4.0 - 3.0;
            let (sin, cos) = f64::sin_cos(phase);
            let shape = Shape { parameters: [5.0, 4.0, direction, 0.7, 0.9, frequency, cos, -sin] };
            let gabor = shape.gabor();
            let expected: Vec<f64> = pixels(11).map(|(x, y)| shape.at(x, y).value).collect();
            check_equal(&gabor.values(11), &expected, ROUNDING);
            assert!((0.0..180.0).contains(&gabor.orientation_deg), "{gabor:?}");
            assert!(gabor.cycles_per_pixel >= 0.0 && gabor.phase_deg.abs() <= 180.0);
        }
    }

    #[test]
    fn vertical_bars_are_ninety_degrees_and_diagonals_rise() {
        let vertical = Gabor { orientation_deg: 90.0, ..GABOR }.values(11);
        let even = Gabor { phase_deg: 0.0, x: 5.0, y: 5.0, sigma_y: 50.0, ..GABOR };
        let [up, diagonal] =
            [90.0, 45.0].map(|orientation_deg| Gabor { orientation_deg, ..even }.values(11));
        assert_eq!(vertical.len(), 121);
        check_equal(&[up[5]], &[even.amplitude], LONG);
        check_equal(&[diagonal[10]], &[even.amplitude], LONG);
        assert!(diagonal[0] < 0.5 * even.amplitude);
    }

    #[test]
    fn phases_fold_to_symmetry() {
        for (phase_deg, expected) in
            [(0.0, 0.0), (180.0, 0.0), (-170.0, 10.0), (90.0, 90.0), (-100.0, 80.0), (45.0, 45.0)]
        {
            let folded = Gabor { phase_deg, ..GABOR }.folded_phase_deg();
            assert!((folded - expected).abs() < ROUNDING, "{phase_deg}: {folded}");
        }
        check_equal(&[GABOR.nx(), GABOR.ny()], &[0.3, 0.45], ROUNDING);
    }
}
