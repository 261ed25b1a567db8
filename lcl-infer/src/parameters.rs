//! What layers compute with, read in place from a blob: weights, biases,
//! requantisation, scales.

pub use crate::arithmetic::{Channel, MAX_SHIFT, MIN_MULTIPLIER, MIN_SHIFT, Requant};
use crate::blob::{MAX_SCALE, MIN_SCALE, OpenError};
use crate::layers::LayerKind;
pub use crate::layers::dense::{Dense, DenseParameters};
pub use crate::layers::norm::{MAX_NORM_MULTIPLIER, Norm, NormChannel, NormParameters};
use crate::layers::opponent::Opponent;
pub use crate::layers::readout::{Neuron, POSITION_ONE, Readout, ReadoutParameters};
pub use crate::layers::resample::{RUN_WEIGHT, ResampleTable, Run};
use crate::layers::retina::Retina;
use crate::layers::window_pool::WindowPool;
use crate::memory::ALIGNMENT;
use crate::name::Name;
use crate::packing::{CHANNEL_GROUP, packed_quads};
use crate::parts::{Components, If, Part, Population, Recognition, Switch};
use crate::shape::{ConvGeometry, PoolOrder};
use crate::toom::{ToomConv2d, ToomGeometry};

/// One layer of a blob, with what it computes with.
#[derive(Clone, Copy, Debug)]
pub struct LayerParameters<'a> {
    /// What the layer is called.
    pub name: Name,
    /// The name under which its rows are handed out, if they are.
    pub tap: Option<Name>,
    /// CRC-32 of the rows of the golden image that its tap hands out; 0 without
    /// a tap.
    pub golden_crc32: u32,
    /// What it does.
    pub operation: Operation<'a>,
}

impl LayerParameters<'_> {
    /// Returns what the layer does, without its weights.
    #[must_use]
    pub fn kind(&self) -> LayerKind {
        match self.operation {
            Operation::Conv(parameters) => LayerKind::Conv(parameters.conv.geometry()),
            Operation::Pool(order) => LayerKind::Pool(order),
            Operation::WindowPool(pool) => LayerKind::WindowPool(Recognition::get(pool)),
            Operation::Readout(parameters) => LayerKind::Readout(parameters.readout.geometry()),
            Operation::Dense(parameters) => LayerKind::Dense(parameters.dense.geometry()),
            Operation::Norm(parameters) => LayerKind::Norm(parameters.norm.geometry()),
            Operation::Resample(table) => LayerKind::Resample(table.resample()),
            Operation::Retina(retina) => LayerKind::Retina(Components::get(retina)),
            Operation::Opponent(retina) => LayerKind::Opponent(Components::get(retina)),
        }
    }

    /// Returns the part of the engine that runs the layer, or `None` for one that
    /// every program has.
    #[must_use]
    pub fn part(&self) -> Option<Part> {
        self.toom().map(|_| Part::Transforms).or(self.kind().part())
    }

    /// Returns the geometry with the transform of the weights, or `None` if
    /// there are none or they are as they are.
    #[must_use]
    pub const fn toom(&self) -> Option<ToomGeometry> {
        match self.operation {
            Operation::Conv(parameters) => parameters.conv.toom(),
            _ => None,
        }
    }
}

/// What a layer does, with what it computes with.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Operation<'a> {
    /// See [`LayerKind::Conv`].
    Conv(ConvParameters<'a>),
    /// See [`LayerKind::Pool`].
    Pool(PoolOrder),
    /// See [`LayerKind::WindowPool`].
    WindowPool(If<Recognition, WindowPool>),
    /// See [`LayerKind::Dense`].
    Dense(If<Recognition, DenseParameters<'a>>),
    /// See [`LayerKind::Norm`].
    Norm(If<Components, NormParameters<'a>>),
    /// See [`LayerKind::Resample`].
    Resample(If<Components, ResampleTable<'a>>),
    /// See [`LayerKind::Retina`].
    Retina(If<Components, Retina>),
    /// See [`LayerKind::Opponent`].
    Opponent(If<Components, Opponent>),
    /// See [`LayerKind::Readout`].
    Readout(If<Population, ReadoutParameters<'a>>),
}

/// A convolution of a blob, and what its bytes are worth.
#[derive(Clone, Copy, Debug)]
pub struct ConvParameters<'a> {
    /// The convolution with its weights.
    pub conv: Convolution<'a>,
    /// What one step of each channel's byte is worth.
    pub output_scale: Scales<'a>,
}

/// A convolution with its weights as they stand in a blob.
#[derive(Clone, Copy, Debug)]
pub enum Convolution<'a> {
    /// As they are.
    Direct(Conv2d<'a>),
    /// Transformed, for fewer products and the same bytes.
    Transformed(ToomConv2d<'a>),
}

impl<'a> Convolution<'a> {
    /// Returns the geometry.
    #[must_use]
    pub const fn geometry(&self) -> ConvGeometry {
        match self {
            Self::Direct(conv) => conv.geometry(),
            Self::Transformed(conv) => conv.geometry().conv(),
        }
    }

    /// Returns the geometry with the transform of the weights, or `None` if
    /// they are as they are.
    #[must_use]
    pub const fn toom(&self) -> Option<ToomGeometry> {
        match self {
            Self::Direct(_) => None,
            Self::Transformed(conv) => Some(conv.geometry()),
        }
    }

    /// Returns the weights as bytes, as they stand in the blob.
    #[must_use]
    pub fn weights(&self) -> &'a [u8] {
        match self {
            Self::Direct(conv) => bytemuck::cast_slice(conv.packed_weights()),
            Self::Transformed(conv) => bytemuck::cast_slice(conv.weights()),
        }
    }

    /// Returns bias and requantisation of each output channel.
    #[must_use]
    pub const fn channels(&self) -> ChannelTable<'a> {
        match self {
            Self::Direct(conv) => conv.channels(),
            Self::Transformed(conv) => conv.channels(),
        }
    }

    /// Iterates over the weights of an output channel, `[kernel, kernel, in_c]`,
    /// whether they are transformed or not.
    pub fn filter(&self, oc: usize) -> impl Iterator<Item = i8> + 'a {
        let (direct, transformed) = match self {
            Self::Direct(conv) => (Some(conv.filter(oc)), None),
            Self::Transformed(conv) => (None, Some(conv.filter(oc))),
        };
        direct.into_iter().flatten().chain(transformed.into_iter().flatten())
    }
}

impl<'a> From<Conv2d<'a>> for Convolution<'a> {
    fn from(conv: Conv2d<'a>) -> Self {
        Self::Direct(conv)
    }
}

impl<'a> From<ToomConv2d<'a>> for Convolution<'a> {
    fn from(conv: ToomConv2d<'a>) -> Self {
        Self::Transformed(conv)
    }
}

/// One convolution: geometry, weights and what each output channel adds.
#[derive(Clone, Copy, Debug)]
pub struct Conv2d<'a> {
    geometry: ConvGeometry,
    packed_weights: &'a [i8],
    channels: ChannelTable<'a>,
}

impl<'a> Conv2d<'a> {
    /// Creates a convolution, or returns `None` if a length does not fit the
    /// geometry or the weights do not start at a multiple of 16 bytes, which
    /// kernels rely on.
    ///
    /// # Shapes
    ///
    /// `packed_weights` are the weights in their packed order, see
    /// [`pack_weights`](crate::packing::pack_weights); `channels` has `out_c` entries.
    #[must_use]
    pub fn new(
        geometry: ConvGeometry,
        packed_weights: &'a [i8],
        channels: ChannelTable<'a>,
    ) -> Option<Self> {
        let fits =
            packed_weights.len() == geometry.packed_len() && channels.len() == geometry.out_c();
        let aligned = packed_weights.as_ptr().align_offset(ALIGNMENT) == 0;
        (fits && aligned).then_some(Self { geometry, packed_weights, channels })
    }

    /// Returns the geometry.
    #[must_use]
    pub const fn geometry(&self) -> ConvGeometry {
        self.geometry
    }

    /// Returns the weights in their packed order, each in `[-127, 127]`.
    #[must_use]
    pub const fn packed_weights(&self) -> &'a [i8] {
        self.packed_weights
    }

    /// Iterates over the weights of an output channel, `[kernel, kernel, in_c]`.
    pub fn filter(&self, oc: usize) -> impl Iterator<Item = i8> + 'a {
        packed_quads(self.geometry, self.packed_weights, oc).flatten().take(self.geometry.taps())
    }

    /// Returns bias and requantisation of each output channel.
    #[must_use]
    pub const fn channels(&self) -> ChannelTable<'a> {
        self.channels
    }
}

/// Words that one channel takes in a [`ChannelTable`].
pub const CHANNEL_WORDS: usize = 4;

/// The [`Channel`]s of one convolution, read in place.
///
/// Each takes [`CHANNEL_WORDS`] words: bias, multiplier, shift, and the sum of
/// its weights. Behind the last stand the words of
/// [`PADDING`](ChannelTable::PADDING) up to a multiple of four channels.
#[derive(Clone, Copy, Debug)]
pub struct ChannelTable<'a> {
    words: &'a [i32],
    len: u16,
    min_shift: u8,
}

impl<'a> ChannelTable<'a> {
    /// Words of a channel that is not there.
    pub const PADDING: [i32; CHANNEL_WORDS] = [0, MIN_MULTIPLIER, MAX_SHIFT as i32, 0];

    /// Creates a table of `len` channels from its words, or returns `None` if
    /// they are not as many or a multiplier or shift is out of range.
    #[must_use]
    pub fn new(words: &'a [i32], len: usize) -> Option<Self> {
        let groups = words.chunks_exact(CHANNEL_WORDS * CHANNEL_GROUP);
        if !groups.remainder().is_empty() || groups.len() != len.div_ceil(CHANNEL_GROUP) {
            return None;
        }
        let mut min_shift = MAX_SHIFT;
        for words in words.chunks_exact(CHANNEL_WORDS) {
            min_shift = min_shift.min(checked(words)?.requant.shift());
        }
        Some(Self { words, len: u16::try_from(len).ok()?, min_shift })
    }

    /// Returns the number of channels.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Returns whether the table has no channel.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Iterates over the channels in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Channel> + 'a {
        self.words.chunks_exact(CHANNEL_WORDS).map(trusted).take(self.len())
    }

    /// Returns the words: bias, multiplier, shift and sum of weights of each
    /// channel, and the padding.
    ///
    /// A kernel that holds a value as `value - 128` starts its accumulator
    /// from `bias + 128 · sum of weights`.
    #[must_use]
    pub const fn words(&self) -> &'a [i32] {
        self.words
    }

    /// Returns the smallest shift.
    ///
    /// From 33 on, requantisation depends on the upper 32 bits of the product
    /// alone: `(upper + 2^(shift - 33)) >> (shift - 32)`.
    #[must_use]
    pub const fn min_shift(&self) -> u8 {
        self.min_shift
    }
}

/// Reads a channel of a table whose every channel was [`checked`].
#[inline]
fn trusted(words: &[i32]) -> Channel {
    let &[bias, multiplier, shift, _] = words else {
        return Channel { bias: 0, requant: Requant::from_checked(MIN_MULTIPLIER, 62) };
    };
    Channel { bias, requant: Requant::from_checked(multiplier, shift) }
}

#[inline]
fn checked(words: &[i32]) -> Option<Channel> {
    let &[bias, multiplier, shift, _] = words else {
        return None;
    };
    let requant = Requant::new(multiplier, u8::try_from(shift).ok()?)?;
    Some(Channel { bias, requant })
}

/// One f32 a channel: real = scale · byte.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scales<'a> {
    bytes: &'a [u8],
}

impl<'a> Scales<'a> {
    /// Creates scales from little-endian bytes, four for each channel.
    pub(crate) const fn from_le_bytes(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Checks that there is one for each channel and that each is in range.
    pub(crate) fn check(layer: Name, channels: usize, bytes: &'a [u8]) -> Result<(), OpenError> {
        let (expected, got) = (4 * channels, bytes.len());
        if got != expected {
            return Err(OpenError::SectionLen { layer, expected, got });
        }
        for (channel, got) in Self::from_le_bytes(bytes).iter().enumerate() {
            // Not a number is in no range.
            if !(MIN_SCALE..=MAX_SCALE).contains(&got) {
                return Err(OpenError::Scale { layer, channel, got });
            }
        }
        Ok(())
    }

    /// Returns the number of channels.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes.len() / 4
    }

    /// Returns whether there is no channel.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Iterates over the scales in order of channels; each is positive and
    /// finite.
    pub fn iter(&self) -> impl Iterator<Item = f32> + Clone + 'a {
        self.bytes
            .chunks_exact(4)
            .filter_map(|bytes| Some(f32::from_le_bytes(bytes.try_into().ok()?)))
    }
}

/// Returns the largest magnitude that an accumulator can reach at any point of
/// its sum: `|bias| + 255 · Σ |weight|`, or `i64::MAX` where that is more.
#[must_use]
pub const fn accumulator_bound(bias: i32, sum_of_magnitudes: i64) -> i64 {
    (u8::MAX as i64).saturating_mul(sum_of_magnitudes).saturating_add(bias.unsigned_abs() as i64)
}
