//! Averages over parts of feature maps.

use lcl_artefacts::feature_map::FeatureMap;

/// What is averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The whole map.
    Global,
    /// Each quarter of it, 2×2; the middle row and column of odd ones belong to
    /// both sides.
    Quarters,
}

/// Returns the averages of each image of a map, `[N, parts · C]`, row by row of
/// the parts.
#[must_use]
pub fn pooled(map: &FeatureMap, pooling: Pooling) -> Vec<f64> {
    let parts = match pooling {
        Pooling::Global => 1,
        Pooling::Quarters => 2,
    };
    let span = |side: usize, part: usize| part * side / parts..((part + 1) * side).div_ceil(parts);
    let mut averages = Vec::with_capacity(map.n * parts * parts * map.c);
    for image in map.images() {
        for part in 0..parts * parts {
            let (rows, columns) = (span(map.h, part / parts), span(map.w, part % parts));
            let pixels = (rows.len() * columns.len()).max(1) as f64;
            let mut sum = vec![0.0; map.c];
            for y in rows {
                for pixel in columns.clone().map(|x| &image[(y * map.w + x) * map.c..][..map.c]) {
                    for (sum, &value) in sum.iter_mut().zip(pixel) {
                        *sum += f64::from(value);
                    }
                }
            }
            averages.extend(sum.into_iter().map(|sum| sum / pixels));
        }
    }
    averages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_by_hand() {
        // Two channels, the second ten times the first.
        let data = (0..9_u8).flat_map(|at| [f32::from(at), 10.0 * f32::from(at)]).collect();
        let map = FeatureMap { n: 1, h: 3, w: 3, c: 2, data };
        let near = |got: Vec<f64>, expected: &[f64]| {
            assert_eq!(got.len(), expected.len());
            assert!(got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-12), "{got:?}");
        };
        near(pooled(&map, Pooling::Global), &[4.0, 40.0]);
        // As torch's adaptive_avg_pool2d.
        near(pooled(&map, Pooling::Quarters), &[2.0, 20.0, 3.0, 30.0, 5.0, 50.0, 6.0, 60.0]);
    }
}
