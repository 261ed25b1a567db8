//! Principal components.

/// Turns of the power iteration for each component.
const TURNS: usize = 100;

/// Returns the scores of each row on the first `N` principal components, each
/// divided by its standard deviation over the rows; 0 for components that do
/// not vary.
///
/// The covariance's eigenvectors are found by power iteration and deflation. The
/// sign of each is such that its largest entry is positive.
///
/// # Shapes
///
/// `rows` is `[rows, channels]`.
pub(super) fn scores<const N: usize>(rows: &[f32], channels: usize) -> Vec<[f32; N]> {
    let count = rows.len() / channels.max(1);
    let mut centred: Vec<f64> = rows.iter().map(|&value| f64::from(value)).collect();
    for channel in 0..channels {
        let values = || rows.iter().skip(channel).step_by(channels);
        let mean = values().map(|&value| f64::from(value)).sum::<f64>() / count.max(1) as f64;
        centred.iter_mut().skip(channel).step_by(channels).for_each(|value| *value -= mean);
    }
    // What deflation leaves of rounding is not a direction.
    let least = 1e-9 * centred.iter().map(|value| value * value).sum::<f64>().max(1e-30);
    let mut scores = vec![[0.0; N]; count];
    for component in 0..N {
        let Some(direction) = direction(&centred, channels, least) else { break };
        let along: Vec<f64> =
            centred.chunks_exact(channels).map(|row| dot(row, &direction)).collect();
        let deviation =
            (along.iter().map(|score| score * score).sum::<f64>() / count as f64).sqrt();
        for ((row, &score), out) in centred.chunks_exact_mut(channels).zip(&along).zip(&mut scores)
        {
            row.iter_mut().zip(&direction).for_each(|(value, d)| *value -= score * d);
            #[expect(clippy::cast_possible_truncation, reason = "a few standard deviations")]
            {
                out[component] = (score / deviation) as f32;
            }
        }
    }
    scores
}

/// Returns the unit vector along which centred rows vary most, or nothing where
/// the sum of the squares along it is not above `least`.
fn direction(centred: &[f64], channels: usize, least: f64) -> Option<Vec<f64>> {
    let mut direction: Vec<f64> = (0..channels).map(|c| 1.0 / (1.0 + c as f64)).collect();
    for _ in 0..TURNS {
        let mut next = vec![0.0; channels];
        for row in centred.chunks_exact(channels.max(1)) {
            let score = dot(row, &direction);
            next.iter_mut().zip(row).for_each(|(sum, value)| *sum += score * value);
        }
        let length = dot(&next, &next).sqrt();
        if length <= least {
            return None;
        }
        direction = next.iter().map(|value| value / length).collect();
    }
    let largest = direction.iter().fold(0.0_f64, |l, &v| if v.abs() > l.abs() { v } else { l });
    Some(direction.into_iter().map(|value| value * largest.signum()).collect())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The power iteration has converged to about this.
    const CONVERGED: f32 = 1e-3;

    #[test]
    fn components_come_in_order_of_variance() {
        // Along (3, 4) it varies most, across that less, and along z not at all.
        let rows: Vec<f32> = [(2.0, 0.0), (-2.0, 0.0), (0.0, 1.0), (0.0, -1.0)]
            .into_iter()
            .flat_map(|(a, b): (f32, f32)| [7.0 + 0.6 * a - 0.8 * b, 0.8 * a + 0.6 * b, 5.0])
            .collect();
        let scores = scores::<3>(&rows, 3);
        let root = 2.0_f32.sqrt();
        let expected = [[root, 0.0], [-root, 0.0], [0.0, -root], [0.0, root]];
        for ([a, b, c], [first, second]) in scores.into_iter().zip(expected) {
            assert!((a - first).abs() < CONVERGED && (b - second).abs() < CONVERGED, "{a} {b}");
            assert!(c.abs() < f32::EPSILON, "{c}");
        }
    }

    #[test]
    fn what_does_not_vary_has_no_components() {
        assert_eq!(scores::<3>(&[4.0; 6], 2), [[0.0; 3]; 3]);
    }
}
