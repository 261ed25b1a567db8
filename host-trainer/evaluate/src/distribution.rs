//! How alike two distributions of a property are, in bins.

use rand::Rng;
use serde::Serialize;

use super::statistics::{mean, standard_deviation};
use lcl_artefacts::random::{Purpose, stream};

/// Draws of the bootstrap, as in \[Marques\].
pub const DRAWS: usize = 1000;

/// A histogram that was published, or of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    edges: Vec<f64>,
    counts: Vec<u32>,
}

/// Edges and counts are no histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{edges} rising edges with {counts} counts are no histogram; it has an edge more than counts, which are not all 0"
)]
pub struct NoHistogram {
    edges: usize,
    counts: usize,
}

impl Histogram {
    /// Creates a histogram from the rising edges of its bins and what is in
    /// them.
    ///
    /// # Errors
    ///
    /// When the edges do not rise, there is not one more of them than counts, or
    /// nothing was counted.
    pub fn new(edges: Vec<f64>, counts: Vec<u32>) -> Result<Self, NoHistogram> {
        let rise = edges.windows(2).all(|pair| pair[0] < pair[1]);
        if rise && edges.len() == counts.len() + 1 && counts.iter().any(|&count| count > 0) {
            Ok(Self { edges, counts })
        } else {
            Err(NoHistogram { edges: edges.len(), counts: counts.len() })
        }
    }

    /// Returns the edges of the bins, one more than there are bins.
    #[must_use]
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// Returns what is in each bin.
    #[must_use]
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// Returns how many values were counted.
    #[must_use]
    pub fn total(&self) -> usize {
        self.counts.iter().map(|&count| count as usize).sum()
    }

    /// Returns the bin of a value; what lies outside counts as at the nearest
    /// edge, and the last bin holds its upper edge, as in \[Marques\].
    #[must_use]
    pub fn bin(&self, value: f64) -> usize {
        let above = self.edges.partition_point(|&edge| edge <= value);
        above.clamp(1, self.counts.len()) - 1
    }

    /// Returns the median, as if the values of a bin were spread evenly between
    /// its edges, on a logarithmic axis where `logarithmic`.
    ///
    /// It knows no more than the bins do: it is at most a bin away from the
    /// median of the values.
    #[must_use]
    pub fn median(&self, logarithmic: bool) -> f64 {
        let half = self.total() as f64 / 2.0;
        let mut below = 0.0;
        let bins = self.counts.iter().zip(self.edges.windows(2));
        for (&count, edges) in bins.filter(|(count, _)| **count > 0) {
            let count = f64::from(count);
            if below + count >= half {
                let at = (half - below) / count;
                return if logarithmic {
                    edges[0] * (edges[1] / edges[0]).powf(at)
                } else {
                    edges[0] + (edges[1] - edges[0]) * at
                };
            }
            below += count;
        }
        f64::NAN
    }

    /// Returns how alike the values of a model are to this histogram of `n`
    /// recorded neurons: mean and standard deviation of [`similarity`] over
    /// [`DRAWS`] draws of `n` values with replacement; and the ceiling, the same
    /// of the histogram's own values. Nothing where there is no finite value.
    ///
    /// Drawing only `n` values makes even equal distributions differ, so the
    /// mean is below 1 also where model and neurons agree: it is biased towards
    /// 0, most for few neurons. The ceiling has the same bias.
    #[must_use]
    pub fn compare(&self, values: &[f64], seed: u64, key: u64) -> Option<Comparison> {
        let finite = values.iter().filter(|value| value.is_finite());
        let model: Vec<usize> = finite.map(|&value| self.bin(value)).collect();
        if model.is_empty() {
            return None;
        }
        let data: Vec<usize> = (self.counts.iter().enumerate())
            .flat_map(|(bin, &count)| std::iter::repeat_n(bin, count as usize))
            .collect();
        let [similarity, ceiling] = [(&model, 0), (&data, 1)].map(|(bins, part)| {
            let mut rng = stream(seed, Purpose::Bootstrap, [key, part]);
            let mut draw = || {
                let mut counts = vec![0; self.counts.len()];
                for _ in 0..data.len() {
                    counts[bins[rng.random_range(0..bins.len())]] += 1;
                }
                similarity(&counts, &self.counts)
            };
            (0..DRAWS).map(|_| draw()).collect::<Vec<f64>>()
        });
        let outside = values.iter().filter(|&&value| {
            value.is_finite() && !(self.edges[0]..=self.edges[self.counts.len()]).contains(&value)
        });
        Some(Comparison {
            similarity: mean(&similarity)?,
            similarity_sd: deviation(&similarity)?,
            ceiling: mean(&ceiling)?,
            ceiling_sd: deviation(&ceiling)?,
            neurons: data.len(),
            units: model.len(),
            units_outside_bins: outside.count(),
        })
    }
}

/// How alike a model's distribution is to a recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Mean similarity over the draws, 1 for equal.
    pub similarity: f64,
    /// Standard deviation over the draws.
    pub similarity_sd: f64,
    /// Mean similarity of the recorded distribution to itself.
    pub ceiling: f64,
    /// Its standard deviation.
    pub ceiling_sd: f64,
    /// Recorded neurons.
    pub neurons: usize,
    /// Units of the model.
    pub units: usize,
    /// Those that lie outside of the published bins and count in the nearest.
    pub units_outside_bins: usize,
}

/// Returns how alike the histogram `p` is to the histogram `q` of recorded
/// neurons, in the same bins: with the cumulative shares `P` and `Q`,
/// `1 - max|P - Q| / max(max|1 - Q|, max|e_last - Q|)`, where `1` is the
/// cumulative share of all mass in the first bin and `e_last` of all in the last
/// (\[Marques\]). 1 for equal shares, 0 for the distribution that is farthest.
///
/// # Panics
///
/// When the histograms have different lengths.
#[must_use]
pub fn similarity(p: &[u32], q: &[u32]) -> f64 {
    assert_eq!(p.len(), q.len());
    let last = q.len() - 1;
    let (p, q) = (cumulative(p), cumulative(q));
    let far = |of: &dyn Fn(usize) -> f64| {
        q.iter().enumerate().map(|(bin, q)| (of(bin) - q).abs()).fold(0.0, f64::max)
    };
    let distance = far(&|bin| p[bin]);
    let farthest = far(&|_| 1.0).max(far(&|bin| f64::from(u8::from(bin == last))));
    // A single bin holds everything on both sides.
    if farthest > 0.0 { 1.0 - distance / farthest } else { 1.0 }
}

/// Returns the standard deviation, 0 where rounding is all there is.
fn deviation(draws: &[f64]) -> Option<f64> {
    let deviation = standard_deviation(draws, 0)?;
    Some(if deviation > 1e-12 { deviation } else { 0.0 })
}

fn cumulative(counts: &[u32]) -> Vec<f64> {
    let total: f64 = counts.iter().copied().map(f64::from).sum();
    let mut below = 0.0;
    let mut add = |&count: &u32| {
        below += f64::from(count);
        below / total
    };
    counts.iter().map(&mut add).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of a few operations on numbers around 1.
    const ROUNDING: f64 = 1e-12;

    /// The mean of 1,000 draws whose standard deviation is about 0.05.
    const DRAWN: f64 = 0.01;

    fn histogram() -> Histogram {
        Histogram::new(vec![0.0, 1.0, 2.0, 4.0], vec![2, 6, 2]).expect("a histogram")
    }

    #[test]
    fn similarity_by_hand() {
        let q = [2, 6, 2];
        // Q is 0.2, 0.8, 1; the farthest is all mass at an end, 0.8 away.
        for (p, expected) in [
            ([1, 3, 1], 1.0),
            ([1, 0, 0], 0.0),
            ([0, 0, 7], 0.0),
            ([5, 0, 5], 1.0 - 0.3 / 0.8),
            ([0, 1, 0], 1.0 - 0.2 / 0.8),
        ] {
            let got = similarity(&p, &q);
            assert!((got - expected).abs() < ROUNDING, "{p:?}: {got} {expected}");
        }
    }

    #[test]
    fn values_fall_into_the_bins_that_numpy_gives_them() {
        let histogram = histogram();
        let bins = [-3.0, 0.0, 0.5, 1.0, 2.0, 3.9, 4.0, 9.0].map(|value| histogram.bin(value));
        assert_eq!(bins, [0, 0, 0, 1, 2, 2, 2, 2]);
        assert!((histogram.median(false) - 1.5).abs() < ROUNDING);
        let spread = Histogram::new(vec![1.0, 4.0, 16.0], vec![1, 1]).expect("a histogram");
        assert!((spread.median(true) - 4.0).abs() < ROUNDING);
    }

    #[test]
    fn a_model_that_agrees_reaches_the_ceiling_and_others_do_not() {
        let histogram = Histogram::new(vec![0.0, 1.0, 2.0, 4.0], vec![20, 60, 20]).expect("valid");
        let same: Vec<f64> = (0..1000).map(|at| [0.5, 1.5, 1.5, 1.5, 3.0][at % 5]).collect();
        let found = histogram.compare(&same, 0, 0).expect("values");
        assert_eq!((found.neurons, found.units, found.units_outside_bins), (100, 1000, 0));
        assert!((found.similarity - found.ceiling).abs() < DRAWN, "{found:?}");
        assert!(found.ceiling < 0.99 && found.ceiling > 0.9, "{found:?}");
        let other = histogram.compare(&[9.0, f64::NAN], 0, 0).expect("values");
        assert!(other.similarity.abs() < ROUNDING && other.units_outside_bins == 1, "{other:?}");
        assert_eq!(histogram.compare(&[f64::NAN], 0, 0), None);
        assert_eq!(histogram.compare(&same, 0, 0), Some(found));
    }

    #[test]
    fn what_is_no_histogram_is_an_error() {
        assert!(Histogram::new(vec![0.0, 1.0], vec![1, 2]).is_err());
        assert!(Histogram::new(vec![0.0, 0.0], vec![1]).is_err());
        assert!(Histogram::new(vec![0.0, 1.0], vec![0]).is_err());
        assert!(Histogram::new(vec![f64::NAN, 1.0], vec![1]).is_err());
        assert!(Histogram::new(vec![], vec![]).is_err());
    }
}
