//! The blob: a preamble, a postcard header, and tables that are read in place.
//!
//! Opening a blob checks everything once. What [`Blob::open`] returns can be
//! run on any image without a panic and without reading out of bounds.
//! The format knows no kernel. `docs/blob.md` has the layout byte by byte.

mod error;
mod header;
mod preamble;
mod writer;

use crc::{CRC_32_ISO_HDLC, Crc, Table};

use crate::arithmetic::{MAX_SHIFT, MIN_MULTIPLIER, MIN_SHIFT};
use crate::parameters::{
    CHANNEL_WORDS, ChannelTable, Conv2d, Scales, StageParameters, accumulator_bound,
};
use crate::shape::{ConvGeometry, min_image_side};

pub use error::OpenError;
pub use header::{GOLDEN_MAX_SIDE, Golden, InputFormat};
use header::{Header, Layer, Section, StageHeader};
use preamble::Preamble;
pub use writer::{BlobSpec, EmitError, StageSpec};

/// Alignment in bytes of a blob and of each of its tables.
pub const ALIGNMENT: usize = 16;

/// CRC-32 as in zlib, PNG and Ethernet.
pub(crate) const CRC32: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

/// Returns the length in bytes of the blob that starts with `bytes`, of which
/// the first 40 are enough.
///
/// A program that finds a blob in a larger region of flash cuts it out with
/// this length.
///
/// # Errors
///
/// Returns an error where the bytes are not the start of a blob that this
/// crate reads.
pub fn blob_len(bytes: &[u8]) -> Result<usize, OpenError> {
    let expected = Preamble::parse(bytes)?.blob_len();
    usize::try_from(expected)
        .map_err(|_| OpenError::Truncated { expected, got: bytes.len() as u64 })
}

/// A blob whose every byte was checked.
#[derive(Clone, Copy, Debug)]
pub struct Blob<'a> {
    input: InputFormat,
    golden: Golden,
    stages: [StageParameters<'a>; 2],
}

impl<'a> Blob<'a> {
    /// Opens a blob, which must start at a multiple of 16 bytes.
    ///
    /// Magic, version, contract, lengths, CRC-32, header, geometry, alignment
    /// and range of every table, weight, multiplier, shift and scale, and the
    /// bound of every accumulator are checked here and nowhere else.
    ///
    /// # Errors
    ///
    /// Returns which check failed, with expected and got.
    pub fn open(bytes: &'a [u8]) -> Result<Self, OpenError> {
        let preamble = Preamble::parse(bytes)?;
        let (expected, got) = (preamble.blob_len(), bytes.len() as u64);
        if got < expected {
            return Err(OpenError::Truncated { expected, got });
        }
        if got > expected {
            return Err(OpenError::TrailingBytes { expected, got });
        }
        let crc32 = CRC32.checksum(bytes.get(preamble::LEN..).unwrap_or_default());
        if crc32 != preamble.crc32 {
            return Err(OpenError::Crc { expected: preamble.crc32, got: crc32 });
        }
        let misalignment = (ALIGNMENT - bytes.as_ptr().align_offset(ALIGNMENT)) % ALIGNMENT;
        if misalignment != 0 {
            return Err(OpenError::Misaligned { expected: ALIGNMENT, got: misalignment });
        }
        // The lengths fit `usize`, since their sum is the length of a slice.
        let header_end = preamble::LEN + preamble.header_len as usize;
        let header = bytes.get(preamble::LEN..header_end).unwrap_or_default();
        let payload = bytes.get(header_end.next_multiple_of(ALIGNMENT)..).unwrap_or_default();
        Self::check(&Header::parse(header)?, payload)
    }

    fn check(header: &Header<'a>, payload: &'a [u8]) -> Result<Self, OpenError> {
        let [Layer::Stage(v1), Layer::Stage(v2)] = header.layers.as_slice() else {
            return Err(OpenError::LayerCount { expected: 2, got: header.layers.len() });
        };
        let v1 = check_stage(1, v1, header.input.channels(), payload)?;
        let v2 = check_stage(2, v2, v1.conv.geometry().out_c(), payload)?;
        let smallest = min_image_side(&[v1.conv.geometry(), v2.conv.geometry()]);
        let side = usize::from(header.golden.side);
        if side < smallest || side > GOLDEN_MAX_SIDE {
            let largest = GOLDEN_MAX_SIDE;
            return Err(OpenError::Golden { smallest, largest, got: side });
        }
        Ok(Self { input: header.input, golden: header.golden, stages: [v1, v2] })
    }

    /// Returns the format of the image rows.
    #[must_use]
    pub const fn input(&self) -> InputFormat {
        self.input
    }

    /// Returns the golden vector.
    #[must_use]
    pub const fn golden(&self) -> Golden {
        self.golden
    }

    /// Returns the stages, V1 and V2.
    #[must_use]
    pub const fn stages(&self) -> &[StageParameters<'a>; 2] {
        &self.stages
    }

    /// Returns the convolutions of the stages.
    #[must_use]
    pub const fn convolutions(&self) -> [ConvGeometry; 2] {
        [self.stages[0].conv.geometry(), self.stages[1].conv.geometry()]
    }
}

fn check_stage<'a>(
    stage: usize,
    header: &StageHeader<'a>,
    expected_in_c: usize,
    payload: &'a [u8],
) -> Result<StageParameters<'a>, OpenError> {
    let geometry = header.geometry().ok_or(OpenError::Geometry { stage })?;
    if geometry.in_c() != expected_in_c {
        let (expected, got) = (expected_in_c, geometry.in_c());
        return Err(OpenError::InputChannels { stage, expected, got });
    }
    let out_c = geometry.out_c();
    let weights: &[i8] = section(stage, header.weights, payload, geometry.weights_len())?;
    let words: &[i32] = section(stage, header.channels, payload, CHANNEL_WORDS * out_c)?;
    for (channel, words) in words.chunks_exact(CHANNEL_WORDS).enumerate() {
        let &[_, multiplier, shift] = words else {
            continue;
        };
        if multiplier < MIN_MULTIPLIER {
            return Err(OpenError::Multiplier { stage, channel, got: multiplier });
        }
        let range = MIN_SHIFT..=MAX_SHIFT;
        if !u8::try_from(shift).is_ok_and(|shift| range.contains(&shift)) {
            return Err(OpenError::Shift { stage, channel, got: shift });
        }
    }
    let filters = weights.chunks_exact(geometry.weights_per_channel());
    for (channel, (filter, words)) in filters.zip(words.chunks_exact(CHANNEL_WORDS)).enumerate() {
        if filter.contains(&i8::MIN) {
            return Err(OpenError::Weight { stage, channel });
        }
        let bias = words.first().copied().unwrap_or_default();
        let bound = accumulator_bound(bias, filter);
        if bound > i64::from(i32::MAX) {
            return Err(OpenError::Accumulator { stage, channel, got: bound });
        }
    }
    let expected = 4 * out_c;
    if header.output_scale.len() != expected {
        let got = header.output_scale.len();
        return Err(OpenError::SectionLen { stage, expected, got });
    }
    let output_scale = Scales::from_le_bytes(header.output_scale);
    for (channel, got) in output_scale.iter().enumerate() {
        if !got.is_normal() || got.is_sign_negative() {
            return Err(OpenError::Scale { stage, channel, got });
        }
    }
    let conv = ChannelTable::new(words)
        .and_then(|channels| Conv2d::new(geometry, weights, channels))
        .ok_or(OpenError::Geometry { stage })?;
    Ok(StageParameters { conv, pool: header.pool, output_scale })
}

/// Returns a table of `len` values in place.
fn section<T: bytemuck::AnyBitPattern>(
    stage: usize,
    section: Section,
    payload: &[u8],
    len: usize,
) -> Result<&[T], OpenError> {
    let expected = len * size_of::<T>();
    if section.len as usize != expected {
        return Err(OpenError::SectionLen { stage, expected, got: section.len as usize });
    }
    let start = section.offset as usize;
    let range =
        OpenError::SectionRange { stage, offset: section.offset, payload_len: payload.len() };
    let end = start.checked_add(expected).ok_or(range)?;
    let bytes = payload.get(start..end).filter(|_| start % ALIGNMENT == 0).ok_or(range)?;
    bytemuck::try_cast_slice(bytes).map_err(|_| range)
}
