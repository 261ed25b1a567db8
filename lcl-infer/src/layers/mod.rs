//! The kinds of layers: what each makes of a map's size, what it keeps between
//! rows, and its rows.
//!
//! A kind is a file or a folder here, a variant of each of the enums below, and
//! a table of kernels.

mod conv;
pub(crate) mod dense;
pub(crate) mod norm;
pub(crate) mod opponent;
mod pool;
pub(crate) mod readout;
pub(crate) mod resample;
pub(crate) mod retina;
mod ring;
pub(crate) mod window_pool;
mod windowed;

use conv::ConvLayer;
use dense::{DenseGeometry, DenseLayer};
use norm::{NormGeometry, NormLayer};
use opponent::{Opponent, OpponentLayer};
use pool::PoolLayer;
use readout::{RATES_PER_ROW, ReadoutGeometry, ReadoutLayer};
use resample::{Resample, ResampleLayer};
use retina::{Retina, RetinaLayer};
pub(crate) use ring::{Count, count};
use window_pool::{WindowPool, WindowPoolLayer};

use crate::contract::Contract;
use crate::kernels::{self, Kernels};
use crate::parameters::Operation;
use crate::parts::{Components, If, Part, Population, Recognition, Switch};
use crate::shape::{ConvGeometry, ImageSize, MAX_CHANNELS, PoolOrder, pooled_side};

/// What a layer does, without its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LayerKind {
    /// A convolution, its sums made bytes; batch norm is folded into it, and
    /// the clamp at 0 is its ReLU.
    Conv(ConvGeometry),
    /// A pool of window 3, stride 2 and padding 1.
    Pool(PoolOrder),
    /// A plain pool with a window of its own: the maximum, or the average.
    WindowPool(WindowPool),
    /// A dense layer: every output is a sum over all channels of a pixel.
    Dense(DenseGeometry),
    /// A divisive normalisation.
    Norm(NormGeometry),
    /// A resampling of a map of one size.
    Resample(Resample),
    /// A retina.
    Retina(Retina),
    /// A colour-opponent retina.
    Opponent(Opponent),
    /// A population of neurons, each with a position, in rows of 16 rates.
    Readout(ReadoutGeometry),
}

impl LayerKind {
    /// Returns the name of the kind.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Conv(_) => "convolution",
            Self::Pool(_) => "pool",
            Self::WindowPool(_) => "window pool",
            Self::Dense(_) => "dense",
            Self::Norm(_) => "divisive normalisation",
            Self::Resample(_) => "resampling",
            Self::Retina(_) => "retina",
            Self::Opponent(_) => "colour-opponent retina",
            Self::Readout(_) => "readout",
        }
    }

    /// Returns the channels that it takes, or `None` if it takes any number.
    #[must_use]
    pub const fn in_c(&self) -> Option<usize> {
        match self {
            Self::Conv(conv) => Some(conv.in_c()),
            Self::Dense(dense) => Some(dense.inputs()),
            Self::Readout(readout) => Some(readout.in_c()),
            Self::Norm(norm) => Some(norm.channels()),
            Self::Opponent(_) => Some(opponent::IN_C),
            Self::Pool(_) | Self::WindowPool(_) | Self::Resample(_) | Self::Retina(_) => None,
        }
    }

    /// Returns the channels that it gives for `in_c` of its input; where it hands
    /// out sums, their bytes.
    #[must_use]
    pub const fn out_c(&self, in_c: usize) -> usize {
        match self {
            Self::Conv(conv) => conv.out_c(),
            Self::Dense(dense) => dense.out_bytes(),
            Self::Norm(norm) => norm.channels(),
            Self::Retina(retina) => retina.out_c(in_c),
            Self::Opponent(_) => opponent::OUT_C,
            Self::Pool(_) | Self::WindowPool(_) | Self::Resample(_) => in_c,
            Self::Readout(_) => RATES_PER_ROW,
        }
    }

    /// Returns whether a layer of the kind can have so many channels before and
    /// behind it: a dense one has limits of its own.
    pub(crate) const fn takes_and_gives(&self, taken: usize, given: usize) -> bool {
        matches!(self, Self::Dense(_)) || (taken <= MAX_CHANNELS && given <= MAX_CHANNELS)
    }

    /// Returns the rows of its output for an input of `height` rows, or 0 for an
    /// input that is too low.
    #[must_use]
    pub const fn out_height(&self, height: usize) -> usize {
        match self {
            Self::Readout(readout) if height > 0 => readout.rows(),
            _ => self.out_side(height),
        }
    }

    /// Returns the pixels of a row of its output for an input of `side` pixels, or
    /// 0 for an input that is too small. It has as many rows for as many, but for
    /// those kinds that [`out_height`](Self::out_height) says otherwise of.
    #[must_use]
    pub const fn out_side(&self, side: usize) -> usize {
        match self {
            Self::Conv(conv) => conv.out_side(side),
            Self::Pool(_) => pooled_side(side),
            Self::WindowPool(pool) => pool.out_side(side),
            Self::Readout(_) => (side > 0) as usize,
            Self::Norm(norm) => norm.conv().out_side(side),
            Self::Resample(resample) => resample.out_side(side),
            Self::Dense(_) | Self::Retina(_) => side,
            // Reflection leaves out the edge pixel.
            Self::Opponent(_) if side > opponent::PADDING => side,
            Self::Opponent(_) => 0,
        }
    }

    /// Returns the smallest side of an input whose output has `out_side`
    /// pixels.
    #[must_use]
    pub const fn in_side(&self, out_side: usize) -> usize {
        match self {
            Self::Conv(conv) => conv.in_side(out_side),
            Self::Pool(_) => out_side.saturating_mul(2).saturating_sub(1),
            Self::WindowPool(pool) => pool.in_side(out_side),
            Self::Readout(_) => 1,
            Self::Norm(norm) => norm.conv().in_side(out_side),
            Self::Resample(resample) => resample.in_side(out_side),
            Self::Opponent(_) if out_side <= opponent::PADDING => opponent::PADDING + 1,
            Self::Dense(_) | Self::Retina(_) | Self::Opponent(_) => out_side,
        }
    }

    /// Returns the part of the engine that runs it, or `None` for a kind that every
    /// program has. A convolution whose weights are transformed has one too, see
    /// [`LayerParameters::part`](crate::parameters::LayerParameters::part).
    #[must_use]
    pub const fn part(&self) -> Option<Part> {
        match self {
            Self::Conv(_) | Self::Pool(_) => None,
            Self::WindowPool(_) | Self::Dense(_) => Some(Part::Recognition),
            Self::Norm(_) | Self::Resample(_) | Self::Retina(_) | Self::Opponent(_) => {
                Some(Part::Components)
            }
            Self::Readout(_) => Some(Part::Population),
        }
    }

    /// Returns the first contract that has this operation.
    #[must_use]
    pub const fn contract(&self) -> Contract {
        match self {
            Self::Conv(conv) => conv.contract(),
            Self::Pool(_) => Contract::V1,
            Self::WindowPool(_)
            | Self::Dense(_)
            | Self::Readout(_)
            | Self::Norm(_)
            | Self::Resample(_)
            | Self::Retina(_)
            | Self::Opponent(_) => Contract::V2,
        }
    }

    /// Returns the largest side of an input whose output has at most `out_side`
    /// pixels; `usize::MAX` if there is no limit.
    #[must_use]
    pub const fn largest_side(&self, out_side: usize) -> usize {
        if let Self::Resample(resample) = self {
            return resample.taken_side();
        }
        match out_side.checked_add(1) {
            Some(above) => self.in_side(above).saturating_sub(1),
            None => usize::MAX,
        }
    }

    /// Returns the bytes that it keeps between rows of `width` pixels.
    pub(crate) const fn memory_len(&self, width: usize, channels: usize) -> usize {
        match self {
            Self::Conv(conv) => ConvLayer::memory_len(conv, width),
            Self::Pool(_) => PoolLayer::memory_len(width, channels),
            Self::WindowPool(pool) => WindowPoolLayer::memory_len(pool, width, channels),
            Self::Dense(dense) => DenseLayer::memory_len(dense, width),
            Self::Norm(norm) => NormLayer::memory_len(norm, width),
            Self::Resample(resample) => ResampleLayer::memory_len(resample, channels),
            Self::Retina(_) => RetinaLayer::memory_len(width, channels),
            Self::Opponent(_) => OpponentLayer::memory_len(width),
            Self::Readout(readout) => ReadoutLayer::memory_len(readout, width),
        }
    }

    /// Returns the bytes of scratch that its kernels ask for.
    pub(crate) const fn scratch_len(&self, channels: usize) -> usize {
        match self {
            Self::Conv(conv) => kernels::scratch_len(conv),
            Self::Norm(norm) => kernels::norm_scratch_len(&norm.conv()),
            Self::Resample(resample) => ResampleLayer::scratch_len(resample, channels),
            Self::Pool(_)
            | Self::WindowPool(_)
            | Self::Dense(_)
            | Self::Readout(_)
            | Self::Retina(_)
            | Self::Opponent(_) => 0,
        }
    }
}

/// A layer on its way through a frame: what it counts. The bytes that it keeps
/// are the caller's.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Layer<'a> {
    Conv(ConvLayer<'a>),
    Pool(PoolLayer),
    WindowPool(If<Recognition, WindowPoolLayer>),
    Dense(If<Recognition, DenseLayer<'a>>),
    Norm(If<Components, NormLayer<'a>>),
    Resample(If<Components, ResampleLayer<'a>>),
    Retina(If<Components, RetinaLayer>),
    Opponent(If<Components, OpponentLayer>),
    Readout(If<Population, ReadoutLayer<'a>>),
}

/// Calls a method of whichever kind a layer is.
macro_rules! each {
    ($layer:expr, $kind:ident => $call:expr) => {
        match $layer {
            Layer::Conv($kind) => $call,
            Layer::Pool($kind) => $call,
            Layer::WindowPool($kind) => $call,
            Layer::Dense($kind) => $call,
            Layer::Norm($kind) => $call,
            Layer::Resample($kind) => $call,
            Layer::Retina($kind) => $call,
            Layer::Opponent($kind) => $call,
            Layer::Readout($kind) => $call,
        }
    };
}

impl<'a> Layer<'a> {
    /// Creates a layer for an input of that size and so many channels.
    pub(crate) fn new(operation: &Operation<'a>, size: ImageSize, channels: usize) -> Self {
        match *operation {
            Operation::Conv(parameters) => Self::Conv(ConvLayer::new(parameters.conv, size)),
            Operation::Pool(order) => Self::Pool(PoolLayer::new(order, size, channels)),
            Operation::WindowPool(pool) => Self::WindowPool(Recognition::map(pool, |pool| {
                WindowPoolLayer::of_pool(pool, size, channels)
            })),
            Operation::Dense(parameters) => {
                Self::Dense(Recognition::map(parameters, |it| DenseLayer::new(it.dense, size)))
            }
            Operation::Norm(parameters) => {
                Self::Norm(Components::map(parameters, |it| NormLayer::of_norm(it.norm, size)))
            }
            Operation::Resample(table) => {
                Self::Resample(Components::map(table, |it| ResampleLayer::new(it, channels)))
            }
            Operation::Retina(retina) => {
                Self::Retina(Components::map(retina, |it| RetinaLayer::new(it, size, channels)))
            }
            Operation::Opponent(retina) => {
                Self::Opponent(Components::map(retina, |it| OpponentLayer::new(it, size)))
            }
            Operation::Readout(parameters) => {
                Self::Readout(Population::map(parameters, |it| ReadoutLayer::new(it.readout, size)))
            }
        }
    }

    /// Forgets the frame.
    pub(crate) fn reset(&mut self) {
        each!(self, layer => layer.reset());
    }

    /// Returns the number of input rows that have arrived.
    pub(crate) fn arrived(&self) -> usize {
        each!(self, layer => layer.arrived())
    }

    /// Returns the number of output rows that were written.
    pub(crate) fn emitted(&self) -> usize {
        each!(self, layer => layer.emitted())
    }

    /// Returns where the next input row goes, `[1, W, C]`;
    /// [`commit`](Self::commit) follows once it is written.
    pub(crate) fn next_row<'m>(&self, memory: &'m mut [u8]) -> &'m mut [u8] {
        each!(self, layer => layer.next_row(memory))
    }

    /// Takes in the row that was written to [`next_row`](Self::next_row).
    pub(crate) fn commit(&mut self, memory: &mut [u8]) {
        each!(self, layer => layer.commit(memory));
    }

    /// Returns the input row that arrived last, `[1, W, C]`.
    pub(crate) fn last_row<'m>(&self, memory: &'m mut [u8]) -> &'m [u8] {
        each!(self, layer => layer.last_row(memory))
    }

    /// Returns whether [`emit`](Self::emit) has anything to do.
    pub(crate) fn is_ready(&self) -> bool {
        each!(self, layer => layer.is_ready())
    }

    /// Writes the next row of the output, `[1, W_out, C_out]`, if the rows that
    /// have arrived complete one; it is to be called while the layer
    /// [`is_ready`](Self::is_ready).
    pub(crate) fn emit(
        &mut self,
        kernels: &Kernels,
        memory: &mut [u8],
        out: &mut [u8],
        scratch: &mut [u8],
    ) -> bool {
        match self {
            Self::Conv(layer) => layer.emit(&kernels.conv, memory, out, scratch),
            Self::Pool(layer) => layer.emit(&kernels.pool, memory, out),
            Self::WindowPool(layer) => layer.emit(&kernels.window_pool, memory, out),
            Self::Dense(layer) => layer.emit(&kernels.dense, memory, out),
            Self::Norm(layer) => layer.emit(&kernels.norm, memory, out, scratch),
            Self::Resample(layer) => layer.emit(&kernels.resample, memory, out, scratch),
            Self::Retina(layer) => layer.emit(&kernels.retina, memory, out),
            Self::Opponent(layer) => layer.emit(&kernels.opponent, memory, out),
            Self::Readout(layer) => layer.emit(&kernels.readout, memory, out),
        }
    }

    /// Returns whether a row of its output is one of a convolution or a dense
    /// layer, the work that [`Frontend::step`](crate::Frontend::step) does one row
    /// of.
    pub(crate) fn is_conv(&self) -> bool {
        matches!(self, Self::Conv(_) | Self::Dense(_))
    }
}
