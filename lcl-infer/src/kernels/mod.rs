//! The kernels, behind one seam: a table of plain functions, chosen once.
//!
//! A kernel works on one row of output. It knows shapes and arithmetic, and
//! nothing of rings, stages or blobs. [`portable`] is always there; a kernel
//! for an instruction set is one more table, which [`active`] picks.

use crate::{Channel, ConvGeometry, MAX_KERNEL, Requant};

pub mod portable;

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

/// The rows of the input that one row of a convolution's output reads.
///
/// Each row is NHWC and reflected at both ends already: `(W + 2 · padding) ·
/// in_c` bytes. Row `ky` of the window is the row that meets the weights `ky`.
#[derive(Debug)]
pub struct RowWindow<'a> {
    rows: heapless::Vec<&'a [u8], MAX_KERNEL>,
}

impl<'a> RowWindow<'a> {
    /// Collects the rows, at most [`MAX_KERNEL`] of them, in order of `ky`.
    pub fn new(rows: impl Iterator<Item = &'a [u8]>) -> Self {
        Self { rows: rows.take(MAX_KERNEL).collect() }
    }

    /// Returns the rows in order of `ky`.
    #[must_use]
    pub fn rows(&self) -> &[&'a [u8]] {
        &self.rows
    }
}

/// What one row does to the pooled row that it falls into.
///
/// Windows have three rows and move by two: their middle row has an even
/// index, and an odd row is the last of one window and the first of the next.
#[derive(Debug)]
pub enum PoolStep<'a> {
    /// The row is the middle of the window.
    Middle,
    /// The row completes a window, written here (`[1, W_out, C]`), and opens
    /// the next.
    Edge(&'a mut [u8]),
}

/// One implementation of every operation: a row of output at a call.
///
/// All implementations give the same bytes. The slices have the lengths that
/// the geometry says; where they have not, a kernel writes fewer values and
/// never reads or writes out of bounds.
#[derive(Clone, Copy, Debug)]
pub struct Kernels {
    /// Name of the instruction set.
    pub name: &'static str,
    /// One row of convolution and requantisation, `out` is `[1, W_out, out_c]`.
    pub conv2d_row: fn(conv: &Conv2d<'_>, window: &RowWindow<'_>, out: &mut [u8]),
    /// `row = max(row, other)`, byte by byte.
    pub max_rows: fn(row: &mut [u8], other: &[u8]),
    /// One row `[1, W, C]`, the maximum over rows taken, through the maximum
    /// over columns and into the blur: `sum` is `[1, W_out, C]`.
    pub max_blur_row: fn(row: &[u8], channels: usize, sum: &mut [u16], step: PoolStep<'_>),
    /// Three rows `[1, W, C]` through the blur and into the maximum:
    /// `largest` is `[1, W_out, C]`.
    pub blur_max_row:
        fn(rows: [&[u8]; 3], channels: usize, largest: &mut [u16], step: PoolStep<'_>),
    /// One row `[1, W, C]` into the maximum: `largest` is `[1, W_out, C]`.
    pub max_row: fn(row: &[u8], channels: usize, largest: &mut [u16], step: PoolStep<'_>),
}

/// Returns the kernels for the machine that this runs on.
#[must_use]
pub fn active() -> &'static Kernels {
    &portable::KERNELS
}
