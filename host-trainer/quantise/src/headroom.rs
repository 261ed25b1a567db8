//! Room in the ranges of bytes for images that the calibration has not seen.

use super::CalibratedConv;
use lcl_artefacts::checkpoint::BatchNormWeights;
use lcl_numerics::statistics::quantile;

/// How much wider a range is than what the calibration images show: `1 + this /
/// √images`, for the first convolution and for those behind it, whose features have
/// the longer tails.
///
/// Chosen on a briefly trained network, calibrated on 64 photographs, on as many
/// drawn images, and on 24 photographs, for the least error on others.
const ROOM: [f64; 2] = [0.8, 2.4];

/// The part of that width which is used, for the first convolution and for those
/// behind it: the largest values are so rare that clipping them costs less than
/// the wider steps of all others.
///
/// Chosen on photographs that neither trained nor calibrated the network, of 0.76,
/// 0.84, 0.92 and 1. Of V2 every narrower range that was tried costs more.
const PART: [f64; 2] = [0.84, 1.0];

/// Quantile over channels of how far they reach, in standard deviations of their
/// batch norm, that every channel gets.
const REACH: f64 = 0.75;

/// Returns the ranges of a convolution, from 0, with room; `None` for channels that no
/// image made active.
///
/// The largest value that a few images show is a poor measure of one channel's
/// tail, and drawn images may leave a channel almost silent that photographs make
/// active. What training saw is in the batch norm: before the ReLU a channel has
/// the mean `bias` and the standard deviation `weight` (Nagel et al. 2019,
/// "Data-free quantization through weight equalization and bias correction",
/// section 4.1). So a channel gets at least as many standard deviations as most
/// others reach, though never a wider range than the widest.
pub(super) fn with_room(
    at: usize,
    calibrated: &CalibratedConv,
    bn: &BatchNormWeights,
    images: usize,
) -> Vec<Option<f64>> {
    let room = 1.0 + ROOM[at.min(ROOM.len() - 1)] / (images.max(1) as f64).sqrt();
    let part = PART[at.min(PART.len() - 1)];
    let normal = || {
        bn.bias
            .iter()
            .zip(&bn.weight)
            .map(|(&bias, &weight)| (f64::from(bias), f64::from(weight.abs())))
    };
    let shown = || calibrated.largest.iter().zip(&calibrated.shown);
    let reaches: Vec<f64> = shown()
        .zip(normal())
        .filter(|((range, _), (_, deviation))| range.is_some() && *deviation > 0.0)
        .map(|((_, shown), (mean, deviation))| (shown - mean) / deviation)
        .collect();
    let reach = room * quantile(&reaches, REACH).unwrap_or(0.0);
    let own = |range: f64, shown: f64| range.max(room * shown);
    let widest = shown().filter_map(|(range, shown)| Some(own((*range)?, *shown)));
    let widest = widest.fold(0.0, f64::max);
    shown()
        .zip(normal())
        .map(|((range, shown), (mean, deviation))| {
            let learned = (mean + reach * deviation).min(widest);
            range.map(|range| part * own(range, *shown).max(learned))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use lcl_infer::ConvGeometry;

    use super::*;
    use crate::Moments;

    fn ranges(shown: &[f64], bn: &[(f32, f32)], images: usize) -> Vec<Option<f64>> {
        let conv = ConvGeometry::new(1, 1, 1, 1, 0).expect("valid");
        let calibrated = CalibratedConv {
            largest: shown.iter().map(|&shown| (shown > 0.0).then_some(shown)).collect(),
            shown: shown.to_vec(),
            input: Moments::new(conv),
        };
        let of = |part: fn(&(f32, f32)) -> f32| bn.iter().map(part).collect::<Vec<f32>>();
        let bn = BatchNormWeights {
            weight: of(|(weight, _)| *weight),
            bias: of(|(_, bias)| *bias),
            running_mean: Vec::new(),
            running_var: Vec::new(),
        };
        with_room(0, &calibrated, &bn, images)
    }

    #[track_caller]
    fn check(got: &[Option<f64>], expected: &[Option<f64>]) {
        let near = |(a, b): (&Option<f64>, &Option<f64>)| match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() < 1e-6,
            (a, b) => a == b,
        };
        assert!(got.len() == expected.len() && got.iter().zip(expected).all(near), "{got:?}");
    }

    #[test]
    fn few_images_leave_more_room() {
        let bn = [(1.0, 0.0); 2];
        check(&ranges(&[5.0, 5.0], &bn, 64), &[Some(4.62), Some(4.62)]);
        check(&ranges(&[5.0, 5.0], &bn, 4), &[Some(5.88), Some(5.88)]);
    }

    #[test]
    fn a_channel_that_showed_little_reaches_as_far_as_most() {
        let bn = [(1.0, 0.0), (1.0, 0.0), (1.0, 0.0), (1.0, 0.0), (2.0, -8.0), (0.5, 0.25)];
        let shown = [4.0, 4.0, 4.0, 4.0, 0.1, 0.2];
        let (all, room) = (4.0 * 1.1, 1.1);
        let expected = [all, all, all, all, 2.0 * all - 8.0, 0.5 * all + 0.25];
        check(&ranges(&shown, &bn, 64), &expected.map(|range| Some(PART[0] * range)));
        // A batch norm that does not belong to the weights has no say beyond the
        // widest channel, and one of a constant has none.
        let bn = [(1.0, 0.0), (1.0, 0.0), (1.0, 0.0), (1e6, 0.0), (0.0, 3.0), (1.0, 0.0)];
        let shown = [4.0, 4.0, 4.0, 1.0, 3.0, 0.0];
        let expected = [Some(all), Some(all), Some(all), Some(all), Some(3.0 * room), None];
        check(&ranges(&shown, &bn, 64), &expected.map(|range| range.map(|range| PART[0] * range)));
    }
}
