//! Mean and covariance of what a convolution sees.

use lcl_infer::{
    ConvGeometry,
    shape::{Border, reflect},
};
use rayon::prelude::*;

/// Windows sampled along each side of a map.
const SAMPLES_PER_SIDE: usize = 6;

/// Windows whose products are added in one go, while they are in cache.
const BLOCK: usize = 32;

/// Sums over windows `[kernel, kernel, in_c]` of a convolution's input, which
/// are sampled on a regular grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    conv: ConvGeometry,
    samples: usize,
    sum: Vec<f64>,
    /// Products of each value with itself and those after it; `[n, n]`, of
    /// which the upper triangle is used.
    products: Vec<f64>,
}

impl Moments {
    /// Creates sums over nothing.
    #[must_use]
    pub fn new(conv: ConvGeometry) -> Self {
        let n = conv.taps();
        Self { conv, samples: 0, sum: vec![0.0; n], products: vec![0.0; n * n] }
    }

    /// Adds windows of one map, `[h, w, in_c]`, with the convolution's borders.
    ///
    /// # Panics
    ///
    /// When there are not as many values as the shape says.
    pub fn add(&mut self, h: usize, w: usize, values: &[f32]) {
        let (in_c, stride, padding) = (self.conv.in_c(), self.conv.stride(), self.conv.padding());
        assert_eq!(values.len(), h * w * in_c);
        let n = self.sum.len();
        let inside = |padded: usize, side: usize| match self.conv.border() {
            Border::Reflect => Some(reflect(padded, padding, side)),
            Border::Zero => padded.checked_sub(padding).filter(|&at| at < side),
        };
        let mut windows = Vec::new();
        for y in grid(self.conv.out_side(h)) {
            for x in grid(self.conv.out_side(w)) {
                for ky in 0..self.conv.kernel() {
                    for kx in 0..self.conv.kernel() {
                        let row = inside(y * stride + ky, h);
                        let column = inside(x * stride + kx, w);
                        let pixel = row
                            .zip(column)
                            .map(|(row, column)| &values[(row * w + column) * in_c..][..in_c]);
                        match pixel {
                            Some(pixel) => windows.extend(pixel.iter().map(|&v| f64::from(v))),
                            None => windows.extend(std::iter::repeat_n(0.0, in_c)),
                        }
                    }
                }
            }
        }
        for window in windows.chunks_exact(n) {
            self.samples += 1;
            add_scaled(&mut self.sum, 1.0, window);
        }
        for block in windows.chunks(BLOCK * n) {
            self.products.par_chunks_exact_mut(n).enumerate().for_each(|(row, products)| {
                for window in block.chunks_exact(n) {
                    add_scaled(&mut products[row..], window[row], &window[row..]);
                }
            });
        }
    }

    /// Returns the moments of the first input channels alone, those of `conv`, whose
    /// windows are as large.
    #[must_use]
    pub(super) fn of_first(&self, conv: ConvGeometry) -> Self {
        let (all, first, n) = (self.conv.in_c(), conv.in_c(), self.sum.len());
        let taps: Vec<usize> = (0..n).filter(|tap| tap % all < first).collect();
        let sum = taps.iter().map(|&tap| self.sum[tap]).collect();
        let row = |&row: &usize| taps.iter().map(move |&tap| self.products[row * n + tap]);
        Self { conv, samples: self.samples, sum, products: taps.iter().flat_map(row).collect() }
    }

    /// Returns the mean of each value of a window.
    #[must_use]
    pub fn mean(&self) -> Vec<f64> {
        self.sum.iter().map(|sum| sum / self.count()).collect()
    }

    /// Returns the covariance of the values of a window, `[n, n]`, of which the
    /// lower triangle is filled.
    #[must_use]
    pub fn covariance(&self) -> Vec<f64> {
        let (n, mean) = (self.sum.len(), self.mean());
        let mut covariance = vec![0.0; n * n];
        for row in 0..n {
            for column in 0..=row {
                let product = self.products[column * n + row] / self.count();
                covariance[row * n + column] = product - mean[row] * mean[column];
            }
        }
        covariance
    }

    /// Returns the moments of the input in other units: channel `c` divided by
    /// `units[c]`.
    #[must_use]
    pub fn in_units(mut self, units: &[f32]) -> Self {
        let n = self.sum.len();
        let unit = |at: usize| f64::from(units[at % units.len()]);
        for (at, sum) in self.sum.iter_mut().enumerate() {
            *sum /= unit(at);
        }
        for (at, product) in self.products.iter_mut().enumerate() {
            *product /= unit(at / n) * unit(at % n);
        }
        self
    }

    fn count(&self) -> f64 {
        self.samples.max(1) as f64
    }
}

/// Returns up to [`SAMPLES_PER_SIDE`] positions, spread over `0..side`.
fn grid(side: usize) -> impl Iterator<Item = usize> {
    let samples = side.min(SAMPLES_PER_SIDE);
    (0..samples).map(move |sample| (2 * sample + 1) * side / (2 * samples))
}

fn add_scaled(sums: &mut [f64], scale: f64, values: &[f64]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += scale * value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_by_hand() {
        let conv = ConvGeometry::new(2, 1, 1, 1, 0).expect("valid");
        let mut moments = Moments::new(conv);
        moments.add(1, 2, &[1.0, 5.0, 3.0, 1.0]);
        moments.add(1, 1, &[2.0, 3.0]);
        assert_eq!(moments.mean(), [2.0, 3.0]);
        let covariance = moments.covariance();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(near(covariance[0], 2.0 / 3.0) && near(covariance[3], 8.0 / 3.0), "{covariance:?}");
        assert!(near(covariance[2], -4.0 / 3.0), "{covariance:?}");
        let halved = moments.in_units(&[2.0, 1.0]);
        assert_eq!(halved.mean(), [1.0, 3.0]);
        assert!(near(halved.covariance()[2], -2.0 / 3.0));
    }

    #[test]
    fn windows_are_reflected() {
        let conv = ConvGeometry::new(1, 1, 3, 1, 1).expect("valid");
        let mut moments = Moments::new(conv);
        moments.add(1, 1, &[7.0]);
        assert_eq!(moments.samples, 0, "one pixel cannot be reflected");
        moments.add(2, 2, &[1.0, 2.0, 3.0, 4.0]);
        // Each pixel is at each place of a window equally often.
        assert_eq!((moments.samples, moments.mean()), (4, vec![2.5; 9]));
    }
}
