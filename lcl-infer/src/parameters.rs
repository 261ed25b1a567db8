//! What a stage computes with, read in place from a blob: weights, biases,
//! requantisation, scales.

use crate::arithmetic::{Channel, Requant};
use crate::shape::{ConvGeometry, PoolOrder, StageGeometry};

/// What a stage needs to run.
#[derive(Clone, Copy, Debug)]
pub struct StageParameters<'a> {
    /// The convolution with its weights.
    pub conv: Conv2d<'a>,
    /// The order of pooling.
    pub pool: PoolOrder,
    /// What one step of each channel's byte is worth.
    pub output_scale: Scales<'a>,
}

impl StageParameters<'_> {
    /// Returns the geometry of the stage.
    #[must_use]
    pub const fn geometry(&self) -> StageGeometry {
        StageGeometry { conv: self.conv.geometry(), pool: self.pool }
    }
}

/// One convolution: geometry, weights and what each output channel adds.
#[derive(Clone, Copy, Debug)]
pub struct Conv2d<'a> {
    geometry: ConvGeometry,
    weights: &'a [i8],
    channels: ChannelTable<'a>,
}

impl<'a> Conv2d<'a> {
    /// Creates a convolution, or returns nothing where a length does not fit
    /// the geometry.
    ///
    /// # Shapes
    ///
    /// `weights` is `[out_c, kernel, kernel, in_c]` (OHWI), `channels` has
    /// `out_c` entries.
    #[must_use]
    pub fn new(
        geometry: ConvGeometry,
        weights: &'a [i8],
        channels: ChannelTable<'a>,
    ) -> Option<Self> {
        let fits = weights.len() == geometry.weights_len() && channels.len() == geometry.out_c();
        fits.then_some(Self { geometry, weights, channels })
    }

    /// Returns the geometry.
    #[must_use]
    pub const fn geometry(&self) -> ConvGeometry {
        self.geometry
    }

    /// Returns the weights, `[out_c, kernel, kernel, in_c]` (OHWI), in
    /// `[-127, 127]`.
    #[must_use]
    pub const fn weights(&self) -> &'a [i8] {
        self.weights
    }

    /// Returns bias and requantisation of each output channel.
    #[must_use]
    pub const fn channels(&self) -> ChannelTable<'a> {
        self.channels
    }
}

/// Words that one channel takes in a [`ChannelTable`].
pub(crate) const CHANNEL_WORDS: usize = 3;

/// The [`Channel`]s of one convolution, read in place.
///
/// Each takes three words: bias, multiplier, shift.
#[derive(Clone, Copy, Debug)]
pub struct ChannelTable<'a> {
    words: &'a [i32],
}

impl<'a> ChannelTable<'a> {
    /// Creates a table from its words, or returns nothing where they are no
    /// whole number of channels or one has a multiplier or shift out of range.
    #[must_use]
    pub fn new(words: &'a [i32]) -> Option<Self> {
        let whole = words.len() % CHANNEL_WORDS == 0;
        let valid = words.chunks_exact(CHANNEL_WORDS).all(|words| checked(words).is_some());
        (whole && valid).then_some(Self { words })
    }

    /// Returns the number of channels.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.words.len() / CHANNEL_WORDS
    }

    /// Returns whether the table has no channel.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Iterates over the channels in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Channel> + 'a {
        self.words.chunks_exact(CHANNEL_WORDS).filter_map(checked)
    }
}

#[inline]
fn checked(words: &[i32]) -> Option<Channel> {
    let &[bias, multiplier, shift] = words else {
        return None;
    };
    let requant = Requant::new(multiplier, u8::try_from(shift).ok()?)?;
    Some(Channel { bias, requant })
}

/// One f32 a channel: real = scale · byte.
#[derive(Clone, Copy, Debug)]
pub struct Scales<'a> {
    bytes: &'a [u8],
}

impl<'a> Scales<'a> {
    /// Creates scales from little-endian bytes, four for each channel.
    pub(crate) const fn from_le_bytes(bytes: &'a [u8]) -> Self {
        Self { bytes }
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
/// its sum: `|bias| + 255 · Σ |weight|`.
#[must_use]
pub fn accumulator_bound(bias: i32, filter: &[i8]) -> i64 {
    let weights: i64 = filter.iter().map(|&weight| i64::from(weight.unsigned_abs())).sum();
    i64::from(bias.unsigned_abs()) + i64::from(u8::MAX) * weights
}
