//! The linear classifier.

use ndarray::{Array1, Array2, Axis};

use super::regression::Regression;

/// Weight of the squared coefficients: `C = 1` of scikit-learn.
pub const ALPHA: f64 = 1.0;

/// Largest part of the gradient, for an image, that counts as an optimum: the
/// tolerance of scikit-learn.
pub const TOLERANCE: f64 = 1e-4;

/// The classifier cannot be fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{count} features are not finite; is this the model that was meant?")]
pub struct ClassifierError {
    /// How many.
    count: usize,
}

/// Multinomial logistic regression with an L2 penalty on features standardised
/// over the images of the fit: the least
/// `-Σ log p(class) + α/2 ‖W‖²`, with the intercepts free.
#[derive(Debug)]
pub struct Classifier {
    mean: Array1<f64>,
    /// One over the standard deviation, 0 of a feature that does not vary.
    scale: Array1<f64>,
    regression: Regression,
}

impl Classifier {
    /// Fits features `[N, P]` of images whose classes, below `count`, are given.
    ///
    /// # Errors
    ///
    /// When features are not finite.
    pub fn fit(
        features: &Array2<f64>,
        classes: &[usize],
        count: usize,
    ) -> Result<Self, ClassifierError> {
        let infinite = features.iter().filter(|value| !value.is_finite()).count();
        if infinite > 0 {
            return Err(ClassifierError { count: infinite });
        }
        let images = features.nrows().max(1) as f64;
        let mean = features.sum_axis(Axis(0)) / images;
        let deviation =
            ((features - &mean).mapv(|value| value * value).sum_axis(Axis(0)) / images).sqrt();
        let scale = deviation.mapv(|value| if value > 0.0 { 1.0 / value } else { 0.0 });
        let standardised = (features - &mean) * &scale;
        let regression = Regression::fit(&standardised, classes, count, ALPHA);
        Ok(Self { mean, scale, regression })
    }

    /// Returns the largest part of the gradient of the loss by the coefficients,
    /// for an image; at most [`TOLERANCE`] at the optimum.
    #[must_use]
    pub fn gradient(&self) -> f64 {
        self.regression.gradient()
    }

    /// Returns the most probable class of each image.
    #[must_use]
    pub fn classes(&self, features: &Array2<f64>) -> Vec<usize> {
        let best = |row: ndarray::ArrayView1<f64>| {
            let places = row.iter().enumerate();
            places.max_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(0, |(class, _)| class)
        };
        self.probabilities(features).rows().into_iter().map(best).collect()
    }

    /// Returns the probability of each class, `[N, classes]`.
    #[must_use]
    pub fn probabilities(&self, features: &Array2<f64>) -> Array2<f64> {
        self.regression.probabilities(&((features - &self.mean) * &self.scale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both optimisers stop at a small gradient; scikit-learn's figures have nine
    /// digits.
    const OPTIMUM: f64 = 1e-6;

    const IMAGES: usize = 40;

    /// The features and classes of `reference.py`.
    fn problem() -> (Array2<f64>, Vec<usize>) {
        let features = Array2::from_shape_fn((IMAGES, 5), |(i, j)| {
            if j == 4 { 3.0 } else { ((i * i * 17 + j * j * 29 + i * j * 5 + i * 3) % 43) as f64 }
        });
        let classes = (0..IMAGES).map(|i| (i * i + i * 11) % 7 % 3).collect();
        (features, classes)
    }

    #[test]
    fn the_optimum_is_that_of_scikit_learn() {
        let (features, classes) = problem();
        let classifier = Classifier::fit(&features, &classes, 3).expect("an optimum");
        assert!(classifier.gradient() <= TOLERANCE, "{}", classifier.gradient());
        let got = classifier.probabilities(&features);
        for (row, expected) in EXPECTED.iter().enumerate() {
            for (class, expected) in expected.iter().enumerate() {
                let got = got[[row, class]];
                assert!((got - expected).abs() < OPTIMUM, "{row} {class}: {got} {expected}");
            }
        }
    }

    /// `reference.py`: scikit-learn 1.9.1, numpy 2.4.6.
    const EXPECTED: [[f64; 3]; 6] = [
        [0.479_621_621, 0.481_131_265, 0.039_247_113],
        [0.242_597_497, 0.302_999_266, 0.454_403_237],
        [0.201_171_029, 0.251_513_949, 0.547_315_022],
        [0.530_587_643, 0.128_142_524, 0.341_269_833],
        [0.751_728_763, 0.208_187_508, 0.040_083_729],
        [0.696_804_535, 0.288_013_556, 0.015_181_910],
    ];
}
