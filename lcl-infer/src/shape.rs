//! Sizes and geometry: what follows from a width, a kernel and a stride.

use core::num::NonZero;

pub use crate::layers::dense::{DenseGeometry, MAX_DENSE, Sums};
pub use crate::layers::norm::NormGeometry;
pub use crate::layers::opponent::{MAX_OPPONENT_GAIN, Opponent};
pub use crate::layers::readout::{MAX_NEURONS, RATES_PER_ROW, ReadoutGeometry};
pub use crate::layers::resample::{MAX_OVERLAP, Resample};
pub use crate::layers::retina::{MAX_MEAN_SHIFT, Retina, RetinaOutput};
pub use crate::layers::window_pool::{WindowOperation, WindowPool};

/// Largest kernel side that a layer may have.
pub const MAX_KERNEL: usize = 15;

/// Largest number of channels at either side of a layer.
pub const MAX_CHANNELS: usize = 1024;

/// Largest stride that a convolution may have.
pub const MAX_STRIDE: usize = 8;

/// Largest image width and height.
///
/// With the bounds on kernels and channels, every length of memory that the
/// engine asks for then fits 32 bits; the features of a whole frame may not,
/// see [`Frontend::features_len`](crate::Frontend::features_len).
pub const MAX_IMAGE_SIDE: usize = 8192;

/// Stride of the pooling.
pub(crate) const POOL_STRIDE: usize = 2;

/// Order of the two operations of a blur-max pool (\[LCL\] section A.1, the
/// public `BlurMaxPool2d` layers).
///
/// # Examples
///
/// ```
/// use lcl_infer::PoolOrder;
/// assert_eq!(PoolOrder::default(), PoolOrder::MaxBlur);
/// assert_eq!(PoolOrder::MaxBlur.name(), "max-blur");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PoolOrder {
    /// Maximum 3×3 at stride 1, then the binomial blur at stride 2.
    #[default]
    MaxBlur,
    /// The binomial blur at stride 1, then the maximum 3×3 at stride 2.
    BlurMax,
    /// Maximum 3×3 at stride 2 alone.
    Max,
}

impl PoolOrder {
    /// Every order, in the order of the blob's encoding.
    pub const ALL: [Self; 3] = [Self::MaxBlur, Self::BlurMax, Self::Max];

    /// Returns the name that configurations and checkpoints use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MaxBlur => "max-blur",
            Self::BlurMax => "blur-max",
            Self::Max => "max",
        }
    }
}

/// Width and height of an image or a feature map, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ImageSize {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl ImageSize {
    /// Creates a square size.
    #[must_use]
    pub const fn square(side: usize) -> Self {
        Self { width: side, height: side }
    }
}

/// What a window meets outside of a map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Border {
    /// The map reflected, without repeating its edge pixel.
    #[default]
    Reflect,
    /// Bytes of 0, which stand for real zeros.
    Zero,
}

impl Border {
    /// Every border, in the order of the blob's encoding.
    pub const ALL: [Self; 2] = [Self::Reflect, Self::Zero];

    /// Returns the name of the border.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reflect => "reflect",
            Self::Zero => "zero",
        }
    }
}

/// Geometry of a convolution.
///
/// Input `[1, H, W, in_c]` (NHWC), weights `[out_c, kernel, kernel, in_c]`
/// (OHWI), output `[1, out(H), out(W), out_c]`.
///
/// # Examples
///
/// ```
/// use lcl_infer::ConvGeometry;
/// let v1 = ConvGeometry::new(3, 64, 11, 4, 5).unwrap();
/// assert_eq!(v1.out_side(96), 24);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ConvGeometry {
    // Types that exclude zero: what divides by one of them cannot panic. And
    // small ones: a front-end keeps a geometry for each layer.
    in_c: NonZero<u16>,
    out_c: NonZero<u16>,
    kernel: NonZero<u8>,
    stride: NonZero<u8>,
    padding: u8,
    border: Border,
}

impl ConvGeometry {
    /// Creates a geometry with reflection at the borders, or returns `None` if
    /// the engine cannot run it.
    ///
    /// Kernel side 1 to [`MAX_KERNEL`], channels 1 to [`MAX_CHANNELS`], stride
    /// 1 to [`MAX_STRIDE`], and a padding below half of the kernel.
    #[must_use]
    pub const fn new(
        in_c: usize,
        out_c: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Option<Self> {
        let (Some(in_c), Some(out_c), Some(kernel), Some(stride)) = (
            channels_within(in_c),
            channels_within(out_c),
            side_within(kernel, MAX_KERNEL),
            side_within(stride, MAX_STRIDE),
        ) else {
            return None;
        };
        if padding >= (kernel.get() as usize).div_ceil(2) {
            return None;
        }
        let padding = low_byte(padding);
        Some(Self { in_c, out_c, kernel, stride, padding, border: Border::Reflect })
    }

    /// Returns the same geometry with another border.
    #[must_use]
    pub const fn with_border(self, border: Border) -> Self {
        Self { border, ..self }
    }

    /// Returns the number of input channels.
    #[must_use]
    pub const fn in_c(&self) -> usize {
        self.in_c.get() as usize
    }

    /// Returns the number of output channels.
    #[must_use]
    pub const fn out_c(&self) -> usize {
        self.out_c.get() as usize
    }

    /// Returns the side of the kernel.
    #[must_use]
    pub const fn kernel(&self) -> usize {
        self.kernel.get() as usize
    }

    /// Returns the stride, the same in both directions.
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.stride.get() as usize
    }

    /// Returns the number of pixels that are added at each border.
    #[must_use]
    pub const fn padding(&self) -> usize {
        self.padding as usize
    }

    /// Returns what is added at the borders.
    #[must_use]
    pub const fn border(&self) -> Border {
        self.border
    }

    /// Returns the smallest side of an input: reflection leaves out the edge
    /// pixel, so it needs one more than it repeats.
    #[must_use]
    pub const fn min_side(&self) -> usize {
        let window = self.kernel() - 2 * self.padding();
        let reflected = match self.border {
            Border::Reflect => self.padding() + 1,
            Border::Zero => 1,
        };
        if window > reflected { window } else { reflected }
    }

    /// Returns the smallest side of an input whose output has `out_side`
    /// pixels.
    #[must_use]
    pub const fn in_side(&self, out_side: usize) -> usize {
        let window = self.kernel() - 2 * self.padding();
        let reach = out_side.saturating_sub(1).saturating_mul(self.stride()).saturating_add(window);
        if reach > self.min_side() { reach } else { self.min_side() }
    }

    /// Returns the side of the output for an input of `side` pixels, or 0 for
    /// one below [`min_side`](Self::min_side).
    #[must_use]
    pub const fn out_side(&self, side: usize) -> usize {
        if side < self.min_side() {
            return 0;
        }
        // What the kernel reaches beyond the padding is at most `min_side`.
        (side - (self.kernel() - 2 * self.padding())) / self.stride() + 1
    }

    /// Returns the taps in one row of the kernel, which lie together in a row of
    /// the input: `kernel · in_c`, at least 1.
    #[must_use]
    pub const fn taps_per_row(&self) -> usize {
        at_least_one(self.kernel() * self.in_c())
    }

    /// Returns the taps of one output channel: `kernel · kernel · in_c`, at
    /// least 1. Tap `(ky · kernel + kx) · in_c + c` meets the input at row `ky`,
    /// column `kx` and channel `c` of the window.
    #[must_use]
    pub const fn taps(&self) -> usize {
        at_least_one(self.kernel() * self.taps_per_row())
    }

    /// Returns the number of weights, `[out_c, kernel, kernel, in_c]`.
    #[must_use]
    pub const fn weights_len(&self) -> usize {
        self.out_c() * self.taps()
    }

    /// Returns the multiply-accumulates for an input of that size, or
    /// `u64::MAX` where they are more.
    #[must_use]
    pub const fn macs(&self, size: ImageSize) -> u64 {
        (self.out_side(size.width) as u64)
            .saturating_mul(self.out_side(size.height) as u64)
            .saturating_mul(self.weights_len() as u64)
    }
}

/// Returns the side of the pooled map for a map of `side` pixels: every order
/// of pooling has window 3, stride 2 and padding 1.
#[must_use]
pub const fn pooled_side(side: usize) -> usize {
    side.div_ceil(POOL_STRIDE)
}

/// Tells the compiler what it cannot see in a product: that it is not zero.
const fn at_least_one(product: usize) -> usize {
    if product == 0 { 1 } else { product }
}

const fn channels_within(value: usize) -> Option<NonZero<u16>> {
    const { assert!(MAX_CHANNELS <= u16::MAX as usize) };
    let [first, second, ..] = value.to_le_bytes();
    let low = [first, second];
    if value <= MAX_CHANNELS { NonZero::new(u16::from_le_bytes(low)) } else { None }
}

/// Returns the low byte of a number that has no other.
pub(crate) const fn low_byte(number: usize) -> u8 {
    let [low, ..] = number.to_le_bytes();
    low
}

const fn side_within(value: usize, largest: usize) -> Option<NonZero<u8>> {
    if value <= largest { NonZero::new(low_byte(value)) } else { None }
}

/// Returns the coordinate in `0..side` that stands at `padded` once `padding`
/// pixels are reflected at each border, without repeating the edge pixel.
///
/// Right for `padding < side` and `padded < side + 2 · padding`; otherwise a
/// coordinate of no meaning, in `0..side` or 0.
#[must_use]
pub const fn reflect(padded: usize, padding: usize, side: usize) -> usize {
    let coordinate = padded.abs_diff(padding);
    let last = side.saturating_sub(1);
    if coordinate < side {
        coordinate
    } else {
        // `2 · last - coordinate`, where that is not below 0.
        last.saturating_sub(coordinate - last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflection_leaves_out_the_edge() {
        let reflected: [usize; 8] = core::array::from_fn(|padded| reflect(padded, 2, 4));
        assert_eq!(reflected, [2, 1, 0, 1, 2, 3, 2, 1]);
    }

    #[test]
    fn numbers_that_no_image_has_neither_wrap_nor_panic() {
        let widest = ConvGeometry::new(1024, 1024, 15, 1, 7).expect("valid");
        let narrow = ConvGeometry::new(1, 1, 1, 1, 0).expect("valid");
        let zero = widest.with_border(Border::Zero);
        for conv in [widest, narrow, zero] {
            for side in [0, 1, 2, 8192, usize::MAX / 2, usize::MAX - 1, usize::MAX] {
                let out = conv.out_side(side);
                assert!(out <= side && pooled_side(out) <= out, "{side}");
                assert!(conv.macs(ImageSize::square(side)) >= out as u64);
                for padding in [0, 1, 7, usize::MAX] {
                    for padded in [0, 1, 8, usize::MAX] {
                        assert!(reflect(padded, padding, side) < side.max(1));
                    }
                }
            }
        }
        assert_eq!(widest.macs(ImageSize::square(usize::MAX)), u64::MAX);
        assert_eq!(narrow.out_side(usize::MAX), usize::MAX);
    }

    #[test]
    fn geometry_that_cannot_stream_is_refused() {
        assert!(ConvGeometry::new(3, 8, 4, 1, 2).is_none());
        assert!(ConvGeometry::new(0, 8, 3, 1, 1).is_none());
        assert!(ConvGeometry::new(3, 8, 17, 1, 8).is_none());
        assert_eq!(ConvGeometry::new(3, 8, 3, 1, 0).map(|g| g.min_side()), Some(3));
    }

    #[test]
    fn side_that_is_needed_is_the_smallest() {
        for (kernel, stride, padding) in [(11, 4, 5), (5, 1, 2), (3, 2, 0), (4, 3, 1), (1, 8, 0)] {
            for border in Border::ALL {
                let conv = ConvGeometry::new(1, 1, kernel, stride, padding).expect("valid");
                let conv = conv.with_border(border);
                for out in 1..20 {
                    let side = conv.in_side(out);
                    assert!(conv.out_side(side) >= out, "{conv:?} {out}");
                    assert!(conv.out_side(side - 1) < out, "{conv:?} {out}");
                }
            }
        }
    }
}
