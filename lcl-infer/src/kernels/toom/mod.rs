//! Convolutions through exact integer Toom–Cook along x: the same bytes with
//! fewer products.
//!
//! A row of `r` taps gives `m` neighbouring outputs with `m + r - 1` products of
//! 16 bits in place of `m · r` of eight. Weights are transformed once, values
//! when a row of output reads them, in scratch that the caller owns, so a kernel
//! takes the same window as any other. Everything is modulo 2^32: sums may wrap,
//! and the outputs are right as long as they themselves fit. What this rests on
//! is in `docs/toom-cook.md`; the compiler proves each transform.
//!
//! Start with [`ToomGeometry`].

mod geometry;
mod matrices;
pub(in crate::kernels) mod portable;
pub(in crate::kernels) mod row;
mod transform;
mod weights;

use super::RowWindow;
pub use geometry::{Order, Pair, ToomGeometry};
pub use matrices::{F2_3, F2_5, F3_5, F4_3, F4_5, F6_3, TRANSFORMS};
use portable::Portable;
use row::Machine;
pub use transform::{
    DataMatrix, MAX_OUTPUTS, MAX_POINTS, MAX_TAPS, OutputMatrix, TapMatrix, Transform,
};
pub use weights::{NotTransformed, ToomConv2d, check_weights, recover_weights, transform_weights};

/// One implementation of a convolution through a transform.
#[derive(Clone, Copy, Debug)]
pub struct ToomKernels {
    /// Name of the instruction set.
    pub name: &'static str,
    /// The order of weights that it reads; of another it computes none.
    pub order: Order,
    /// Most tiles that it computes together.
    pub max_tiles: usize,
    /// One row of convolution and requantisation, `out` is `[1, W_out, out_c]`;
    /// `scratch` is aligned to 16 bytes and has [`ToomGeometry::scratch_len`] of
    /// them for one tile or more, whose content is of no account.
    pub conv2d_row:
        fn(conv: &ToomConv2d<'_>, window: &RowWindow<'_>, out: &mut [u8], scratch: &mut [u8]),
}

impl ToomKernels {
    /// Makes the table of a machine.
    pub(in crate::kernels) const fn of<M: Machine>(name: &'static str) -> Self {
        Self { name, order: M::ORDER, max_tiles: M::MAX_TILES, conv2d_row: row::conv2d_row::<M> }
    }
}

/// Transforms in portable Rust.
pub static PORTABLE: ToomKernels = ToomKernels::of::<Portable>("portable");

/// Returns the kernels for the machine that this runs on.
#[must_use]
pub fn active() -> &'static ToomKernels {
    super::arch::toom_available().next().unwrap_or(&PORTABLE)
}

/// Iterates over all kernels that this machine can run.
pub fn available() -> impl Iterator<Item = &'static ToomKernels> {
    core::iter::once(&PORTABLE).chain(super::arch::toom_available())
}
