//! Two-dimensional Fourier transforms.

use std::{fmt, sync::Arc};

use rustfft::{Fft, FftDirection, FftPlanner, num_complex::Complex64};

/// The discrete Fourier transform of `[height, width]` values, or the inverse
/// one, neither of them scaled.
pub(super) struct Fourier {
    width: usize,
    height: usize,
    rows: Arc<dyn Fft<f64>>,
    columns: Arc<dyn Fft<f64>>,
}

impl Fourier {
    /// Plans the transform.
    pub(super) fn new([width, height]: [usize; 2], direction: FftDirection) -> Self {
        let mut planner = FftPlanner::new();
        let [rows, columns] = [width, height].map(|side| planner.plan_fft(side, direction));
        Self { width, height, rows, columns }
    }

    /// Replaces values by their transform.
    pub(super) fn transform(&self, values: &mut [Complex64]) {
        self.rows.process(values);
        let mut turned = transposed(values, self.width, self.height);
        self.columns.process(&mut turned);
        values.copy_from_slice(&transposed(&turned, self.height, self.width));
    }
}

impl fmt::Debug for Fourier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fourier({}x{})", self.width, self.height)
    }
}

fn transposed(values: &[Complex64], width: usize, height: usize) -> Vec<Complex64> {
    (0..width).flat_map(|x| (0..height).map(move |y| values[y * width + x])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of a transform of a few dozen numbers around 1.
    const ROUNDING: f64 = 1e-12;

    #[test]
    fn a_wave_is_two_points() {
        let (width, height) = (6, 5);
        let place = |index: usize| ((index % width) as f64, (index / width) as f64);
        let wave = |index: usize| {
            let (x, y) = place(index);
            let turn = 2.0 * x / width as f64 + y / height as f64;
            Complex64::new((std::f64::consts::TAU * turn).cos(), 0.0)
        };
        let original: Vec<Complex64> = (0..width * height).map(wave).collect();
        let mut values = original.clone();
        Fourier::new([width, height], FftDirection::Forward).transform(&mut values);
        for (index, value) in values.iter().enumerate() {
            let half = (width * height) as f64 / 2.0;
            let expected = if index == width + 2 || index == 4 * width + 4 { half } else { 0.0 };
            assert!((value - expected).norm() < ROUNDING, "{index}: {value}");
        }
        Fourier::new([width, height], FftDirection::Inverse).transform(&mut values);
        for (value, original) in values.iter().zip(&original) {
            assert!((value / (width * height) as f64 - original).norm() < ROUNDING);
        }
    }
}
