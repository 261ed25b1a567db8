//! Room in the ranges of bytes for images that the calibration has not seen.

use super::CalibratedRanges;
use lcl_artefacts::checkpoint::BatchNormWeights;
use lcl_numerics::statistics::quantile;

/// How much wider a range is than what the calibration images show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// `1 + this / √images`.
    more: f64,
    /// The part of that width which is used: the largest values are so rare that
    /// clipping them costs less than the wider steps of all others.
    part: f64,
}

impl Room {
    /// Of the first convolution.
    ///
    /// Chosen on a briefly trained network, calibrated on 64 photographs, on as
    /// many drawn images, and on 24 photographs, for the least error on others; the
    /// part on photographs that neither trained nor calibrated the network, of
    /// 0.76, 0.84, 0.92 and 1.
    pub(super) const FIRST: Self = Self { more: 0.8, part: 0.84 };

    /// Of those behind it, whose features have the longer tails. Of V2 every
    /// narrower range that was tried costs more.
    pub(super) const BEHIND: Self = Self { more: 2.4, part: 1.0 };

    /// Of the components of V1: that of the first convolution. No other was tried.
    pub(super) const COMPONENT: Self = Self::FIRST;

    /// Returns how much wider a range is with so many images.
    fn wider(self, images: usize) -> f64 {
        1.0 + self.more / (images.max(1) as f64).sqrt()
    }

    /// Returns the ranges of a layer, from 0, with room, where no batch norm says
    /// more; `None` for channels that no image made active.
    pub(super) fn of_shown(self, ranges: &CalibratedRanges, images: usize) -> Vec<Option<f64>> {
        let room = self.wider(images);
        let shown = ranges.largest.iter().zip(&ranges.shown);
        let wider = |(range, shown): (&Option<f64>, &f64)| {
            range.map(|range| self.part * range.max(room * shown))
        };
        shown.map(wider).collect()
    }
}

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
    of: Room,
    calibrated: &CalibratedRanges,
    bn: &BatchNormWeights,
    images: usize,
) -> Vec<Option<f64>> {
    let (room, part) = (of.wider(images), of.part);
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
    use super::*;

    /// The part that is used of the first convolution's ranges.
    const PART: f64 = Room::FIRST.part;

    fn ranges(shown: &[f64], bn: &[(f32, f32)], images: usize) -> Vec<Option<f64>> {
        let calibrated = CalibratedRanges {
            largest: shown.iter().map(|&shown| (shown > 0.0).then_some(shown)).collect(),
            shown: shown.to_vec(),
        };
        let of = |part: fn(&(f32, f32)) -> f32| bn.iter().map(part).collect::<Vec<f32>>();
        let bn = BatchNormWeights {
            weight: of(|(weight, _)| *weight),
            bias: of(|(_, bias)| *bias),
            running_mean: Vec::new(),
            running_var: Vec::new(),
        };
        with_room(Room::FIRST, &calibrated, &bn, images)
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
        check(&ranges(&shown, &bn, 64), &expected.map(|range| Some(PART * range)));
        // A batch norm that does not belong to the weights has no say beyond the
        // widest channel, and one of a constant has none.
        let bn = [(1.0, 0.0), (1.0, 0.0), (1.0, 0.0), (1e6, 0.0), (0.0, 3.0), (1.0, 0.0)];
        let shown = [4.0, 4.0, 4.0, 1.0, 3.0, 0.0];
        let expected = [Some(all), Some(all), Some(all), Some(all), Some(3.0 * room), None];
        check(&ranges(&shown, &bn, 64), &expected.map(|range| range.map(|range| PART * range)));
    }
}
