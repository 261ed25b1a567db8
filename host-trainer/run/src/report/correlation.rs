//! The cross-correlation of the two views' embeddings.

use rayon::prelude::*;

use lcl_pages::picture::{Picture, diverging};

/// Added to the variance when embeddings are centred, as in the loss.
const EPS: f64 = 1e-5;

/// Most images that are looked at; the cost grows with their square.
const IMAGES: usize = 512;

/// Most units of which every pair is kept.
const SHOWN_UNITS: usize = 96;

/// Pixels of the picture for each pair of units.
const MAGNIFICATION: usize = 4;

/// How the embeddings of views A and B of one stage correlate over images.
///
/// `C_ij = 1/N · Σ_b â[b,i] · b̂[b,j]`, where `â` and `b̂` are `z_a` and `z_b`
/// with their mean over the `N` images subtracted, divided by
/// `√(variance + 1e-5)` (\[LCL\] equation 1, centred).
#[derive(Clone, Debug, PartialEq)]
pub struct CrossCorrelation {
    images: usize,
    diagonal: Vec<f32>,
    off_diagonal_rms: f64,
    shown_units: usize,
    /// `C` of some evenly spaced units, `[shown_units, shown_units]`.
    shown: Vec<f32>,
}

impl CrossCorrelation {
    /// Computes it from `z_a` and `z_b`, `[images, D]` each, of which the first
    /// 512 images count.
    ///
    /// The sum of all `C_ij²` comes from the two Gram matrices of the images,
    /// `Σ C_ij² = ⟨Â Âᵀ, B̂ B̂ᵀ⟩ / N²`, and not from `C` itself.
    ///
    /// # Panics
    ///
    /// When the lengths differ or are no multiple of `images`.
    #[must_use]
    pub fn of(z_a: &[f32], z_b: &[f32], images: usize) -> Self {
        assert_eq!(z_a.len(), z_b.len());
        assert!(images > 0 && z_a.len() % images == 0);
        let units = z_a.len() / images;
        let images = images.min(IMAGES);
        let [a, b] = [z_a, z_b].map(|z| centred(&z[..images * units], units));
        let product = |i: usize, j: usize| -> f32 {
            let columns = (0..images).map(|image| a[image * units + i] * b[image * units + j]);
            columns.sum::<f32>() / images as f32
        };
        let diagonal: Vec<f32> = (0..units).into_par_iter().map(|i| product(i, i)).collect();
        let shown_units = units.min(SHOWN_UNITS);
        let unit = |at: usize| at * units / shown_units;
        let shown = (0..shown_units * shown_units)
            .into_par_iter()
            .map(|at| product(unit(at / shown_units), unit(at % shown_units)))
            .collect();
        let on: f64 = diagonal.iter().map(|c| f64::from(*c).powi(2)).sum();
        let pairs = units * units.saturating_sub(1);
        let off = (sum_of_squares(&a, &b, units) - on).max(0.0) / pairs.max(1) as f64;
        Self { images, diagonal, off_diagonal_rms: off.sqrt(), shown_units, shown }
    }

    /// Returns the mean of `C_ii`.
    #[must_use]
    pub fn on_diagonal(&self) -> f64 {
        let sum: f64 = self.diagonal.iter().copied().map(f64::from).sum();
        sum / self.diagonal.len().max(1) as f64
    }

    /// Returns the root of the mean of `C_ij²` over all `i ≠ j`.
    #[must_use]
    pub fn off_diagonal(&self) -> f64 {
        self.off_diagonal_rms
    }

    /// Returns what [`off_diagonal`](Self::off_diagonal) is for units that
    /// have nothing to do with each other: `1/√(N - 1)`, as each image less is
    /// chance more.
    #[must_use]
    pub fn chance(&self) -> f64 {
        1.0 / (self.images.saturating_sub(1).max(1) as f64).sqrt()
    }

    /// Returns the number of images.
    pub(super) fn images(&self) -> usize {
        self.images
    }

    /// Returns the number of units.
    pub(super) fn units(&self) -> usize {
        self.diagonal.len()
    }

    /// Returns the number of units in [`picture`](Self::picture).
    pub(super) fn shown_units(&self) -> usize {
        self.shown_units
    }

    /// Returns every `C_ii`.
    pub(super) fn diagonal(&self) -> impl Iterator<Item = f32> {
        self.diagonal.iter().copied()
    }

    /// Returns `C_ij`, `i ≠ j`, of the units in [`picture`](Self::picture).
    pub(super) fn off_diagonal_sample(&self) -> impl Iterator<Item = f32> {
        let units = self.shown_units;
        let pairs = self.shown.iter().enumerate();
        pairs.filter(move |(at, _)| at / units != at % units).map(|(_, c)| *c)
    }

    /// Returns `C` of some units as a picture, blue below 0 and red above.
    pub(super) fn picture(&self) -> Picture {
        let side = self.shown_units;
        let mut picture = Picture::new(side * MAGNIFICATION, side * MAGNIFICATION);
        for (at, &c) in self.shown.iter().enumerate() {
            let corner = (at % side * MAGNIFICATION, at / side * MAGNIFICATION);
            picture.fill(corner, MAGNIFICATION, diverging(c));
        }
        picture
    }
}

/// Subtracts the mean over the images and divides by the deviation.
#[expect(clippy::cast_possible_truncation, reason = "a 32-bit value comes back as one")]
fn centred(z: &[f32], units: usize) -> Vec<f32> {
    let images = (z.len() / units.max(1)) as f64;
    let mut moments = vec![(0.0, 0.0); units];
    let rows = || z.chunks_exact(units.max(1));
    for row in rows() {
        for ((mean, _), &value) in moments.iter_mut().zip(row) {
            *mean += f64::from(value) / images;
        }
    }
    for row in rows() {
        for ((mean, variance), &value) in moments.iter_mut().zip(row) {
            *variance += (f64::from(value) - *mean).powi(2) / images;
        }
    }
    let scaled = |(&value, (mean, variance)): (&f32, &(f64, f64))| {
        ((f64::from(value) - mean) / (variance + EPS).sqrt()) as f32
    };
    rows().flat_map(|row| row.iter().zip(&moments).map(scaled)).collect()
}

/// Returns `Σ C_ij²` over all pairs, from two matrices `[images, units]`.
fn sum_of_squares(a: &[f32], b: &[f32], units: usize) -> f64 {
    let images = a.len() / units.max(1);
    let row =
        |z: &'_ [f32], image: usize| -> Vec<f32> { z[image * units..(image + 1) * units].to_vec() };
    let sum: f64 = (0..images)
        .into_par_iter()
        .map(|i| {
            let (a_i, b_i) = (row(a, i), row(b, i));
            let product = |j: usize| dot(&a_i, &a[j * units..]) * dot(&b_i, &b[j * units..]);
            // Both Gram matrices are symmetric.
            (0..i).map(|j| 2.0 * product(j)).sum::<f64>() + product(i)
        })
        .sum();
    sum / (images as f64).powi(2)
}

/// Several sums side by side, which the compiler turns into vectors.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0_f32; 16];
    let b = &b[..a.len()];
    let (left, right) = (a.chunks_exact(16), b.chunks_exact(16));
    let rest: f32 = left.remainder().iter().zip(right.remainder()).map(|(x, y)| x * y).sum();
    for (left, right) in left.zip(right) {
        for ((sum, x), y) in sums.iter_mut().zip(left).zip(right) {
            *sum += x * y;
        }
    }
    f64::from(rest) + sums.into_iter().map(f64::from).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGES: usize = 7;
    const UNITS: usize = 37;

    /// Rounding of 32-bit sums of a few terms around 1.
    const TOLERANCE: f64 = 1e-5;

    fn embeddings(phase: f64) -> Vec<f32> {
        let value = |at: usize| (at as f64 * 0.7 + phase).sin() + 0.3 * (at % UNITS) as f64;
        #[expect(clippy::cast_possible_truncation, reason = "embeddings are 32-bit")]
        (0..IMAGES * UNITS).map(|at| value(at) as f32).collect()
    }

    /// The equation, read aloud.
    fn literal(z_a: &[f32], z_b: &[f32]) -> Vec<Vec<f64>> {
        let column = |z: &[f32], unit: usize| -> Vec<f64> {
            let values = (0..IMAGES).map(|image| f64::from(z[image * UNITS + unit]));
            let values: Vec<f64> = values.collect();
            let mean = values.iter().sum::<f64>() / IMAGES as f64;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / IMAGES as f64;
            values.iter().map(|v| (v - mean) / (variance + EPS).sqrt()).collect()
        };
        let c = |i, j| {
            let (a, b) = (column(z_a, i), column(z_b, j));
            a.iter().zip(&b).map(|(x, y)| x * y).sum::<f64>() / IMAGES as f64
        };
        (0..UNITS).map(|i| (0..UNITS).map(|j| c(i, j)).collect()).collect()
    }

    #[test]
    fn is_the_equation() {
        let (z_a, z_b) = (embeddings(0.0), embeddings(0.4));
        let expected = literal(&z_a, &z_b);
        let got = CrossCorrelation::of(&z_a, &z_b, IMAGES);
        assert_eq!((got.images(), got.units(), got.shown_units()), (IMAGES, UNITS, UNITS));
        let (mut on, mut off) = (0.0, 0.0);
        for (i, row) in expected.iter().enumerate() {
            for (j, c) in row.iter().enumerate() {
                let shown = f64::from(got.shown[i * UNITS + j]);
                assert!((shown - c).abs() < TOLERANCE, "{i} {j}: {shown} {c}");
                *(if i == j { &mut on } else { &mut off }) += if i == j { *c } else { c * c };
            }
        }
        let off = (off / (UNITS * (UNITS - 1)) as f64).sqrt();
        assert!((got.on_diagonal() - on / UNITS as f64).abs() < TOLERANCE);
        assert!((got.off_diagonal() - off).abs() < TOLERANCE, "{} {off}", got.off_diagonal());
        assert_eq!(got.off_diagonal_sample().count(), UNITS * (UNITS - 1));
    }

    #[test]
    fn unrelated_units_correlate_by_chance() {
        use rand::Rng;

        use lcl_artefacts::random::{Purpose, stream};

        let mut rng = stream(0, Purpose::Weights, [0, 0]);
        let mut noise = || -> Vec<f32> { (0..64 * 200).map(|_| rng.random::<f32>()).collect() };
        let correlation = CrossCorrelation::of(&noise(), &noise(), 64);
        let ratio = correlation.off_diagonal() / correlation.chance();
        // 40,000 pairs: the mean square is within 2 % of its expectation.
        assert!((ratio - 1.0).abs() < 0.02, "{ratio}");
    }

    #[test]
    fn a_silent_unit_correlates_with_nothing() {
        let z = [0.0, 1.0, 0.0, 2.0, 0.0, 3.0];
        let correlation = CrossCorrelation::of(&z, &z, 3);
        assert_eq!(correlation.diagonal().next(), Some(0.0));
        // The root of what rounding leaves of 1 - 1.
        assert!(correlation.off_diagonal() < TOLERANCE.sqrt());
    }
}
