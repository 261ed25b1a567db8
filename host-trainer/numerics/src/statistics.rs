//! The statistics that several evaluations share, in `f64`.

/// Returns the mean, or nothing of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Returns the standard deviation over `N - ddof` values.
#[must_use]
pub fn standard_deviation(values: &[f64], ddof: usize) -> Option<f64> {
    let mean = mean(values)?;
    let degrees = values.len().checked_sub(ddof).filter(|degrees| *degrees > 0)?;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / degrees as f64).sqrt())
}

/// Returns the median, or nothing of nothing.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// Returns the value below which the share `at`, in `[0, 1]`, of the values
/// lies, linear between neighbours (type 7 of Hyndman and Fan 1996, the default
/// of `NumPy`).
#[must_use]
pub fn quantile(values: &[f64], at: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let place = at.clamp(0.0, 1.0) * last as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the list")]
    let below = (place.floor() as usize).min(last);
    let above = (below + 1).min(last);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64))
}

/// Returns Pearson's correlation of two lists of equal length, or nothing where
/// one of them does not vary or they have fewer than two values.
#[must_use]
pub fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() != b.len() || a.len() < 2 {
        return None;
    }
    let (mean_a, mean_b) = (mean(a)?, mean(b)?);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    // One root of the product gives lists of the same shape exactly 1.
    let size = match aa * bb {
        product if product.is_normal() => product.sqrt(),
        _ => aa.sqrt() * bb.sqrt(),
    };
    (aa > 0.0 && bb > 0.0).then(|| (ab / size).clamp(-1.0, 1.0))
}

/// Returns the ranks from 1 up; equal values share the mean of their ranks.
#[must_use]
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    while first < order.len() {
        let equal = |at: &&usize| values[**at].total_cmp(&values[order[first]]).is_eq();
        let ties = order[first..].iter().take_while(equal).count().max(1);
        let rank = first as f64 + f64::midpoint(ties as f64, 1.0);
        for &index in &order[first..first + ties] {
            ranks[index] = rank;
        }
        first += ties;
    }
    ranks
}

/// Returns Spearman's rank correlation, or nothing as of [`pearson`].
#[must_use]
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    pearson(&ranks(a), &ranks(b))
}

/// Returns the two-sided p-value of the difference between two correlations,
/// each over `n` pairs, by Fisher's transformation:
/// `z = (atanh ρ₁ - atanh ρ₂) / √(2 / (n - 3))`. Nothing where `n < 4` or a
/// correlation is ±1.
///
/// \[LCL\] prints `n - 2`, but its p-values follow from `n - 3`.
#[must_use]
pub fn fisher_test(first: f64, second: f64, n: usize) -> Option<f64> {
    let degrees = n.checked_sub(3).filter(|degrees| *degrees > 0)?;
    let z = (first.atanh() - second.atanh()) / (2.0 / degrees as f64).sqrt();
    z.is_finite().then(|| libm::erfc(z.abs() / std::f64::consts::SQRT_2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of a few operations on numbers around 1.
    const ROUNDING: f64 = 1e-12;

    #[track_caller]
    fn near(got: Option<f64>, expected: f64) {
        assert!(got.is_some_and(|got| (got - expected).abs() < ROUNDING), "{got:?} {expected}");
    }

    #[test]
    fn statistics_by_hand() {
        let values = [4.0, 1.0, 3.0, 2.0];
        near(mean(&values), 2.5);
        near(median(&values), 2.5);
        near(quantile(&values, 0.25), 1.75);
        near(standard_deviation(&values, 0), 1.25_f64.sqrt());
        near(standard_deviation(&values, 1), (5.0_f64 / 3.0).sqrt());
        assert_eq!((mean(&[]), median(&[]), standard_deviation(&[1.0], 1)), (None, None, None));
        near(quantile(&[7.0], 0.9), 7.0);
    }

    #[test]
    fn correlations_by_hand() {
        near(pearson(&[1.0, 2.0, 3.0], &[2.0, 4.0, 7.0]), 5.0 / (2.0 * 38.0_f64 / 3.0).sqrt());
        near(pearson(&[1.0, 2.0], &[5.0, 3.0]), -1.0);
        assert_eq!(pearson(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(pearson(&[1.0], &[1.0]), None);
        assert_eq!(ranks(&[10.0, 30.0, 10.0, 20.0]), [1.5, 4.0, 1.5, 3.0]);
        assert_eq!(spearman(&[1.0, 2.0], &[0.0, 0.1]), Some(1.0));
        near(pearson(&[1e-120, 2e-120], &[3e-120, 1e-120]), -1.0);
        near(spearman(&[1.0, 2.0, 3.0, 4.0], &[1.0, 10.0, 100.0, 50.0]), 0.8);
    }

    #[test]
    fn fisher_test_gives_the_p_values_of_the_paper() {
        // [LCL] section 3.2, 15 families, printed with three digits.
        for (other, p) in [(0.56, 0.040), (0.58, 0.047)] {
            let got = fisher_test(0.90, other, 15).expect("a p-value");
            assert!((got - p).abs() < 5e-4, "{got} {p}");
        }
        assert_eq!(fisher_test(1.0, 0.5, 15), None);
        assert_eq!(fisher_test(0.5, 0.1, 3), None);
    }
}
