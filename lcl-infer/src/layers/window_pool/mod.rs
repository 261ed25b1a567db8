//! Plain pools with a window of their own: the maximum, or the average.
//!
//! All of the kind is in this folder: its geometry here, what it keeps between
//! rows in `layer.rs`, its kernels, its reference and its fields in a header.

mod header;
mod kernels;
mod layer;
mod reference;

use core::num::NonZero;

use crate::shape::{MAX_KERNEL, MAX_STRIDE, low_byte};

pub use kernels::WindowPoolKernels;
pub(crate) use layer::WindowPoolLayer;
pub use reference::window_pool_ref;

/// What a [`WindowPool`] makes of the bytes in its window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum WindowOperation {
    /// The largest of those that exist.
    #[default]
    Max,
    /// `(2 · Σ + n) / (2 · n)`, rounded down, for the `n` bytes of a window: the
    /// average, rounded half up. Bytes of 0 lie outside of the map and count.
    Average,
}

impl WindowOperation {
    /// Every operation, in the order of the blob's encoding.
    pub const ALL: [Self; 2] = [Self::Max, Self::Average];

    /// Returns the name of the operation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Average => "average",
        }
    }
}

/// A plain pool: a square window, a stride, and zeros around the map.
///
/// # Examples
///
/// ```
/// use lcl_infer::shape::{WindowOperation, WindowPool};
/// let global = WindowPool::new(WindowOperation::Average, 6, 6, 0).unwrap();
/// assert_eq!(global.out_side(6), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WindowPool {
    operation: WindowOperation,
    side: NonZero<u8>,
    stride: NonZero<u8>,
    padding: u8,
}

impl WindowPool {
    /// Creates a pool, or returns `None` if the engine cannot run it.
    ///
    /// Side of the window 1 to [`MAX_KERNEL`], stride 1 to [`MAX_STRIDE`], and a
    /// padding below half of the window.
    #[must_use]
    pub const fn new(
        operation: WindowOperation,
        side: usize,
        stride: usize,
        padding: usize,
    ) -> Option<Self> {
        if side > MAX_KERNEL || stride > MAX_STRIDE || padding >= side.div_ceil(2) {
            return None;
        }
        let [side, stride, padding] = [low_byte(side), low_byte(stride), low_byte(padding)];
        match (NonZero::new(side), NonZero::new(stride)) {
            (Some(side), Some(stride)) => Some(Self { operation, side, stride, padding }),
            _ => None,
        }
    }

    /// Returns what becomes of the bytes in a window.
    #[must_use]
    pub const fn operation(&self) -> WindowOperation {
        self.operation
    }

    /// Returns the side of the window.
    #[must_use]
    pub const fn side(&self) -> usize {
        self.side.get() as usize
    }

    /// Returns the stride, the same in both directions.
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.stride.get() as usize
    }

    /// Returns the number of zeros at each border.
    #[must_use]
    pub const fn padding(&self) -> usize {
        self.padding as usize
    }

    /// Returns the smallest side of an input.
    #[must_use]
    pub const fn min_side(&self) -> usize {
        self.side().saturating_sub(2 * self.padding())
    }

    /// Returns the side of the output for an input of `side` pixels, or 0 for
    /// one below [`min_side`](Self::min_side).
    #[must_use]
    pub const fn out_side(&self, side: usize) -> usize {
        if side < self.min_side() { 0 } else { (side - self.min_side()) / self.stride() + 1 }
    }

    /// Returns the smallest side of an input whose output has `out_side`
    /// pixels.
    #[must_use]
    pub const fn in_side(&self, out_side: usize) -> usize {
        let steps = out_side.saturating_sub(1).saturating_mul(self.stride());
        steps.saturating_add(self.min_side())
    }
}
