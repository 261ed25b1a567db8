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
use crate::packing::{TAP_QUAD, packed_quads};
use crate::parameters::{
    CHANNEL_WORDS, ChannelTable, Conv2d, Scales, StageParameters, accumulator_bound,
};
use crate::shape::{ConvGeometry, min_image_side};

pub use error::OpenError;
pub use header::{GOLDEN_MAX_SIDE, Golden, InputFormat};
use header::{Header, Layer, Section, StageHeader};
use preamble::Preamble;
pub use writer::{BlobSpec, EmitError, StageSpec};

/// Version of the format that this crate reads and writes.
pub const BLOB_VERSION: u32 = preamble::VERSION;

/// Alignment in bytes of a blob and of each of its tables.
pub const ALIGNMENT: usize = 16;

/// Smallest scale of a blob: 2^-100.
///
/// A silent channel may have any scale, so the range is wide; within it the real
/// value of every byte is a normal number in f32.
pub const MIN_SCALE: f32 = f32::from_bits((127 - 100) << 23);

/// Largest scale of a blob: 2^100.
pub const MAX_SCALE: f32 = f32::from_bits((127 + 100) << 23);

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
    bytes: &'a [u8],
    input: InputFormat,
    golden: Golden,
    stages: [StageParameters<'a>; 2],
}

impl<'a> Blob<'a> {
    /// Opens a blob, which must start at a multiple of 16 bytes.
    ///
    /// Magic, version, contract, lengths, CRC-32, header, geometry, alignment
    /// and range of every table, weight, multiplier, shift and scale, and the
    /// bound of every accumulator are checked here and nowhere else. Of one
    /// content there is one blob: every byte between the tables is zero.
    ///
    /// # Errors
    ///
    /// Returns which check failed, with expected and got.
    pub fn open(bytes: &'a [u8]) -> Result<Self, OpenError> {
        let preamble = check_bytes(bytes)?;
        let misalignment = (ALIGNMENT - bytes.as_ptr().align_offset(ALIGNMENT)) % ALIGNMENT;
        if misalignment != 0 {
            return Err(OpenError::Misaligned { expected: ALIGNMENT, got: misalignment });
        }
        // The lengths fit `usize`, since their sum is the length of a slice.
        let header_end = preamble::LEN + preamble.header_len as usize;
        let header = bytes.get(preamble::LEN..header_end).unwrap_or_default();
        let payload_start = header_end.next_multiple_of(ALIGNMENT);
        let payload = bytes.get(payload_start..).unwrap_or_default();
        let gap = bytes.get(header_end..payload_start).unwrap_or_default();
        if gap.iter().any(|&byte| byte != 0) {
            return Err(OpenError::HeaderPadding);
        }
        Self::check(bytes, &Header::parse(header)?, payload)
    }

    fn check(bytes: &'a [u8], header: &Header<'a>, payload: &'a [u8]) -> Result<Self, OpenError> {
        let [Layer::Stage(v1), Layer::Stage(v2)] = header.layers.as_slice() else {
            return Err(OpenError::LayerCount { expected: 2, got: header.layers.len() });
        };
        let sections = [v1.weights, v1.channels, v2.weights, v2.channels];
        let v1 = check_stage(1, v1, header.input.channels(), payload)?;
        let v2 = check_stage(2, v2, v1.conv.geometry().out_c(), payload)?;
        check_order(sections, payload)?;
        let smallest = min_image_side(&[v1.conv.geometry(), v2.conv.geometry()]);
        let (side, largest) = (usize::from(header.golden.side), GOLDEN_MAX_SIDE);
        if smallest > largest {
            return Err(OpenError::MinImageSide { smallest, largest });
        }
        if side < smallest || side > largest {
            return Err(OpenError::Golden { smallest, largest, got: side });
        }
        Ok(Self { bytes, input: header.input, golden: header.golden, stages: [v1, v2] })
    }

    /// Reads every byte again and compares length and CRC-32, as
    /// [`open`](Self::open) did: a flash that fades, or that something wrote to,
    /// is found.
    ///
    /// # Errors
    ///
    /// Returns what the bytes are no longer.
    pub fn check_again(&self) -> Result<(), OpenError> {
        // The compiler may not take the bytes for those that were opened.
        let bytes = core::hint::black_box(self.bytes);
        check_bytes(bytes).map(|_| ())
    }

    /// Returns what stage 1 sees: one luma or three colours.
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

/// Checks preamble, length and CRC-32.
fn check_bytes(bytes: &[u8]) -> Result<Preamble, OpenError> {
    let preamble = Preamble::parse(bytes)?;
    let (expected, got) = (preamble.blob_len(), bytes.len() as u64);
    if got < expected {
        return Err(OpenError::Truncated { expected, got });
    }
    if got > expected {
        return Err(OpenError::TrailingBytes { expected, got });
    }
    let (expected, got) =
        (preamble.crc32, CRC32.checksum(bytes.get(preamble::LEN..).unwrap_or_default()));
    if got == expected { Ok(preamble) } else { Err(OpenError::Crc { expected, got }) }
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
    let weights: &[i8] = section(stage, header.weights, payload, geometry.packed_len())?;
    let words_len = CHANNEL_WORDS * geometry.padded_out_c();
    let words: &[i32] = section(stage, header.channels, payload, words_len)?;
    for (channel, words) in words.chunks_exact(CHANNEL_WORDS).enumerate() {
        let present = channel < out_c;
        let taps = if present { geometry.taps() } else { 0 };
        let filling = packed_quads(geometry, weights, channel).skip(taps / TAP_QUAD).flatten();
        let filled = present || words == ChannelTable::PADDING;
        if !filled || filling.skip(taps % TAP_QUAD).any(|weight| weight != 0) {
            return Err(OpenError::Padding { stage, channel });
        }
        if present {
            check_channel(stage, channel, words, packed_quads(geometry, weights, channel))?;
        }
    }
    let expected = 4 * out_c;
    if header.output_scale.len() != expected {
        let got = header.output_scale.len();
        return Err(OpenError::SectionLen { stage, expected, got });
    }
    let output_scale = Scales::from_le_bytes(header.output_scale);
    for (channel, got) in output_scale.iter().enumerate() {
        // Not a number is in no range.
        if !(MIN_SCALE..=MAX_SCALE).contains(&got) {
            return Err(OpenError::Scale { stage, channel, got });
        }
    }
    let conv = ChannelTable::new(words, out_c)
        .and_then(|channels| Conv2d::new(geometry, weights, channels))
        .ok_or(OpenError::Geometry { stage })?;
    Ok(StageParameters { conv, pool: header.pool, output_scale })
}

/// Checks the words and the weights of one channel.
fn check_channel(
    stage: usize,
    channel: usize,
    words: &[i32],
    filter: impl Iterator<Item = [i8; TAP_QUAD]>,
) -> Result<(), OpenError> {
    let &[bias, multiplier, shift, weight_sum] = words else {
        return Ok(());
    };
    if multiplier < MIN_MULTIPLIER {
        return Err(OpenError::Multiplier { stage, channel, got: multiplier });
    }
    let range = MIN_SHIFT..=MAX_SHIFT;
    if !u8::try_from(shift).is_ok_and(|shift| range.contains(&shift)) {
        return Err(OpenError::Shift { stage, channel, got: shift });
    }
    // Neither sum can leave 32 bits: no filter has 2^24 weights.
    let (mut expected, mut magnitude, mut smallest) = (0_i32, 0_u32, 0);
    for weight in filter.flatten() {
        expected = expected.wrapping_add(weight.into());
        magnitude = magnitude.wrapping_add(weight.unsigned_abs().into());
        smallest = weight.min(smallest);
    }
    if smallest == i8::MIN {
        return Err(OpenError::Weight { stage, channel });
    }
    if weight_sum != expected {
        return Err(OpenError::WeightSum { stage, channel, expected, got: weight_sum });
    }
    let bound = accumulator_bound(bias, magnitude.into());
    if bound > i64::from(i32::MAX) {
        return Err(OpenError::Accumulator { stage, channel, got: bound });
    }
    Ok(())
}

/// Checks that the sections follow each other in their order, from the start of
/// the payload to its end: no byte is free.
fn check_order(sections: [Section; 4], payload: &[u8]) -> Result<(), OpenError> {
    let mut expected = 0_u32;
    for (index, section) in sections.into_iter().enumerate() {
        if section.offset != expected {
            let (stage, got) = (index / 2 + 1, section.offset);
            return Err(OpenError::SectionOffset { stage, expected, got });
        }
        expected = expected.saturating_add(section.len);
    }
    let (expected, got) = (expected as usize, payload.len());
    if got == expected { Ok(()) } else { Err(OpenError::PayloadLen { expected, got }) }
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

#[cfg(test)]
pub(crate) mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::arithmetic::{Channel, Requant};
    use crate::shape::PoolOrder;

    /// Returns the blocks of a blob of two pointwise stages, and its length.
    pub(crate) fn pointwise(golden: Golden) -> (Vec<u128>, usize) {
        let requant = Requant::new(1 << 30, 37).expect("in range");
        let channels = [Channel { bias: 3, requant }];
        let stage = |in_c, weights| StageSpec {
            conv: ConvGeometry::new(in_c, 1, 1, 1, 0).expect("valid"),
            pool: PoolOrder::MaxBlur,
            weights,
            channels: &channels,
            output_scale: &[1.0],
        };
        let stages = [stage(3, &[40, 50, 20]), stage(1, &[100])];
        let spec = BlobSpec { input: InputFormat::Rgb888, golden, stages };
        let mut blocks = std::vec![0_u128; spec.max_len().div_ceil(ALIGNMENT)];
        let len = spec.emit(bytemuck::cast_slice_mut(&mut blocks)).expect("max_len is enough");
        (blocks, len)
    }

    /// Returns a blob whose bytes turned into others after it was opened.
    pub(crate) fn faded<'a>(blob: &Blob<'a>, bytes: &'a [u8]) -> Blob<'a> {
        Blob { bytes, ..*blob }
    }

    #[test]
    fn flash_that_fades_is_found() {
        let (blocks, len) = pointwise(Golden { seed: 1, side: 8, v1_crc32: 0, v2_crc32: 0 });
        let bytes: &[u8] = &bytemuck::cast_slice(&blocks)[..len];
        let blob = Blob::open(bytes).expect("sound");
        assert_eq!(blob.check_again(), Ok(()));
        for at in 0..len {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 4;
            assert!(faded(&blob, &damaged).check_again().is_err(), "byte {at}");
        }
    }
}
