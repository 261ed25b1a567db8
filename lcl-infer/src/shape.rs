//! Sizes and geometry: what follows from a width, a kernel and a stride.

use core::num::NonZero;

use serde::{Deserialize, Serialize};

/// Largest kernel side that a stage may have.
pub const MAX_KERNEL: usize = 15;

/// Largest number of channels at either side of a stage.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[serde(rename_all = "kebab-case")]
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

/// Geometry of a convolution with reflection at the borders.
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
    // Types that exclude zero: what divides by one of them cannot panic.
    in_c: NonZero<usize>,
    out_c: NonZero<usize>,
    kernel: NonZero<usize>,
    stride: NonZero<usize>,
    padding: usize,
}

impl ConvGeometry {
    /// Creates a geometry, or returns nothing where the engine cannot run it.
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
            within(in_c, MAX_CHANNELS),
            within(out_c, MAX_CHANNELS),
            within(kernel, MAX_KERNEL),
            within(stride, MAX_STRIDE),
        ) else {
            return None;
        };
        if padding >= kernel.get().div_ceil(2) {
            return None;
        }
        Some(Self { in_c, out_c, kernel, stride, padding })
    }

    /// Returns the number of input channels.
    #[must_use]
    pub const fn in_c(&self) -> usize {
        self.in_c.get()
    }

    /// Returns the number of output channels.
    #[must_use]
    pub const fn out_c(&self) -> usize {
        self.out_c.get()
    }

    /// Returns the side of the kernel.
    #[must_use]
    pub const fn kernel(&self) -> usize {
        self.kernel.get()
    }

    /// Returns the stride, the same in both directions.
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.stride.get()
    }

    /// Returns the number of reflected pixels at each border.
    #[must_use]
    pub const fn padding(&self) -> usize {
        self.padding
    }

    /// Returns the smallest side of an input: reflection leaves out the edge
    /// pixel, so it needs one more than it repeats.
    #[must_use]
    pub const fn min_side(&self) -> usize {
        let window = self.kernel() - 2 * self.padding;
        if window > self.padding + 1 { window } else { self.padding + 1 }
    }

    /// Returns the side of the output for an input of `side` pixels, or 0 for
    /// one below [`min_side`](Self::min_side).
    #[must_use]
    pub const fn out_side(&self, side: usize) -> usize {
        if side < self.min_side() {
            return 0;
        }
        // What the kernel reaches beyond the padding is at most `min_side`.
        (side - (self.kernel() - 2 * self.padding)) / self.stride() + 1
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

/// Geometry of one cortical stage: convolution, ReLU, pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StageGeometry {
    /// The convolution; batch norm is folded into it.
    pub conv: ConvGeometry,
    /// The order of pooling.
    pub pool: PoolOrder,
}

impl StageGeometry {
    /// Returns the side of the stage's output for an input of `side` pixels.
    #[must_use]
    pub const fn out_side(&self, side: usize) -> usize {
        pooled_side(self.conv.out_side(side))
    }
}

/// Convolutions of the published model, LCL-V2: stage 1 (V1) and stage 2 (V2).
pub const LCL_V2: [ConvGeometry; 2] =
    match (ConvGeometry::new(3, 64, 11, 4, 5), ConvGeometry::new(64, 192, 5, 1, 2)) {
        (Some(v1), Some(v2)) => [v1, v2],
        _ => panic!("the engine runs the published model"),
    };

/// Convolutions of the published model once stage 1 is folded to grey images.
pub const LCL_V2_GRAY: [ConvGeometry; 2] = match ConvGeometry::new(1, LCL_V2[0].out_c(), 11, 4, 5) {
    Some(v1) => [v1, LCL_V2[1]],
    None => panic!("the engine runs the published model on grey images"),
};

/// Tells the compiler what it cannot see in a product: that it is not zero.
const fn at_least_one(product: usize) -> usize {
    if product == 0 { 1 } else { product }
}

const fn within(value: usize, largest: usize) -> Option<NonZero<usize>> {
    if value <= largest { NonZero::new(value) } else { None }
}

/// Returns the smallest width and height that stages of that geometry can
/// stream: reflection leaves out the edge pixel, in each stage.
#[must_use]
pub const fn min_image_side(stages: &[ConvGeometry; 2]) -> usize {
    let mut side = stages[0].min_side();
    while side < MAX_IMAGE_SIDE && pooled_side(stages[0].out_side(side)) < stages[1].min_side() {
        side += 1;
    }
    side
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
    fn sizes_of_the_published_model() {
        for (side, v1, v2) in [(48, 6, 3), (96, 12, 6), (224, 28, 14), (17, 3, 2)] {
            let conv1 = pooled_side(LCL_V2[0].out_side(side));
            assert_eq!((conv1, pooled_side(LCL_V2[1].out_side(conv1))), (v1, v2), "{side}");
        }
    }

    #[test]
    fn reflection_leaves_out_the_edge() {
        let reflected: [usize; 8] = core::array::from_fn(|padded| reflect(padded, 2, 4));
        assert_eq!(reflected, [2, 1, 0, 1, 2, 3, 2, 1]);
    }

    #[test]
    fn numbers_that_no_image_has_neither_wrap_nor_panic() {
        let widest = ConvGeometry::new(1024, 1024, 15, 1, 7).expect("valid");
        let narrow = ConvGeometry::new(1, 1, 1, 1, 0).expect("valid");
        for conv in [widest, narrow, LCL_V2[0], LCL_V2[1]] {
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
}
