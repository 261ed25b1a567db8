//! Dense layers: every output is a sum over all channels of a pixel.
//!
//! All of the kind is in this folder: its geometry and tables here, what it
//! keeps between rows in `layer.rs`, its kernel, its reference and its fields
//! in a header. Behind an average over the whole map there is one pixel.

mod header;
mod kernels;
mod layer;
mod reference;

use core::num::NonZero;

use crate::parameters::{ChannelTable, Scales};

pub(crate) use header::DenseHeader;
pub use kernels::DenseKernels;
pub(crate) use layer::DenseLayer;
pub use reference::dense_ref;

/// Largest number of values at either side of a dense layer.
pub const MAX_DENSE: usize = 4096;

/// Weights of an output are filled up with zeros to a multiple of this.
const BLOCK: usize = 16;

/// What becomes of a layer's sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Sums {
    /// Bytes, clamped at 0: the ReLU is in it.
    #[default]
    Bytes,
    /// The sums themselves, i32 in four bytes, little-endian: for the last layer,
    /// without a ReLU.
    Words,
}

impl Sums {
    /// Both, in the order of the blob's encoding.
    pub const ALL: [Self; 2] = [Self::Bytes, Self::Words];

    /// Returns the bytes of one output.
    #[must_use]
    pub const fn byte_len(self) -> usize {
        match self {
            Self::Bytes => 1,
            Self::Words => 4,
        }
    }
}

/// The size of a dense layer: `inputs` values of a pixel become `outputs`.
///
/// # Examples
///
/// ```
/// use lcl_infer::shape::{DenseGeometry, Sums};
/// let last = DenseGeometry::new(256, 10, Sums::Words).unwrap();
/// assert_eq!((last.inputs(), last.row_len(1)), (256, 40));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DenseGeometry {
    inputs: NonZero<u16>,
    outputs: NonZero<u16>,
    sums: Sums,
}

impl DenseGeometry {
    /// Creates a size, or returns `None` if the engine cannot run it: 1 to
    /// [`MAX_DENSE`] values at either side.
    #[must_use]
    pub const fn new(inputs: usize, outputs: usize, sums: Sums) -> Option<Self> {
        if inputs > MAX_DENSE || outputs > MAX_DENSE {
            return None;
        }
        // Both are at most `MAX_DENSE`.
        let [low, high] = [(inputs & 0xffff) as u16, (outputs & 0xffff) as u16];
        match (NonZero::new(low), NonZero::new(high)) {
            (Some(inputs), Some(outputs)) => Some(Self { inputs, outputs, sums }),
            _ => None,
        }
    }

    /// Returns the values of a pixel that it takes.
    #[must_use]
    pub const fn inputs(&self) -> usize {
        self.inputs.get() as usize
    }

    /// Returns the values that it gives for a pixel.
    #[must_use]
    pub const fn outputs(&self) -> usize {
        self.outputs.get() as usize
    }

    /// Returns what becomes of its sums.
    #[must_use]
    pub const fn sums(&self) -> Sums {
        self.sums
    }

    /// Returns the bytes that it gives for a pixel.
    #[must_use]
    pub const fn out_bytes(&self) -> usize {
        self.outputs() * self.sums.byte_len()
    }

    /// Returns the bytes of a row of its output, of so many pixels.
    #[must_use]
    pub const fn row_len(&self, width: usize) -> usize {
        width.saturating_mul(self.out_bytes())
    }

    /// Returns the bytes of the weights of one output, filled up with zeros.
    #[must_use]
    pub const fn padded_inputs(&self) -> usize {
        self.inputs().next_multiple_of(BLOCK)
    }

    /// Returns the bytes of all weights as they stand in a blob.
    #[must_use]
    pub const fn weights_len(&self) -> usize {
        self.outputs() * self.padded_inputs()
    }

    /// Returns the outputs filled up to a multiple of four, as a table of
    /// channels has them.
    #[must_use]
    pub const fn padded_outputs(&self) -> usize {
        self.outputs().next_multiple_of(crate::packing::CHANNEL_GROUP)
    }
}

/// One dense layer: its size, weights and what each output adds.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a> {
    geometry: DenseGeometry,
    weights: &'a [i8],
    channels: ChannelTable<'a>,
}

impl<'a> Dense<'a> {
    /// Creates a layer, or returns `None` if a length does not fit its size.
    ///
    /// # Shapes
    ///
    /// `weights` is `[outputs, padded_inputs]`, `channels` has `outputs` entries,
    /// of which only the bias is used where the sums are handed out.
    #[must_use]
    pub fn new(
        geometry: DenseGeometry,
        weights: &'a [i8],
        channels: ChannelTable<'a>,
    ) -> Option<Self> {
        let fits = weights.len() == geometry.weights_len() && channels.len() == geometry.outputs();
        fits.then_some(Self { geometry, weights, channels })
    }

    /// Returns its size.
    #[must_use]
    pub const fn geometry(&self) -> DenseGeometry {
        self.geometry
    }

    /// Iterates over the weights of each output, `[inputs]`, in `[-127, 127]`.
    pub fn filters(&self) -> impl Iterator<Item = &'a [i8]> {
        let inputs = self.geometry.inputs();
        let rows = self.weights.chunks_exact(self.geometry.padded_inputs().max(1));
        rows.map(move |row| row.get(..inputs).unwrap_or_default())
    }

    /// Returns bias and requantisation of each output.
    #[must_use]
    pub const fn channels(&self) -> ChannelTable<'a> {
        self.channels
    }
}

/// A dense layer of a blob, and what its outputs are worth.
#[derive(Clone, Copy, Debug)]
pub struct DenseParameters<'a> {
    /// The layer with its weights.
    pub dense: Dense<'a>,
    /// What one step of each output is worth.
    pub output_scale: Scales<'a>,
}

/// Iterates over the sums in a row of a layer that hands them out.
///
/// # Examples
///
/// ```
/// let row = [1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
/// assert!(lcl_infer::sums(&row).eq([1, -1]));
/// ```
pub fn sums(values: &[u8]) -> impl Iterator<Item = i32> + Clone + '_ {
    values.chunks_exact(4).filter_map(|bytes| Some(i32::from_le_bytes(bytes.try_into().ok()?)))
}
