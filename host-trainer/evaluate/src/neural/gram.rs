//! Features of images, as what a linear regression needs of them.

use ndarray::{Array2, ArrayViewMut2, Axis};
use rayon::prelude::*;

/// Features that are multiplied at a time.
const CHUNK: usize = 1024;

/// Images whose products a thread computes at a time.
const ROWS: usize = 64;

/// Returns the inner products `X Xᵀ`, `[N, N]`, of features `[N, P]` from which
/// each feature's mean over the images is taken.
///
/// A linear regression on the features depends on these products alone, so that
/// its cost does not grow with `P`.
///
/// # Panics
///
/// When `features` are no multiple of `images`.
#[must_use]
pub fn gram_matrix(features: &[f32], images: usize) -> Array2<f64> {
    let mut gram = Array2::zeros((images, images));
    let Some(width) = features.len().checked_div(images) else { return gram };
    assert_eq!(width * images, features.len(), "features of {images} images");
    for from in (0..width).step_by(CHUNK) {
        let to = (from + CHUNK).min(width);
        let mut chunk = Array2::from_shape_fn((images, to - from), |(image, feature)| {
            f64::from(features[image * width + from + feature])
        });
        let mean = chunk.sum_axis(Axis(0)) / images as f64;
        chunk -= &mean;
        let mut parts: Vec<ArrayViewMut2<f64>> = gram.axis_chunks_iter_mut(Axis(0), ROWS).collect();
        parts.par_iter_mut().enumerate().for_each(|(part, products)| {
            let first = part * ROWS;
            let rows = chunk.slice(ndarray::s![first..first + products.nrows(), ..]);
            *products += &rows.dot(&chunk.t());
        });
    }
    gram
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of sums of a few thousand products.
    const ROUNDING: f64 = 1e-9;

    #[test]
    fn products_are_of_centred_features() {
        let (images, width) = (70, 2 * CHUNK + 3);
        let value = |image: usize, feature: usize| {
            u16::try_from((image * 7919 + feature * 31 + image * feature) % 101)
                .map_or(0.0, f64::from)
        };
        #[expect(clippy::cast_possible_truncation, reason = "small whole numbers")]
        let features: Vec<f32> =
            (0..images * width).map(|at| value(at / width, at % width) as f32).collect();
        let gram = gram_matrix(&features, images);
        for (a, b) in [(0, 0), (3, 69), (69, 64), (63, 64)] {
            let products = (0..width).map(|feature| {
                let mean = (0..images).map(|i| value(i, feature)).sum::<f64>() / images as f64;
                (value(a, feature) - mean) * (value(b, feature) - mean)
            });
            let expected: f64 = products.sum();
            assert!((gram[[a, b]] - expected).abs() < ROUNDING * gram[[0, 0]], "{a} {b}");
        }
        assert_eq!(gram_matrix(&[], 0).dim(), (0, 0));
    }
}
