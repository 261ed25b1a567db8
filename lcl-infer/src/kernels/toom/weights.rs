//! Weights to points, and back.

use core::fmt;

use super::geometry::{Pair, ToomGeometry};
use super::transform::{MAX_POINTS, MAX_TAPS, Transform};
use crate::memory::ALIGNMENT;
use crate::parameters::{ChannelTable, Conv2d};

/// A convolution whose weights are transformed, read in place.
#[derive(Clone, Copy, Debug)]
pub struct ToomConv2d<'a> {
    geometry: ToomGeometry,
    weights: &'a [Pair],
    channels: ChannelTable<'a>,
}

impl<'a> ToomConv2d<'a> {
    /// Creates a convolution, or returns nothing where a length does not fit
    /// the geometry or the weights do not start at a multiple of 16 bytes,
    /// which kernels rely on.
    ///
    /// Whether the weights are the transform of any, [`check_weights`] says.
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
}

/// Transforms the weights of a convolution of the geometry's shape.
///
/// # Shapes
///
/// `transformed` has [`ToomGeometry::weights_len`] pairs; what does not fit is
/// left out.
pub fn transform_weights(geometry: ToomGeometry, conv: &Conv2d<'_>, transformed: &mut [Pair]) {
    transformed.fill([0; 2]);
    for oc in 0..geometry.conv().out_c() {
        transform_filter(geometry, oc, conv.filter(oc), transformed);
    }
}

/// Adds the transform of one filter, `[kernel, kernel, in_c]`, to zeros.
fn transform_filter(
    geometry: ToomGeometry,
    oc: usize,
    filter: impl Iterator<Item = i8>,
    transformed: &mut [Pair],
) {
    let (run, step) = (geometry.conv().taps_per_row(), geometry.step_len());
    let transform = geometry.transform();
    for (tap, weight) in filter.enumerate() {
        let (ky, column) = (tap / run, tap % run);
        for (point, row) in transform.weights().iter().enumerate().take(transform.points()) {
            let factor = row.get(column / step).copied().unwrap_or_default();
            let (index, half) = geometry.weight_index(oc, point, ky, column % step);
            if let Some(place) = transformed.get_mut(index).and_then(|pair| pair.get_mut(half)) {
                // Within the bound that the transform was proved with.
                *place = place.wrapping_add(factor.wrapping_mul(weight.into()));
            }
        }
    }
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

/// Checks that every number is as [`transform_weights`] makes it of some
/// weights.
///
/// # Errors
///
/// Returns the first place where not, and one behind the last channel where
/// there are too few numbers or too many.
pub fn check_weights(geometry: ToomGeometry, transformed: &[Pair]) -> Result<(), NotTransformed> {
    each_row(geometry, transformed, |_, _| {})
}

/// Writes the weights that were transformed, `[out_c, kernel, kernel, in_c]`
/// (OHWI): the exact inverse of [`transform_weights`].
///
/// # Errors
///
/// As [`check_weights`].
pub fn recover_weights(
    geometry: ToomGeometry,
    transformed: &[Pair],
    weights: &mut [i8],
) -> Result<(), NotTransformed> {
    each_row(geometry, transformed, |tap, weight| {
        if let Some(place) = weights.get_mut(tap) {
            *place = weight;
        }
    })
}

/// Calls with the place in OHWI and the value of every weight.
fn each_row(
    geometry: ToomGeometry,
    transformed: &[Pair],
    mut found: impl FnMut(usize, i8),
) -> Result<(), NotTransformed> {
    let (conv, step) = (geometry.conv(), geometry.step_len());
    let channels = conv.out_c().next_multiple_of(geometry.order().channels());
    if transformed.len() != geometry.weights_len() {
        return Err(NotTransformed { oc: channels, ky: 0, value: 0 });
    }
    for oc in 0..channels {
        for ky in 0..conv.kernel() {
            for value in 0..2 * geometry.pairs_per_row() {
                let refused = NotTransformed { oc, ky, value };
                let points: [i16; MAX_POINTS] = core::array::from_fn(|point| {
                    let (index, half) = geometry.weight_index(oc, point, ky, value);
                    let there = point < geometry.transform().points();
                    let pair = transformed.get(index).filter(|_| there).copied();
                    pair.unwrap_or_default().get(half).copied().unwrap_or_default()
                });
                let taps = recover_taps(geometry.transform(), &points).ok_or(refused)?;
                for (i, &weight) in taps.iter().enumerate().take(geometry.transform().taps()) {
                    let column = i * step + value;
                    let there = oc < conv.out_c() && value < step && column < conv.taps_per_row();
                    if there {
                        found(oc * conv.taps() + ky * conv.taps_per_row() + column, weight);
                    } else if weight != 0 {
                        return Err(refused);
                    }
                }
            }
        }
    }
    Ok(())
}

/// Returns the taps whose transform is `points`, if all are in `[-127, 127]`.
fn recover_taps(transform: &Transform, points: &[i16; MAX_POINTS]) -> Option<[i8; MAX_TAPS]> {
    let &[first, plus_1, minus_1, plus_2, minus_2, ..] = points;
    let [first, plus_1, minus_1, plus_2, minus_2] =
        [first, plus_1, minus_1, plus_2, minus_2].map(i32::from);
    let last = points.get(transform.points().wrapping_sub(1)).copied().map_or(0, i32::from);
    let taps = if transform.taps() == MAX_TAPS {
        // ½ (g(1) + g(-1)) = g0 + g2 + g4, ½ (g(1) - g(-1)) = g1 + g3 and
        // ½ (g(2) - g(-2)) = 2 g1 + 8 g3.
        let odd = (plus_1 - minus_1) / 2;
        let third = ((plus_2 - minus_2) / 2 - 2 * odd) / 6;
        [first, odd - third, (plus_1 + minus_1) / 2 - first - last, third, last]
    } else {
        [first, plus_1 - first - last, last, 0, 0]
    };
    // What is no transform divides with a remainder or disagrees at a point.
    let agrees = transform.weights().iter().zip(points).all(|(row, &point)| {
        let sum: i32 = row.iter().zip(&taps).map(|(&factor, tap)| i32::from(factor) * tap).sum();
        sum == i32::from(point)
    });
    let mut recovered = [0; MAX_TAPS];
    for (recovered, tap) in recovered.iter_mut().zip(taps) {
        *recovered = i8::try_from(tap).ok().filter(|&tap| tap != i8::MIN)?;
    }
    agrees.then_some(recovered)
}
