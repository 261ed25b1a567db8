//! Writing a blob, into memory that the caller owns.

use core::fmt;

use heapless::Vec;

use super::header::{Golden, Header, InputFormat, Layer, Section, StageHeader};
use super::preamble::{self, Preamble};
use super::{ALIGNMENT, CRC32};
use crate::arithmetic::Channel;
use crate::packing::pack_weights;
use crate::parameters::{CHANNEL_WORDS, ChannelTable};
use crate::shape::{ConvGeometry, PoolOrder};

/// Everything that goes into a blob.
#[derive(Clone, Copy, Debug)]
pub struct BlobSpec<'a> {
    /// Format of the image rows.
    pub input: InputFormat,
    /// The golden vector; [`golden_crc32`](crate::golden_crc32) computes its
    /// CRCs from a blob that was written with any.
    pub golden: Golden,
    /// The stages, V1 and V2.
    pub stages: [StageSpec<'a>; 2],
}

/// Everything that goes into a blob for one stage.
#[derive(Clone, Copy, Debug)]
pub struct StageSpec<'a> {
    /// Geometry of the convolution.
    pub conv: ConvGeometry,
    /// Order of pooling.
    pub pool: PoolOrder,
    /// Weights, `[out_c, kernel, kernel, in_c]` (OHWI), in `[-127, 127]`.
    pub weights: &'a [i8],
    /// Bias and requantisation, `[out_c]`.
    pub channels: &'a [Channel],
    /// What one step of each channel's byte is worth, `[out_c]`.
    pub output_scale: &'a [f32],
}

impl BlobSpec<'_> {
    /// Returns an upper bound of the blob's length in bytes.
    #[must_use]
    pub fn max_len(&self) -> usize {
        let stages = self.stages.iter().map(|stage| {
            let tables = stage.conv.packed_len() + stage.channels_len();
            // Three times the alignment, for each table's and the header's.
            stage.output_scale.len().saturating_mul(4).saturating_add(tables + 64 + 3 * ALIGNMENT)
        });
        stages.fold(preamble::LEN + 64, usize::saturating_add)
    }

    /// Writes the blob to the start of `out` and returns its length in bytes.
    ///
    /// No number is checked here that [`Blob::open`](super::Blob::open) checks:
    /// a writer opens what it wrote.
    ///
    /// # Errors
    ///
    /// Returns an error where a table has another length than its geometry asks
    /// for, and where `out` is too small; [`max_len`](Self::max_len) bytes are
    /// enough.
    pub fn emit(&self, out: &mut [u8]) -> Result<usize, EmitError> {
        for (stage, spec) in (1..).zip(&self.stages) {
            spec.check_lengths(stage)?;
        }
        let error = EmitError::Space { expected: self.max_len(), got: out.len() };
        let (out_preamble, rest) = out.split_first_chunk_mut::<{ preamble::LEN }>().ok_or(error)?;

        let mut payload_len = 0;
        let mut layers = Vec::new();
        for stage in &self.stages {
            let weights = place(&mut payload_len, stage.conv.packed_len()).ok_or(error)?;
            let channels = place(&mut payload_len, stage.channels_len()).ok_or(error)?;
            let header = stage.header(weights, channels).ok_or(error)?;
            layers.push(Layer::Stage(header)).map_err(|_| error)?;
        }
        let header = Header { input: self.input, golden: self.golden, layers };
        let header_len = postcard::to_slice(&header, rest).map_err(|_| error)?.len();
        let payload_start = (preamble::LEN + header_len).next_multiple_of(ALIGNMENT);
        let body_len = payload_start - preamble::LEN + payload_len;
        let body = rest.get_mut(..body_len).ok_or(error)?;
        let (_, tables) = body.split_at_mut_checked(header_len).ok_or(error)?;
        let gap = payload_start - preamble::LEN - header_len;
        let (gap, mut payload) = tables.split_at_mut_checked(gap).ok_or(error)?;
        gap.fill(0);
        for stage in &self.stages {
            payload = stage.write(payload).ok_or(error)?;
        }
        let preamble = Preamble {
            header_len: u32::try_from(header_len).map_err(|_| error)?,
            payload_len: u32::try_from(payload_len).map_err(|_| error)?,
            crc32: CRC32.checksum(body),
        };
        *out_preamble = preamble.emit();
        Ok(preamble::LEN + body_len)
    }
}

impl<'a> StageSpec<'a> {
    fn channels_len(&self) -> usize {
        4 * CHANNEL_WORDS * self.conv.padded_out_c()
    }

    fn check_lengths(&self, stage: usize) -> Result<(), EmitError> {
        let tables = [
            ("weights", self.conv.weights_len(), self.weights.len()),
            ("channels", self.conv.out_c(), self.channels.len()),
            ("scales", self.conv.out_c(), self.output_scale.len()),
        ];
        for (table, expected, got) in tables {
            if expected != got {
                return Err(EmitError::TableLen { stage, table, expected, got });
            }
        }
        Ok(())
    }

    /// Writes weights and channels to the start of the payload and returns what
    /// is left of it.
    fn write<'p>(&self, payload: &'p mut [u8]) -> Option<&'p mut [u8]> {
        let (weights, rest) = payload.split_at_mut_checked(self.conv.packed_len())?;
        pack_weights(self.conv, self.weights, bytemuck::cast_slice_mut(weights));
        let (channels, rest) = rest.split_at_mut_checked(self.channels_len())?;
        let bytes = self.words().flat_map(i32::to_le_bytes);
        for (place, byte) in channels.iter_mut().zip(bytes) {
            *place = byte;
        }
        Some(rest)
    }

    /// Iterates over the words of the channel table.
    fn words(&self) -> impl Iterator<Item = i32> {
        let filters = self.weights.chunks_exact(self.conv.taps());
        let channels = self.channels.iter().zip(filters).map(|(channel, filter)| {
            let weight_sum = filter.iter().copied().map(i32::from).sum();
            let Channel { bias, requant } = *channel;
            [bias, requant.multiplier(), requant.shift().into(), weight_sum]
        });
        let padding = core::iter::repeat(ChannelTable::PADDING);
        channels.chain(padding).take(self.conv.padded_out_c()).flatten()
    }

    fn header(&self, weights: Section, channels: Section) -> Option<StageHeader<'a>> {
        Some(StageHeader {
            in_c: self.conv.in_c().try_into().ok()?,
            out_c: self.conv.out_c().try_into().ok()?,
            kernel: self.conv.kernel().try_into().ok()?,
            stride: self.conv.stride().try_into().ok()?,
            padding: self.conv.padding().try_into().ok()?,
            pool: self.pool,
            weights,
            channels,
            output_scale: bytemuck::cast_slice(self.output_scale),
        })
    }
}

/// Appends a section to the payload, whose sections have lengths that are
/// multiples of the alignment.
fn place(payload_len: &mut usize, len: usize) -> Option<Section> {
    let offset = *payload_len;
    *payload_len = offset.checked_add(len)?;
    Some(Section { offset: offset.try_into().ok()?, len: len.try_into().ok()? })
}

/// Why a blob is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EmitError {
    /// The slice that the blob should go to is too small.
    Space {
        /// Bytes that are enough.
        expected: usize,
        /// Bytes handed over.
        got: usize,
    },
    /// A table of a stage has another length than its geometry asks for.
    TableLen {
        /// The stage, counted from 1.
        stage: usize,
        /// Which of its tables.
        table: &'static str,
        /// Entries that the geometry asks for.
        expected: usize,
        /// Entries handed over.
        got: usize,
    },
}

impl fmt::Display for EmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Space { expected, got } => write!(
                f,
                "the blob needs up to {expected} bytes and has {got}: size the slice with max_len()"
            ),
            Self::TableLen { stage, table, expected, got } => {
                write!(f, "stage {stage} has {got} {table} and its geometry asks for {expected}")
            }
        }
    }
}

impl core::error::Error for EmitError {}
