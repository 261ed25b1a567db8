//! Exact integer Toom–Cook along x: convolutions of the same bytes with fewer
//! products.
//!
//! A row of `r` taps gives `m` neighbouring outputs with `m + r - 1` products of
//! 16 bits in place of `m · r` of eight. Weights are transformed once, when a blob
//! is written; values when a row of output reads them. Everything is modulo
//! 2^32: sums may wrap, and the outputs are right as long as they themselves fit.
//! What this rests on is in `docs/toom-cook.md`; the compiler proves each
//! transform.
//!
//! Start with [`ToomGeometry`]. The kernels are
//! [`ConvKernels::toom_row`](crate::kernels::ConvKernels::toom_row).

mod geometry;
mod matrices;
mod transform;
mod weights;

pub(crate) use geometry::{CHANNELS, pair_of};
pub use geometry::{Pair, ToomGeometry};
pub use matrices::{F2_3, F2_5, F3_5, F4_3, F4_5, F6_3, TRANSFORMS};
pub use transform::{
    DataMatrix, MAX_OUTPUTS, MAX_POINTS, MAX_TAPS, OutputMatrix, TapMatrix, Transform,
};
pub use weights::{FilterSums, NotTransformed, ToomConv2d, check_filter, transform_weights};
