//! Weights to points, and back.

use core::fmt;

use super::geometry::{CHANNELS, Pair, ToomGeometry, value_of};
use super::transform::{MAX_POINTS, MAX_TAPS, Transform};
use crate::memory::ALIGNMENT;
use crate::parameters::ChannelTable;

/// A convolution whose weights are transformed, read in place.
#[derive(Clone, Copy, Debug)]
pub struct ToomConv2d<'a> {
    geometry: ToomGeometry,
    weights: &'a [Pair],
    channels: ChannelTable<'a>,
}

impl<'a> ToomConv2d<'a> {
    /// Creates a convolution, or returns `None` if a length does not fit the
    /// geometry or the weights do not start at a multiple of 16 bytes, which
    /// kernels rely on.
    ///
    /// Whether the weights are the transform of any, [`check_filter`] says. The
    /// kernels take any: from others they make other bytes.
    #[must_use]
    pub fn new(
        geometry: ToomGeometry,
        weights: &'a [Pair],
        channels: ChannelTable<'a>,
    ) -> Option<Self> {
        let fits =
            weights.len() == geometry.weights_len() && channels.len() == geometry.conv().out_c();
        let aligned = weights.as_ptr().align_offset(ALIGNMENT) == 0;
        (fits && aligned).then_some(Self { geometry, weights, channels })
    }

    /// Returns the geometry.
    #[must_use]
    pub const fn geometry(&self) -> ToomGeometry {
        self.geometry
    }

    /// Returns the transformed weights, in the order of
    /// [`ToomGeometry::weight_index`].
    #[must_use]
    pub const fn weights(&self) -> &'a [Pair] {
        self.weights
    }

    /// Returns bias and requantisation of each output channel.
    #[must_use]
    pub const fn channels(&self) -> ChannelTable<'a> {
        self.channels
    }

    /// Iterates over the weights of an output channel before they were
    /// transformed, `[kernel, kernel, in_c]`.
    ///
    /// Each is computed from its points: a list is faster than many turns.
    pub fn filter(&self, oc: usize) -> impl Iterator<Item = i8> + 'a {
        let Self { geometry, weights, .. } = *self;
        let (run, step) = (geometry.conv().taps_per_row(), geometry.step_len());
        (0..geometry.conv().taps()).map(move |tap| {
            let (ky, column) = (tap / run, tap % run);
            let points = core::array::from_fn(|point| {
                let (index, half) = geometry.weight_index(oc, point, ky, column % step);
                let there = point < geometry.transform().points();
                let pair = weights.get(index).filter(|_| there).copied().unwrap_or_default();
                pair.get(half).copied().unwrap_or_default()
            });
            let taps = taps_of(geometry.transform(), &points).unwrap_or_default();
            taps.get(column / step).copied().unwrap_or_default()
        })
    }
}

/// Transforms weights, and calls with the index of each pair, which of its
/// values it is, and the value; what is not called for is 0.
///
/// # Shapes
///
/// `weights` is `[out_c, kernel, kernel, in_c]` (OHWI); the indices are below
/// [`ToomGeometry::weights_len`].
pub fn transform_weights(
    geometry: ToomGeometry,
    weights: &[i8],
    mut put: impl FnMut(usize, usize, i16),
) {
    let (conv, transform, step) = (geometry.conv(), geometry.transform(), geometry.step_len());
    let run = conv.taps_per_row();
    for (oc, filter) in weights.chunks_exact(conv.taps()).enumerate() {
        for (ky, row) in filter.chunks_exact(run).enumerate() {
            for value in 0..step.min(run) {
                for (point, factors) in
                    transform.weights().iter().enumerate().take(transform.points())
                {
                    let taps = row.iter().skip(value).step_by(step);
                    // Within the bound that the transform was proved with.
                    let sum = factors.iter().zip(taps).fold(0_i16, |sum, (&factor, &tap)| {
                        sum.wrapping_add(factor.wrapping_mul(tap.into()))
                    });
                    let (index, half) = geometry.weight_index(oc, point, ky, value);
                    put(index, half, sum);
                }
            }
        }
    }
}

/// What the weights of a filter add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilterSums {
    /// Their sum.
    pub sum: i32,
    /// The sum of their magnitudes.
    pub magnitude: u32,
}

/// Numbers that are not the transform of any weights in `[-127, 127]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NotTransformed {
    /// The output channel.
    pub oc: usize,
    /// The row of the kernel.
    pub ky: usize,
    /// The value of a step.
    pub value: usize,
}

impl fmt::Display for NotTransformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { oc, ky, value } = self;
        write!(
            f,
            "the transformed weights of channel {oc}, kernel row {ky}, value {value} are those of \
             no weights: quantise the model again"
        )
    }
}

impl core::error::Error for NotTransformed {}

/// Checks that every number of a filter is as [`transform_weights`] makes it of
/// some weights, and returns what these add up to. The channel may be one that
/// fills up the last group, whose numbers are 0.
///
/// # Errors
///
/// Returns the first place where not, and one behind the last row of the kernel
/// where there are too few numbers.
pub fn check_filter(
    geometry: ToomGeometry,
    transformed: &[Pair],
    oc: usize,
) -> Result<FilterSums, NotTransformed> {
    let (conv, transform) = (geometry.conv(), geometry.transform());
    let (rows, row_pairs, pairs) = (conv.kernel(), geometry.pairs_per_row(), geometry.pairs());
    let group = transformed.get(oc / CHANNELS * geometry.group_len()..).unwrap_or_default();
    let group = group.get(oc % CHANNELS..geometry.group_len());
    let group = group.ok_or(NotTransformed { oc, ky: rows, value: 0 })?;
    let points: [&[Pair]; MAX_POINTS] = core::array::from_fn(|point| {
        let there = point < transform.points();
        group.get(point * pairs * CHANNELS..).filter(|_| there).unwrap_or_default()
    });
    let (run, step, present) = (conv.taps_per_row(), geometry.step_len(), oc < conv.out_c());
    let last = (transform.taps().saturating_sub(1)) * step;
    let mut sums = FilterSums::default();
    let mut at = 0;
    for ky in 0..rows {
        for pair in 0..row_pairs {
            let pairs = points.map(|point| point.get(at).copied().unwrap_or_default());
            at += CHANNELS;
            for half in 0..2 {
                let value = value_of(pair, half);
                let read = pairs.map(|[first, second]| if half == 0 { first } else { second });
                let taps = taps_of(transform, &read);
                let taps = taps.ok_or(NotTransformed { oc, ky, value })?;
                // What fills up the last step, a quad or a group is 0.
                let there = match transform.taps() {
                    _ if !present || value >= step => 0,
                    taps if last + value >= run => taps.saturating_sub(1),
                    taps => taps,
                };
                if taps.iter().skip(there).any(|&tap| tap != 0) {
                    return Err(NotTransformed { oc, ky, value });
                }
                for tap in taps {
                    sums.sum = sums.sum.wrapping_add(tap.into());
                    sums.magnitude = sums.magnitude.wrapping_add(tap.unsigned_abs().into());
                }
            }
        }
    }
    Ok(sums)
}

/// Returns the taps whose transform is `points`, if there are any in
/// `[-127, 127]`.
#[inline]
fn taps_of(transform: &Transform, points: &[i16; MAX_POINTS]) -> Option<[i8; MAX_TAPS]> {
    let last = points.get(transform.points().wrapping_sub(1)).copied().map_or(0, i32::from);
    let [first, plus_1, minus_1, plus_2, minus_2, plus_half, minus_half, _] = points.map(i32::from);
    let five = transform.taps() == MAX_TAPS;
    let taps @ [g0, g1, g2, g3, g4] = if five {
        // ½ (g(1) + g(-1)) = g0 + g2 + g4, ½ (g(1) - g(-1)) = g1 + g3 and
        // ½ (g(2) - g(-2)) = 2 g1 + 8 g3.
        let odd = (plus_1 - minus_1) / 2;
        let third = ((plus_2 - minus_2) / 2 - 2 * odd) / 6;
        [first, odd - third, (plus_1 + minus_1) / 2 - first - last, third, last]
    } else {
        [first, plus_1 - first - last, last, 0, 0]
    };
    let mut recovered = [0; MAX_TAPS];
    for (recovered, tap) in recovered.iter_mut().zip(taps) {
        *recovered = i8::try_from(tap).ok().filter(|&tap| tap != i8::MIN)?;
    }
    // What is no transform divides with a remainder or disagrees at a point.
    let at = |points: usize, even: i32, odd: i32, plus: i32, minus: i32| {
        (plus == even + odd || transform.points() < points)
            && (minus == even - odd || transform.points() <= points)
    };
    // The row of ½ is that of whole numbers, 16 times g(½) or four times.
    let (even, odd) = (16 * g0 + 4 * g2 + g4, 8 * g1 + 2 * g3);
    let (even, odd) = if five { (even, odd) } else { (even / 4, odd / 4) };
    let agrees = at(3, g0 + g2 + g4, g1 + g3, plus_1, minus_1)
        && at(5, g0 + 4 * g2 + 16 * g4, 2 * g1 + 8 * g3, plus_2, minus_2)
        && at(7, even, odd, plus_half, minus_half);
    agrees.then_some(recovered)
}
