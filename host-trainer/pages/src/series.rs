//! Series that are longer than a drawing is wide.

/// Most points of a line.
const POINTS: usize = 240;

/// Some neighbouring points of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// Mean of their steps.
    pub x: f64,
    /// Mean of their values.
    pub mean: f64,
    /// Least of their values.
    pub least: f64,
    /// Largest of their values.
    pub most: f64,
}

/// Joins neighbouring points until there are few enough to draw, and leaves
/// out what is not finite.
pub fn buckets(points: impl Iterator<Item = (f64, f64)>) -> Vec<Bucket> {
    let points: Vec<(f64, f64)> = points.filter(|(_, value)| value.is_finite()).collect();
    let width = points.len().div_ceil(POINTS).max(1);
    let bucket = |points: &[(f64, f64)]| {
        let count = points.len() as f64;
        let values = || points.iter().map(|(_, value)| *value);
        Bucket {
            x: points.iter().map(|(x, _)| x).sum::<f64>() / count,
            mean: values().sum::<f64>() / count,
            least: values().fold(f64::INFINITY, f64::min),
            most: values().fold(f64::NEG_INFINITY, f64::max),
        }
    };
    points.chunks(width).map(bucket).collect()
}

/// Returns the median, or nothing of nothing.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_series_keeps_its_extremes() {
        let series = (0..100_000_u32).map(|x| (f64::from(x), if x == 70_001 { 9.0 } else { 1.0 }));
        let buckets = buckets(series);
        assert!(buckets.len() <= POINTS);
        let most = buckets.iter().fold(0.0, |most: f64, bucket| most.max(bucket.most));
        assert_eq!(most.total_cmp(&9.0), std::cmp::Ordering::Equal);
        assert!(buckets.windows(2).all(|pair| pair[0].x < pair[1].x));
    }

    #[test]
    fn a_short_series_is_kept_but_for_what_is_not_finite() {
        let series = [(0.0, 2.0), (1.0, f64::NAN), (2.0, 4.0)];
        let buckets = buckets(series.into_iter());
        let kept: Vec<(f64, f64)> = buckets.iter().map(|b| (b.x, b.mean)).collect();
        assert_eq!(kept, [(0.0, 2.0), (2.0, 4.0)]);
        assert_eq!(median(series.into_iter().map(|(_, value)| value)), Some(4.0));
        assert_eq!(median([].into_iter()), None);
    }
}
