//! What predictions of responses are measured by, neuron by neuron, in `f64`.
//!
//! The oracle scores and the explained variance are those of \[Lurz\], section
//! 4.2, and of \[Sensorium\]. A value is not finite where it is not defined: for a
//! neuron that does not vary, or with fewer than two repeats.

use lcl_numerics::statistics::mean;

/// Added to each standard deviation of a [`correlation`], which is 0 for a neuron
/// or a prediction that does not vary.
const CORRELATION_EPSILON: f64 = 1e-8;

/// Added to the total variance below the explainable one.
const VARIANCE_EPSILON: f64 = 1e-9;

/// Responses to images that were each shown equally often, `[images, repeats,
/// neurons]`.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "the number of repeats")]
pub struct Repeats<'a> {
    values: &'a [f64],
    repeats: usize,
    neurons: usize,
}

/// An array does not hold whole repeats of whole populations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{got} values are no whole number of images with {repeats} repeats of {neurons} neurons; give \
     [images, repeats, neurons]"
)]
pub struct ShapeError {
    got: usize,
    repeats: usize,
    neurons: usize,
}

impl<'a> Repeats<'a> {
    /// Takes values in row-major order.
    ///
    /// # Errors
    ///
    /// When they are not whole images.
    pub fn new(values: &'a [f64], repeats: usize, neurons: usize) -> Result<Self, ShapeError> {
        let image = repeats * neurons;
        if image == 0 || values.len() % image != 0 {
            return Err(ShapeError { got: values.len(), repeats, neurons });
        }
        Ok(Self { values, repeats, neurons })
    }

    /// Returns the number of neurons.
    #[must_use]
    pub const fn neurons(&self) -> usize {
        self.neurons
    }

    /// Returns one neuron's responses, the repeats of an image after the other.
    #[must_use]
    pub fn of(&self, neuron: usize) -> Trials {
        let values = self.values.iter().skip(neuron).step_by(self.neurons).copied().collect();
        Trials { values, repeats: self.repeats }
    }
}

/// One neuron's responses, `[images, repeats]`.
#[derive(Clone, Debug)]
pub struct Trials {
    values: Vec<f64>,
    repeats: usize,
}

/// What one neuron came to.
#[derive(Clone, Copy, Debug)]
pub struct Measures {
    /// See [`Trials::oracle_jackknife`].
    pub oracle_jackknife: f64,
    /// See [`Trials::oracle_conservative`].
    pub oracle_conservative: f64,
    /// See [`Trials::explainable_variance`].
    pub explainable_variance: f64,
    /// Fraction of explainable variance, `(Var_total - Var_noise) / Var_total`.
    pub fev: f64,
    /// See [`Trials::feve`].
    pub feve: f64,
    /// [`correlation`] of predictions with single trials.
    pub correlation: f64,
    /// [`correlation`] of predictions with means over repeats.
    pub correlation_to_mean: f64,
}

/// Measures every neuron.
#[must_use]
pub fn measures(responses: &Repeats<'_>, predictions: &Repeats<'_>) -> Vec<Measures> {
    let one = |neuron| {
        let (trials, predicted) = (responses.of(neuron), predictions.of(neuron));
        let (total, noise) = (trials.total_variance(), trials.noise_variance());
        Measures {
            oracle_jackknife: trials.oracle_jackknife(),
            oracle_conservative: trials.oracle_conservative(),
            explainable_variance: trials.explainable_variance(),
            fev: (total - noise) / total,
            feve: trials.feve(&predicted.values),
            correlation: correlation(&trials.values, &predicted.values),
            correlation_to_mean: correlation(&trials.means(), &predicted.means()),
        }
    };
    (0..responses.neurons().min(predictions.neurons())).map(one).collect()
}

impl Trials {
    /// Takes one neuron's responses, `[images, repeats]`.
    #[must_use]
    pub const fn new(values: Vec<f64>, repeats: usize) -> Self {
        Self { values, repeats }
    }

    fn images(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.repeats.max(1))
    }

    /// Returns the mean over the repeats of each image.
    #[must_use]
    pub fn means(&self) -> Vec<f64> {
        self.images().filter_map(mean).collect()
    }

    /// Returns the correlation of each trial with the mean of the other trials of
    /// its image. Too low an estimate of the best possible one: the mean of few
    /// trials is noisy itself.
    #[must_use]
    pub fn oracle_jackknife(&self) -> f64 {
        if self.repeats < 2 {
            return f64::NAN;
        }
        let others = |image: &[f64]| {
            let sum: f64 = image.iter().sum();
            let count = image.len() as f64 - 1.0;
            image.iter().map(|trial| (sum - trial) / count).collect::<Vec<_>>()
        };
        let oracle: Vec<f64> = self.images().flat_map(others).collect();
        correlation(&self.values, &oracle)
    }

    /// Returns `Var(mean) / √(Var(mean) (Var(mean) + E Var))`, with variances over
    /// N. Too high an estimate: the variance of means has a part of the noise.
    #[must_use]
    pub fn oracle_conservative(&self) -> f64 {
        if self.repeats < 2 {
            return f64::NAN;
        }
        let noise: Vec<f64> = self.images().map(|image| variance(image, 0)).collect();
        let (signal, noise) = (variance(&self.means(), 0), mean(&noise).unwrap_or(f64::NAN));
        signal / (signal * (signal + noise)).sqrt()
    }

    /// Returns `Var_total`, over all trials, N - 1.
    #[must_use]
    pub fn total_variance(&self) -> f64 {
        variance(&self.values, 1)
    }

    /// Returns `Var_noise`: the mean over images of the variance over repeats,
    /// R - 1.
    #[must_use]
    pub fn noise_variance(&self) -> f64 {
        let noise: Vec<f64> = self.images().map(|image| variance(image, 1)).collect();
        mean(&noise).unwrap_or(f64::NAN)
    }

    /// Returns `(Var_total - Var_noise) / (Var_total + 1e-9)`.
    #[must_use]
    pub fn explainable_variance(&self) -> f64 {
        let (total, noise) = (self.total_variance(), self.noise_variance());
        (total - noise) / (total + VARIANCE_EPSILON)
    }

    /// Returns the fraction of explainable variance explained,
    /// `1 - (MSE - Var_noise) / (Var_total - Var_noise)`, the error over all
    /// trials.
    #[must_use]
    pub fn feve(&self, predictions: &[f64]) -> f64 {
        let squares = self.values.iter().zip(predictions).map(|(y, p)| (y - p).powi(2));
        let squares: Vec<f64> = squares.collect();
        let (total, noise) = (self.total_variance(), self.noise_variance());
        1.0 - (mean(&squares).unwrap_or(f64::NAN) - noise) / (total - noise)
    }
}

/// Returns the mean of the products of two lists, each less its mean and divided
/// by its standard deviation (over N) and 1e-8 more: Pearson's correlation, and 0
/// where one does not vary.
#[must_use]
pub fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let normal = |values: &[f64]| {
        let centre = mean(values).unwrap_or_default();
        let deviation = variance(values, 0).sqrt() + CORRELATION_EPSILON;
        values.iter().map(|value| (value - centre) / deviation).collect::<Vec<_>>()
    };
    let products: Vec<f64> = normal(a).iter().zip(normal(b)).map(|(x, y)| x * y).collect();
    mean(&products).unwrap_or(f64::NAN)
}

/// Returns the slope through the origin of the correlations of all neurons on
/// their oracles, `Σ x y / Σ x²`; pairs with a value that is not defined are left
/// out.
#[must_use]
pub fn fraction_oracle(oracles: &[f64], correlations: &[f64]) -> f64 {
    let pairs = || {
        let both = oracles.iter().zip(correlations);
        both.filter(|(x, y)| x.is_finite() && y.is_finite())
    };
    pairs().map(|(x, y)| x * y).sum::<f64>() / pairs().map(|(x, _)| x * x).sum::<f64>()
}

fn variance(values: &[f64], ddof: usize) -> f64 {
    let Some(centre) = mean(values) else { return f64::NAN };
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    squares / (values.len() as f64 - ddof as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(got: f64, expected: f64) {
        assert!((got - expected).abs() < 1e-7, "{got} {expected}");
    }

    /// Two images of two repeats: 1, 3 and 5, 9.
    fn trials() -> Trials {
        Trials::new(vec![1.0, 3.0, 5.0, 9.0], 2)
    }

    #[test]
    fn oracles_by_hand() {
        // Trials 1 3 5 9 against 3 1 9 5: deviations −3.5 −1.5 .5 4.5 and −1.5 −3.5
        // 4.5 .5, products 5.25 + 5.25 + 2.25 + 2.25 = 15 of 12.25 + 2.25 + .25 +
        // 20.25 = 35.
        near(trials().oracle_jackknife(), 15.0 / 35.0);
        // Means 2 and 7: variance 6.25. Variances 1 and 4: 2.5.
        near(trials().oracle_conservative(), 6.25 / (6.25_f64 * 8.75).sqrt());
    }

    #[test]
    fn variances_by_hand() {
        let trials = trials();
        near(trials.total_variance(), 35.0 / 3.0);
        near(trials.noise_variance(), 5.0);
        near(trials.explainable_variance(), (35.0 / 3.0 - 5.0) / (35.0 / 3.0));
        // Predictions 2 2 7 7: errors 1 1 4 4, mean 2.5.
        near(trials.feve(&[2.0, 2.0, 7.0, 7.0]), 1.0 - (2.5 - 5.0) / (35.0 / 3.0 - 5.0));
    }

    #[test]
    fn every_neuron_has_its_own_column() -> Result<(), ShapeError> {
        // [2 images, 2 repeats, 2 neurons]; the second neuron is silent.
        let responses = [1.0, 0.0, 3.0, 0.0, 5.0, 0.0, 9.0, 0.0];
        let predictions = [2.0, 1.0, 2.0, 1.0, 7.0, 1.0, 7.0, 1.0];
        let found = measures(&Repeats::new(&responses, 2, 2)?, &Repeats::new(&predictions, 2, 2)?);
        near(found[0].oracle_jackknife, 15.0 / 35.0);
        near(found[0].fev, 4.0 / 7.0);
        // 35 of √(35 · 25): deviations −2.5 −2.5 2.5 2.5 times −3.5 −1.5 .5 4.5.
        near(found[0].correlation, 25.0 / (35.0_f64 * 25.0).sqrt());
        near(found[0].correlation_to_mean, 1.0);
        near(found[1].correlation, 0.0);
        assert!(!found[1].feve.is_finite() && found[1].oracle_conservative.is_nan());
        assert!(Repeats::new(&responses, 3, 2).is_err() && Repeats::new(&[], 0, 2).is_err());
        Ok(())
    }

    #[test]
    fn one_repeat_has_no_oracle() {
        let trials = Trials::new(vec![1.0, 2.0], 1);
        assert!(trials.oracle_jackknife().is_nan() && trials.oracle_conservative().is_nan());
        assert!(trials.noise_variance().is_nan());
    }

    #[test]
    fn fraction_of_the_oracle_is_a_slope_through_the_origin() {
        near(fraction_oracle(&[0.5, 1.0, f64::NAN], &[0.25, 0.75, 1.0]), 0.875 / 1.25);
    }
}
