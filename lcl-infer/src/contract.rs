//! The integer contracts, by name.

use crate::shape::{Border, ConvGeometry};

/// An integer contract: which operations there are, each fixed to the byte.
///
/// # Examples
///
/// ```
/// assert_eq!(lcl_infer::Contract::V1.id(), "lcl.u8.v1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Contract {
    /// `lcl.u8.v1`: every activation is an unsigned byte with real zero at 0.
    ///
    /// A convolution sums `weight · value` in i32 from the bias on, with
    /// reflected coordinates; [`Requant::requantise`](crate::parameters::Requant::requantise)
    /// makes the sum a byte; a pool takes the maximum over the bytes that exist
    /// and blurs with `(Σ tap · byte + 8) >> 4`, taps `[1 2 1] ⊗ [1 2 1]`,
    /// zeros outside. Every kernel on every machine gives these bytes.
    V1,
    /// `lcl.u8.v2`: those of `lcl.u8.v1` to the byte, and more.
    ///
    /// Zero padding pads byte 0. A plain pool takes the maximum over the bytes
    /// of its window that exist, or their average with zeros outside,
    /// `(2 · Σ + n) / (2 · n)` rounded down: half up. A dense layer sums
    /// `weight · value` over the channels of a pixel in i32 from the bias on; the
    /// sum becomes a byte as that of a convolution, or in a last layer, without a
    /// ReLU, is handed out as it is. Divisive normalisation, resampling and the
    /// retina divide once, rounded half up; docs/blob.md has each to the bit.
    /// A readout weighs four sums by shares in 1/256 and goes through the table of
    /// [`elu_plus_one`](crate::reference::elu_plus_one).
    V2,
}

impl Contract {
    /// Every contract, oldest first.
    pub const ALL: [Self; 2] = [Self::V1, Self::V2];

    /// Returns the id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::V1 => "lcl.u8.v1",
            Self::V2 => "lcl.u8.v2",
        }
    }

    /// Returns the number by which a blob's header calls it.
    pub(crate) const fn number(self) -> u32 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
}

impl ConvGeometry {
    /// Returns the first contract that has such a convolution.
    pub(crate) const fn contract(&self) -> Contract {
        match self.border() {
            Border::Reflect => Contract::V1,
            Border::Zero => Contract::V2,
        }
    }
}
