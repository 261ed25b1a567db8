//! Why a blob cannot be opened.

use core::fmt;

use super::preamble::VERSION;
use crate::arithmetic::{MAX_SHIFT, MIN_MULTIPLIER, MIN_SHIFT};

/// Why a blob cannot be opened.
///
/// Stages are counted from 1, channels from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum OpenError {
    /// The bytes end before the blob does.
    Truncated {
        /// Bytes that the preamble asks for.
        expected: u64,
        /// Bytes handed over.
        got: u64,
    },
    /// There are bytes after the blob.
    TrailingBytes {
        /// Bytes that the preamble asks for.
        expected: u64,
        /// Bytes handed over.
        got: u64,
    },
    /// The first bytes are not those of a blob.
    NotABlob,
    /// The format is older or newer than this crate reads.
    Version {
        /// Version that this crate reads.
        expected: u32,
        /// Version of the blob.
        got: u32,
    },
    /// The integer contract is not the one that this crate runs.
    Contract {
        /// Id of the blob's contract, padded with zeros.
        got: [u8; 12],
    },
    /// The bytes are damaged.
    Crc {
        /// CRC-32 that the preamble states.
        expected: u32,
        /// CRC-32 of the bytes.
        got: u32,
    },
    /// The blob does not start at a multiple of 16 bytes.
    Misaligned {
        /// Alignment in bytes.
        expected: usize,
        /// Bytes from the last aligned address.
        got: usize,
    },
    /// The header cannot be decoded.
    Header,
    /// The blob has a layer that this crate does not know.
    UnknownLayer {
        /// Position of the layer.
        index: u32,
        /// Its kind.
        kind: u32,
    },
    /// The blob does not have the two stages of the model.
    LayerCount {
        /// Layers that this crate runs.
        expected: usize,
        /// Layers of the blob.
        got: usize,
    },
    /// The engine cannot run a convolution of this geometry.
    Geometry {
        /// The stage.
        stage: usize,
    },
    /// A stage does not take what the one before it, or the image, gives.
    InputChannels {
        /// The stage.
        stage: usize,
        /// Channels that arrive.
        expected: usize,
        /// Channels that the stage takes.
        got: usize,
    },
    /// A table has another length than the geometry asks for.
    SectionLen {
        /// The stage.
        stage: usize,
        /// Bytes that the geometry asks for.
        expected: usize,
        /// Bytes of the table.
        got: usize,
    },
    /// A table lies outside of the payload or is not aligned.
    SectionRange {
        /// The stage.
        stage: usize,
        /// Offset in the payload, in bytes.
        offset: u32,
        /// Bytes of the payload.
        payload_len: usize,
    },
    /// What stands behind the last tap or the last channel is not what the
    /// format asks for.
    Padding {
        /// The stage.
        stage: usize,
        /// The output channel.
        channel: usize,
    },
    /// The sum of a channel's weights is not the one in its table.
    WeightSum {
        /// The stage.
        stage: usize,
        /// The output channel.
        channel: usize,
        /// Sum of the weights.
        expected: i32,
        /// Sum in the table.
        got: i32,
    },
    /// A weight is -128.
    Weight {
        /// The stage.
        stage: usize,
        /// The output channel.
        channel: usize,
    },
    /// A multiplier is out of range.
    Multiplier {
        /// The stage.
        stage: usize,
        /// The output channel.
        channel: usize,
        /// The multiplier.
        got: i32,
    },
    /// A shift is out of range.
    Shift {
        /// The stage.
        stage: usize,
        /// The output channel.
        channel: usize,
        /// The shift.
        got: i32,
    },
    /// An accumulator could leave 32 bits.
    Accumulator {
        /// The stage.
        stage: usize,
        /// The output channel.
        channel: usize,
        /// Largest magnitude that the accumulator can reach.
        got: i64,
    },
    /// A scale is not a positive number.
    Scale {
        /// The stage.
        stage: usize,
        /// The output channel.
        channel: usize,
        /// The scale.
        got: f32,
    },
    /// The golden image is one that the stages cannot stream.
    Golden {
        /// Smallest side, in pixels.
        smallest: usize,
        /// Largest side, in pixels.
        largest: usize,
        /// The side that the header states.
        got: usize,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { expected, got } => {
                write!(f, "the blob is truncated: it has {got} of {expected} bytes; copy it again")
            }
            Self::TrailingBytes { expected, got } => write!(
                f,
                "the blob has {got} bytes instead of {expected}: hand over exactly the length \
                 that blob_len gives"
            ),
            Self::NotABlob => f.write_str("not a blob: it does not start with \"LCLBLOB\""),
            Self::Version { expected, got } => write!(
                f,
                "the blob has format version {got} and this program reads version {expected}: \
                 {}",
                if got < VERSION { "quantise the checkpoint again" } else { "update the program" }
            ),
            Self::Contract { ref got } => {
                f.write_str("the blob follows the integer contract \"")?;
                for &byte in got.iter().take_while(|&&byte| byte != 0) {
                    write!(f, "{}", byte.escape_ascii())?;
                }
                write!(
                    f,
                    "\" and this program runs \"{}\": quantise the checkpoint again",
                    crate::CONTRACT
                )
            }
            Self::Crc { expected, got } => write!(
                f,
                "the blob is damaged: its CRC-32 is {got:08x} and should be {expected:08x}; copy \
                 it again"
            ),
            Self::Misaligned { expected, got } => write!(
                f,
                "the blob starts {got} bytes past a multiple of {expected}: align it to \
                 {expected} bytes"
            ),
            Self::Header => f.write_str("the blob's header cannot be decoded"),
            Self::UnknownLayer { index, kind } => write!(
                f,
                "layer {index} of the blob is of kind {kind}, which this program does not know: \
                 update the program"
            ),
            Self::LayerCount { expected, got } => {
                write!(f, "the blob has {got} layers and this program runs {expected}")
            }
            Self::Geometry { stage } => {
                write!(f, "the engine cannot run the convolution of stage {stage}")
            }
            Self::InputChannels { stage, expected, got } => {
                write!(f, "stage {stage} of the blob takes {got} channels and gets {expected}")
            }
            Self::SectionLen { stage, expected, got } => write!(
                f,
                "a table of stage {stage} has {got} bytes and its geometry asks for {expected}"
            ),
            Self::SectionRange { stage, offset, payload_len } => write!(
                f,
                "a table of stage {stage} at offset {offset} is not aligned or not inside the \
                 payload of {payload_len} bytes"
            ),
            Self::Padding { stage, channel } => write!(
                f,
                "what fills up stage {stage}, channel {channel}, is not what the format asks for"
            ),
            Self::WeightSum { stage, channel, expected, got } => write!(
                f,
                "the weights of stage {stage}, channel {channel}, sum to {expected}, and the blob \
                 states {got}"
            ),
            Self::Weight { stage, channel } => write!(
                f,
                "a weight of stage {stage}, channel {channel}, is -128; weights are in [-127, 127]"
            ),
            Self::Multiplier { stage, channel, got } => write!(
                f,
                "the multiplier of stage {stage}, channel {channel}, is {got}; it is at least \
                 {MIN_MULTIPLIER}"
            ),
            Self::Shift { stage, channel, got } => write!(
                f,
                "the shift of stage {stage}, channel {channel}, is {got}; it is in [{MIN_SHIFT}, \
                 {MAX_SHIFT}]"
            ),
            Self::Accumulator { stage, channel, got } => write!(
                f,
                "the accumulator of stage {stage}, channel {channel}, can reach ±{got}, which \
                 does not fit 32 bits"
            ),
            Self::Scale { stage, channel, got } => write!(
                f,
                "the scale of stage {stage}, channel {channel}, is {got}; it is a positive number"
            ),
            Self::Golden { smallest, largest, got } => write!(
                f,
                "the golden image has a side of {got} pixels; it is in [{smallest}, {largest}]"
            ),
        }
    }
}

impl core::error::Error for OpenError {}
