//! Readouts of a population of neurons (Lurz et al. 2021): each neuron looks at
//! one position of the map, between four pixels, weighs the channels there and
//! gives a rate.
//!
//! All of the kind is in this folder: its geometry and tables here, its table of
//! exponentials in `elu.rs`, what it keeps between rows in `layer.rs`, its
//! kernels, its reference, its fields in a header and its checks.

mod check;
mod elu;
mod header;
mod kernels;
mod layer;
mod reference;
mod spec;

use crate::arithmetic::Requant;
use crate::memory::ALIGNMENT;
use crate::parameters::Scales;
use crate::shape::MAX_CHANNELS;

pub(crate) use check::tables;
pub use elu::elu_plus_one;
pub(crate) use header::ReadoutHeader;
pub use kernels::ReadoutKernels;
#[cfg(lcl_kernels = "arm-dsp")]
pub(crate) use kernels::sums as portable_sums;
pub(crate) use layer::ReadoutLayer;
pub use reference::readout_ref;
pub use spec::{NeuronSpec, ReadoutSpec};

/// Most neurons of a readout.
pub const MAX_NEURONS: usize = 16_384;

/// Rates of a row that is handed out.
pub const RATES_PER_ROW: usize = 16;

/// The position of the right and the lower border of a map; 0 is the left and the
/// upper one.
pub const POSITION_ONE: u16 = 1 << 15;

/// Words that a neuron takes in the table of neurons: position, bias, multiplier
/// and shift to a drive, multiplier and shift to a byte, number, zero.
pub(crate) const NEURON_WORDS: usize = 8;

/// The number of channels that a readout takes, and of its neurons.
///
/// # Examples
///
/// ```
/// use lcl_infer::shape::ReadoutGeometry;
/// let readout = ReadoutGeometry::new(64, 1000).unwrap();
/// assert_eq!(readout.rows(), 63);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReadoutGeometry {
    in_c: u16,
    neurons: u16,
}

impl ReadoutGeometry {
    /// Creates a readout, or returns `None` for no channel or neuron, for more than
    /// [`MAX_CHANNELS`] or more than [`MAX_NEURONS`].
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "both are below 2^16")]
    pub const fn new(in_c: usize, neurons: usize) -> Option<Self> {
        if in_c == 0 || in_c > MAX_CHANNELS || neurons == 0 || neurons > MAX_NEURONS {
            return None;
        }
        Some(Self { in_c: in_c as u16, neurons: neurons as u16 })
    }

    /// Returns the channels of its input.
    #[must_use]
    pub const fn in_c(&self) -> usize {
        self.in_c as usize
    }

    /// Returns the number of neurons.
    #[must_use]
    pub const fn neurons(&self) -> usize {
        self.neurons as usize
    }

    /// Returns the rows of [`RATES_PER_ROW`] rates; behind the last neuron stand
    /// zeros.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.neurons().div_ceil(RATES_PER_ROW)
    }

    /// Returns the bytes of a neuron's weights, filled up with zeros.
    pub(crate) const fn padded_c(&self) -> usize {
        self.in_c().next_multiple_of(ALIGNMENT)
    }

    /// Returns the bytes of the weights and those of the table of neurons.
    pub(crate) const fn lens(&self) -> [usize; 2] {
        [self.neurons() * self.padded_c(), self.neurons() * 4 * NEURON_WORDS]
    }
}

/// A readout with its tables, read in place.
#[derive(Clone, Copy, Debug)]
pub struct Readout<'a> {
    geometry: ReadoutGeometry,
    weights: &'a [i8],
    words: &'a [i32],
}

/// A readout of a blob, and what the bytes of its rates are worth.
#[derive(Clone, Copy, Debug)]
pub struct ReadoutParameters<'a> {
    /// The readout.
    pub readout: Readout<'a>,
    /// What one step of each neuron's rate is worth, in the order of the neurons.
    pub output_scale: Scales<'a>,
}

/// One neuron: where it looks, and how its sum becomes a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Neuron {
    /// Position along x and along y, 0 to [`POSITION_ONE`], whatever the map's
    /// size.
    pub position: [u16; 2],
    /// Added to the sum.
    pub bias: i32,
    /// Makes the sum a drive in 1/1024.
    pub drive: Requant,
    /// Makes `ELU(drive) + 1`, in 1/32768, a byte.
    pub rate: Requant,
    /// Number that its maker gave it: neurons stand in the order of y.
    pub number: u32,
}

/// Where a neuron looks in a map of one size, along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The pixel before it.
    pub(crate) cell: usize,
    /// Its share of the pixel behind, in 1/256.
    pub(crate) share: i32,
}

impl Place {
    /// Returns where a position lies among `side` pixels: `(position · (side - 1) ·
    /// 256 + 2^14) >> 15` is pixel and share.
    #[inline]
    pub(crate) const fn of(position: u16, side: usize) -> Self {
        let last = side.saturating_sub(1) as u64;
        let place = (position as u64 * last * 256 + (1 << 14)) >> 15;
        Self { cell: (place >> 8) as usize, share: (place & 255) as i32 }
    }
}

impl<'a> Readout<'a> {
    /// Creates a readout from its tables, or returns `None` if a length does not fit.
    pub(crate) fn new(
        geometry: ReadoutGeometry,
        weights: &'a [i8],
        words: &'a [i32],
    ) -> Option<Self> {
        let [weights_len, words_len] = geometry.lens();
        let fits = weights.len() == weights_len && 4 * words.len() == words_len;
        fits.then_some(Self { geometry, weights, words })
    }

    /// Returns the geometry.
    #[must_use]
    pub const fn geometry(&self) -> ReadoutGeometry {
        self.geometry
    }

    /// Returns a neuron, or `None` behind the last.
    #[must_use]
    #[inline]
    pub fn neuron(&self, index: usize) -> Option<Neuron> {
        let words = self.words.get(index.checked_mul(NEURON_WORDS)?..)?;
        let &[position, bias, drive, drive_shift, rate, rate_shift, number, ..] = words else {
            return None;
        };
        let [x_low, x_high, y_low, y_high] = position.to_le_bytes();
        Some(Neuron {
            position: [u16::from_le_bytes([x_low, x_high]), u16::from_le_bytes([y_low, y_high])],
            bias,
            drive: Requant::from_checked(drive, drive_shift),
            rate: Requant::from_checked(rate, rate_shift),
            number: u32::from_ne_bytes(number.to_ne_bytes()),
        })
    }

    /// Returns a neuron's weights, `[in_c]` and zeros up to a multiple of 16.
    #[must_use]
    #[inline]
    pub fn weights(&self, index: usize) -> &'a [i8] {
        let len = self.geometry.padded_c();
        let start = index.saturating_mul(len);
        self.weights.get(start..).and_then(|rest| rest.get(..len)).unwrap_or_default()
    }
}

impl Neuron {
    /// Returns the rate of the sums of weights times bytes at four pixels: above left,
    /// above right, below left, below right.
    ///
    /// `acc = bias + (Σ share · sum + 2^15) >> 16`, with shares in 1/65536; the drive
    /// is `(acc · multiplier + half) >> shift` in 1/1024.
    #[must_use]
    #[inline]
    pub(crate) fn rate_of(&self, sums: [i32; 4], x_share: i32, y_share: i32) -> u8 {
        let [above_left, above_right, below_left, below_right] = sums.map(i64::from);
        let (right, below) = (i64::from(x_share), i64::from(y_share));
        let above = above_left * (256 - right) + above_right * right;
        let under = below_left * (256 - right) + below_right * right;
        let sum = (above * (256 - below) + under * below + (1 << 15)) >> 16;
        // It fits: the bound of the accumulator was checked.
        #[expect(clippy::cast_possible_truncation, reason = "a weighted mean of i32")]
        let acc = self.bias.wrapping_add(sum as i32);
        self.rate.requantise(elu_plus_one(self.drive.scaled(acc)))
    }
}
