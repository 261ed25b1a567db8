//! Shapes of a convolution that goes through a transform, and the order of its
//! weights.

use super::transform::Transform;
use crate::shape::ConvGeometry;

/// Two values of 16 bits that one instruction multiplies with two others.
pub type Pair = [i16; 2];

/// Output channels whose weights stand together.
pub(crate) const CHANNELS: usize = 2;

/// Values of a step whose pairs stand together.
const QUAD: usize = 4;

/// A convolution and the transform of its rows.
///
/// What a window moves by, `stride · in_c` neighbouring bytes of a row, is a
/// *step*. A row of the kernel is as many steps long as the transform has taps,
/// the last filled up with weights of 0, so a stride of four is a convolution of
/// stride one over steps of four pixels. Step `i` of a window and value `v` of a
/// step meet the weight of column `i · stride + v / in_c` and channel
/// `v % in_c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToomGeometry {
    conv: ConvGeometry,
    transform: &'static Transform,
}

impl ToomGeometry {
    /// Creates the geometry, or returns `None` if the transform is for
    /// another number of steps or sums could be larger than it can give.
    ///
    /// # Examples
    ///
    /// ```
    /// use lcl_infer::LCL_V2;
    /// use lcl_infer::toom::{F4_5, F6_3, ToomGeometry};
    ///
    /// let mut convolutions = LCL_V2.convolutions();
    /// let [conv1, conv2] = [(); 2].map(|()| convolutions.next().unwrap());
    /// assert!(ToomGeometry::new(conv1, &F6_3).is_some());
    /// assert!(ToomGeometry::new(conv2, &F4_5).is_some());
    /// assert!(ToomGeometry::new(conv2, &F6_3).is_none());
    /// ```
    #[must_use]
    pub const fn new(conv: ConvGeometry, transform: &'static Transform) -> Option<Self> {
        let steps = conv.kernel().div_ceil(conv.stride());
        let largest = (u8::MAX as u64) * (i8::MAX as u64) * conv.taps() as u64;
        if steps == transform.taps() && largest <= transform.largest_sum() {
            Some(Self { conv, transform })
        } else {
            None
        }
    }

    /// Returns the convolution.
    #[must_use]
    pub const fn conv(&self) -> ConvGeometry {
        self.conv
    }

    /// Returns the transform.
    #[must_use]
    pub const fn transform(&self) -> &'static Transform {
        self.transform
    }

    /// Returns the values of a step, at least 1.
    #[must_use]
    pub const fn step_len(&self) -> usize {
        let len = self.conv.stride() * self.conv.in_c();
        if len == 0 { 1 } else { len }
    }

    /// Returns the pairs of a step, an even number, at least 2.
    #[must_use]
    pub const fn pairs_per_row(&self) -> usize {
        self.step_len().div_ceil(QUAD) * (QUAD / 2)
    }

    /// Returns the pairs that meet at one point: those of all rows of the
    /// kernel.
    #[must_use]
    pub const fn pairs(&self) -> usize {
        self.conv.kernel() * self.pairs_per_row()
    }

    /// Returns the pairs of weights of one group of channels.
    #[must_use]
    pub const fn group_len(&self) -> usize {
        self.transform.points() * self.pairs() * CHANNELS
    }

    /// Returns the number of pairs of transformed weights.
    #[must_use]
    pub const fn weights_len(&self) -> usize {
        self.conv.out_c().div_ceil(CHANNELS) * self.group_len()
    }

    /// Returns where the weight of a channel, a point, a row of the kernel and a
    /// value of a step stands: `[out_c / 2][point][ky][pair][out_c % 2]`, and
    /// which of the pair it is.
    #[must_use]
    pub const fn weight_index(
        &self,
        oc: usize,
        point: usize,
        ky: usize,
        value: usize,
    ) -> (usize, usize) {
        let (pair, half) = pair_of(value);
        let pairs = point * self.pairs() + ky * self.pairs_per_row() + pair;
        (oc / CHANNELS * self.group_len() + pairs * CHANNELS + oc % CHANNELS, half)
    }

    /// Returns the tiles of a row of `out_w` outputs.
    #[must_use]
    pub const fn tiles(&self, out_w: usize) -> usize {
        out_w.div_ceil(if self.transform.outputs() == 0 { 1 } else { self.transform.outputs() })
    }

    /// Returns the pairs of transformed data of `tiles` tiles: those of each
    /// point and row of the kernel.
    pub(crate) const fn data_len(&self, tiles: usize) -> usize {
        self.transform.points() * self.pairs() * tiles
    }
}

/// Returns the pair that a value of a step belongs to, and which of it: values 0
/// and 2 of each four, then values 1 and 3, as instructions separate the bytes of a
/// word.
pub(crate) const fn pair_of(value: usize) -> (usize, usize) {
    (value / QUAD * 2 + value % 2, value % QUAD / 2)
}

/// Returns the value of a step that a pair and its place there stand for.
pub(super) const fn value_of(pair: usize, half: usize) -> usize {
    pair / 2 * QUAD + 2 * half + pair % 2
}
