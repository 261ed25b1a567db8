//! Which orientation a filter prefers, and how clearly.

use std::f32::consts::PI;

use lcl_infer::Blob;

use lcl_artefacts::checkpoint::Checkpoint;

/// Frequencies at which the power of a filter is taken, in each direction.
const FREQUENCIES: i16 = 16;

/// The orientation that a filter prefers.
///
/// It is that of the mean `Σ P e^{2iθ} / Σ P` over frequencies of orientation
/// `θ`, where `P` is the power of the filter's Fourier transform over the square
/// of the frequency: what it passes of natural images, whose power falls so.
/// Colours add their power.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// Orientation of the bars that the filter answers to, in radians
    /// counter-clockwise from horizontal, in `[0, π)`.
    pub orientation: f32,
    /// Length of that mean: 0 for a filter that prefers none, 1 for one that
    /// answers to a single orientation.
    pub selectivity: f32,
}

impl Tuning {
    /// Returns the tuning of a filter, given as planes `[kernel, kernel]`, one
    /// for each colour.
    #[must_use]
    pub fn of<'p>(planes: impl IntoIterator<Item = &'p [f32]>, kernel: usize) -> Self {
        let (mut mean, mut total) = ([0.0_f32; 2], 0.0);
        for plane in planes {
            let offset = plane.iter().sum::<f32>() / plane.len().max(1) as f32;
            // The other half of the plane of frequencies is its mirror image.
            for v in 0..=FREQUENCIES {
                for u in -FREQUENCIES..=FREQUENCIES {
                    if v == 0 && u <= 0 {
                        continue;
                    }
                    let frequency =
                        [u, v].map(|side| PI * f32::from(side) / f32::from(FREQUENCIES + 1));
                    let [fx, fy] = frequency;
                    let natural = 1.0 / (fx * fx + fy * fy);
                    let power = natural * power(plane, kernel, offset, frequency);
                    // A wave along (u, v) has bars across it; rows go down.
                    let orientation = f32::from(u).atan2(f32::from(v));
                    let (sin, cos) = (2.0 * orientation).sin_cos();
                    mean = [mean[0] + power * cos, mean[1] + power * sin];
                    total += power;
                }
            }
        }
        if total <= 0.0 {
            return Self { orientation: 0.0, selectivity: 0.0 };
        }
        let [x, y] = mean;
        let orientation = (0.5 * y.atan2(x)).rem_euclid(PI);
        Self { orientation, selectivity: x.hypot(y) / total }
    }
}

/// Returns the tuning of every filter of V1 in a checkpoint.
#[must_use]
pub fn v1_tuning_of_checkpoint(checkpoint: &Checkpoint) -> Vec<Tuning> {
    let kernel = checkpoint.architecture().convolutions().next().map_or(0, |conv| conv.kernel());
    let weights = checkpoint.first_filters();
    // The network divides the colours by their standard deviations first.
    let planes = weights.chunks_exact(kernel * kernel).zip(checkpoint.std.iter().cycle());
    let planes: Vec<Vec<f32>> =
        planes.map(|(plane, std)| plane.iter().map(|weight| weight / std).collect()).collect();
    planes
        .chunks_exact(3)
        .map(|filter| Tuning::of(filter.iter().map(Vec::as_slice), kernel))
        .collect()
}

/// Returns the tuning of every filter of V1 in a blob.
#[must_use]
pub fn v1_tuning_of_blob(blob: &Blob<'_>) -> Vec<Tuning> {
    let Some(conv) = blob.convolutions().next().map(|conv1| conv1.conv) else {
        return Vec::new();
    };
    let (kernel, in_c) = (conv.geometry().kernel(), conv.geometry().in_c());
    let tuning = |oc| {
        let weights: Vec<f32> = conv.filter(oc).map(f32::from).collect();
        let plane = |c| weights.iter().skip(c).step_by(in_c).copied().collect();
        let planes: Vec<Vec<f32>> = (0..in_c).map(plane).collect();
        Tuning::of(planes.iter().map(Vec::as_slice), kernel)
    };
    (0..conv.geometry().out_c()).map(tuning).collect()
}

fn power(plane: &[f32], kernel: usize, offset: f32, [fx, fy]: [f32; 2]) -> f32 {
    let (mut re, mut im) = (0.0, 0.0);
    for (y, row) in plane.chunks_exact(kernel.max(1)).enumerate() {
        for (x, weight) in row.iter().enumerate() {
            let (sin, cos) = (fx * x as f32 + fy * y as f32).sin_cos();
            re += (weight - offset) * cos;
            im += (weight - offset) * sin;
        }
    }
    re * re + im * im
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An 11×11 filter sees a grating through a window, which blurs its
    /// orientation and the grid of frequencies rounds.
    const DEGREES: f32 = 3.0;

    /// A grating under a Gaussian, its bars at that angle.
    fn gabor(degrees: f32) -> Vec<f32> {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let value = |at: u16| {
            let (x, y) = (f32::from(at % 11) - 5.0, 5.0 - f32::from(at / 11));
            let across = y * cos - x * sin;
            (-(x * x + y * y) / 12.0).exp() * (1.4 * across).cos()
        };
        (0..121).map(value).collect()
    }

    #[test]
    fn gratings_prefer_their_own_orientation() {
        for degrees in [0.0, 30.0, 45.0, 90.0, 120.0, 170.0] {
            let plane = gabor(degrees);
            let tuning = Tuning::of([plane.as_slice()], 11);
            let error = (tuning.orientation.to_degrees() - degrees + 90.0).rem_euclid(180.0) - 90.0;
            assert!(error.abs() < DEGREES, "{degrees}: {tuning:?}");
            assert!(tuning.selectivity > 0.7, "{degrees}: {tuning:?}");
        }
    }

    #[test]
    fn what_is_round_or_nothing_prefers_none() {
        let crossed: Vec<f32> = gabor(0.0).iter().zip(gabor(90.0)).map(|(a, b)| a + b).collect();
        assert!(Tuning::of([crossed.as_slice()], 11).selectivity < 0.05);
        let nothing = Tuning::of([&[0.25; 121][..]], 11);
        assert!(nothing.selectivity < 1e-3, "{nothing:?}");
    }
}
