//! Why a blob cannot be opened.

use core::fmt;

use super::preamble::VERSION;
use super::{MAX_SCALE, MIN_SCALE};
use crate::arithmetic::{MAX_SHIFT, MIN_MULTIPLIER, MIN_SHIFT};
use crate::contract::Contract;
use crate::layers::norm::MAX_NORM_MULTIPLIER;
use crate::layers::resample::RUN_WEIGHT;
use crate::name::Name;
use crate::parts::Part;

/// Why a blob cannot be opened.
///
/// Layers go by their names, channels are counted from 0.
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
    /// A number of the header is encoded in more bytes than it takes.
    HeaderLen {
        /// Bytes that the header takes.
        expected: usize,
        /// Bytes that it has.
        got: usize,
    },
    /// The bytes between header and payload are not all zero.
    HeaderPadding,
    /// The blob has a layer that this crate does not know.
    UnknownLayer {
        /// Position of the layer, from 0.
        index: u32,
        /// Its name.
        layer: Name,
        /// Its kind.
        kind: u32,
    },
    /// A layer is of a part that was not built into this program.
    NotBuiltIn {
        /// The layer.
        layer: Name,
        /// The part.
        part: Part,
    },
    /// The blob has no layer, or more than this crate runs.
    LayerCount {
        /// Most layers that this crate runs.
        largest: usize,
        /// Layers of the blob.
        got: u32,
    },
    /// A layer or a tap is called by what is no name.
    Name,
    /// Two layers or two taps have one name.
    NameTwice {
        /// The name.
        name: Name,
    },
    /// The last layer has no tap, so that its rows would be lost.
    NoTap {
        /// The layer.
        layer: Name,
    },
    /// A layer states another contract than the one that its operation is of.
    LayerContract {
        /// The layer.
        layer: Name,
        /// Number of the contract.
        expected: u32,
        /// Number that the layer states.
        got: u32,
    },
    /// The preamble states another contract than the newest of the layers.
    NewestContract {
        /// The newest of the layers.
        expected: Contract,
        /// The one of the preamble.
        got: Contract,
    },
    /// A neuron of a readout lies outside of the map, or above the neuron before it.
    Position {
        /// The layer.
        layer: Name,
        /// The neuron, from 0.
        neuron: usize,
        /// Its position along x and y, in 1/32768.
        got: [u16; 2],
    },
    /// The weights of a layer are transformed in a way that this crate does not
    /// know, or that is not for the layer's geometry.
    Transform {
        /// The layer.
        layer: Name,
        /// Number of the transform.
        got: u32,
    },
    /// The sums of a convolution become what this crate does not know.
    Sums {
        /// The layer.
        layer: Name,
        /// Number of what becomes of them.
        got: u8,
    },
    /// A layer that is not the last hands out its sums, which no layer takes.
    SumsWithin {
        /// The layer.
        layer: Name,
    },
    /// The blob has more sections beside those of its layers than this crate
    /// reads.
    SectionCount {
        /// Most that this crate reads.
        largest: usize,
        /// Sections of the blob.
        got: u32,
    },
    /// A section beside those of the layers is out of order.
    SectionKind {
        /// Least kind that may follow.
        expected: u32,
        /// The section's kind.
        got: u32,
    },
    /// A section beside those of the layers is not as the format asks for.
    Section {
        /// The section's kind.
        kind: u32,
    },
    /// The engine cannot run a layer of this geometry.
    Geometry {
        /// The layer.
        layer: Name,
    },
    /// A layer does not take what the one before it, or the image, gives.
    InputChannels {
        /// The layer.
        layer: Name,
        /// Channels that arrive.
        expected: usize,
        /// Channels that the layer takes.
        got: usize,
    },
    /// A table has another length than the geometry asks for.
    SectionLen {
        /// The layer.
        layer: Name,
        /// Bytes that the geometry asks for.
        expected: usize,
        /// Bytes of the table.
        got: usize,
    },
    /// A table lies outside of the payload or is not aligned.
    SectionRange {
        /// The layer.
        layer: Name,
        /// Offset in the payload, in bytes.
        offset: u32,
        /// Bytes of the payload.
        payload_len: usize,
    },
    /// A table does not start where the one before it ends.
    SectionOffset {
        /// The layer.
        layer: Name,
        /// Offset in the payload at which it starts, in bytes.
        expected: u32,
        /// Offset that the header states.
        got: u32,
    },
    /// The payload does not end with its last table.
    PayloadLen {
        /// Bytes of the tables.
        expected: usize,
        /// Bytes of the payload.
        got: usize,
    },
    /// What stands behind the last tap or the last channel is not what the
    /// format asks for.
    Padding {
        /// The layer.
        layer: Name,
        /// The output channel.
        channel: usize,
    },
    /// The sum of a channel's weights is not the one in its table.
    WeightSum {
        /// The layer.
        layer: Name,
        /// The output channel.
        channel: usize,
        /// Sum of the weights.
        expected: i32,
        /// Sum in the table.
        got: i32,
    },
    /// A weight is -128.
    Weight {
        /// The layer.
        layer: Name,
        /// The output channel.
        channel: usize,
    },
    /// Transformed weights are those of no weights in `[-127, 127]`.
    NotTransformed {
        /// The layer.
        layer: Name,
        /// The output channel.
        channel: usize,
        /// The first tap that the numbers stand for.
        tap: usize,
    },
    /// A multiplier is out of range.
    Multiplier {
        /// The layer.
        layer: Name,
        /// The output channel.
        channel: usize,
        /// The multiplier.
        got: i32,
    },
    /// A shift is out of range.
    Shift {
        /// The layer.
        layer: Name,
        /// The output channel.
        channel: usize,
        /// The shift.
        got: i32,
    },
    /// A denominator could be 0 or less.
    Denominator {
        /// The layer.
        layer: Name,
        /// The channel.
        channel: usize,
        /// What it starts from.
        got: i32,
    },
    /// The multiplier of a divisive normalisation is out of range.
    NormMultiplier {
        /// The layer.
        layer: Name,
        /// The channel.
        channel: usize,
        /// The multiplier.
        got: i32,
    },
    /// A weight of a divisive normalisation is below 0.
    NormWeight {
        /// The layer.
        layer: Name,
        /// The channel.
        channel: usize,
        /// The weight.
        got: i8,
    },
    /// A run of a resampling leaves the map, goes back, or has its weights
    /// elsewhere.
    Run {
        /// The layer.
        layer: Name,
        /// The run.
        index: usize,
    },
    /// The weights of a run do not sum to what they should.
    RunWeight {
        /// The layer.
        layer: Name,
        /// The run.
        index: usize,
        /// What they sum to.
        got: u32,
    },
    /// A resampling states another overlap than its runs have.
    Overlap {
        /// The layer.
        layer: Name,
        /// Most runs that one row belongs to.
        expected: usize,
        /// What it states.
        got: usize,
    },
    /// No image has a side that all layers take.
    NoSide {
        /// The side that the first layers ask for, in pixels.
        side: usize,
    },
    /// An accumulator could leave 32 bits.
    Accumulator {
        /// The layer.
        layer: Name,
        /// The output channel.
        channel: usize,
        /// Largest magnitude that the accumulator can reach.
        got: i64,
    },
    /// A scale is not a number in [`MIN_SCALE`](crate::blob::MIN_SCALE) to
    /// [`MAX_SCALE`](crate::blob::MAX_SCALE).
    Scale {
        /// The layer.
        layer: Name,
        /// The output channel.
        channel: usize,
        /// The scale.
        got: f32,
    },
    /// The layers stream no image that is small enough for a golden one.
    MinImageSide {
        /// Side of the smallest image that they stream, in pixels.
        smallest: usize,
        /// Largest side of a golden image, in pixels.
        largest: usize,
    },
    /// The golden image is one that the layers cannot stream.
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
    #[expect(clippy::too_many_lines, reason = "one sentence for each error")]
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
                    "\" and this program runs \"{}\" and \"{}\": update the program",
                    Contract::V1.id(),
                    Contract::V2.id()
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
            Self::HeaderLen { expected, got } => write!(
                f,
                "the blob's header has {got} bytes and takes {expected}: write each number in as \
                 few bytes as it takes"
            ),
            Self::HeaderPadding => f.write_str(
                "the bytes between the blob's header and its payload are not all zero: fill them \
                 with zeros",
            ),
            Self::UnknownLayer { index, layer, kind } => write!(
                f,
                "layer {layer}, at position {index} of the blob, is of kind {kind}, which this \
                 program does not know: update the program"
            ),
            Self::NotBuiltIn { layer, part } => write!(
                f,
                "layer {layer} takes what this program was built without: switch on the cargo \
                 feature `{part}` of lcl-infer"
            ),
            Self::LayerCount { largest, got } => {
                write!(f, "the blob has {got} layers and this program runs 1 to {largest}")
            }
            Self::Name => f.write_str(
                "a layer or a tap of the blob has no name of one to eight letters, digits and \
                 hyphens",
            ),
            Self::NameTwice { name } => {
                write!(f, "two layers or two taps of the blob are called {name}")
            }
            Self::NoTap { layer } => {
                write!(f, "layer {layer} is the blob's last and has no tap: end with one")
            }
            Self::LayerContract { layer, expected, got } => write!(
                f,
                "layer {layer} states contract {got}, and its operation is of contract {expected}"
            ),
            Self::NewestContract { expected, got } => write!(
                f,
                "the blob states the contract \"{}\", and the newest of its layers is \"{}\"",
                got.id(),
                expected.id()
            ),
            Self::Position { layer, neuron, got: [x, y] } => write!(
                f,
                "neuron {neuron} of layer {layer} is at ({x}, {y}) of 32768: positions lie in the \
                 map and neurons in the order of y; quantise again"
            ),
            Self::Transform { layer, got } => write!(
                f,
                "the weights of layer {layer} are transformed in way {got}, which this program \
                 does not know for a layer of its kind and size: update the program"
            ),
            Self::NotTransformed { layer, channel, tap } => write!(
                f,
                "the transformed weights of layer {layer}, channel {channel}, tap {tap}, are those \
                 of no weights: quantise the checkpoint again"
            ),
            Self::Sums { layer, got } => write!(
                f,
                "the sums of layer {layer} become what number {got} stands for, which this \
                 program does not know: update the program"
            ),
            Self::SumsWithin { layer } => write!(
                f,
                "layer {layer} hands out its sums and is not the last: no layer takes sums"
            ),
            Self::SectionCount { largest, got } => write!(
                f,
                "the blob has {got} sections beside its layers and this program reads {largest}"
            ),
            Self::SectionKind { expected, got } => write!(
                f,
                "the blob's sections beside its layers are out of order: kind {got} where \
                 {expected} or more should follow"
            ),
            Self::Section { kind } => write!(
                f,
                "the section of kind {kind} is not where the one before it ends, or not filled up \
                 with zeros to a multiple of 16 bytes"
            ),
            Self::Geometry { layer } => {
                write!(f, "the engine cannot run the geometry of layer {layer}")
            }
            Self::InputChannels { layer, expected, got } => {
                write!(f, "layer {layer} of the blob takes {got} channels and gets {expected}")
            }
            Self::SectionLen { layer, expected, got } => write!(
                f,
                "a table of layer {layer} has {got} bytes and its geometry asks for {expected}"
            ),
            Self::SectionRange { layer, offset, payload_len } => write!(
                f,
                "a table of layer {layer} at offset {offset} is not aligned or not inside the \
                 payload of {payload_len} bytes"
            ),
            Self::SectionOffset { layer, expected, got } => write!(
                f,
                "a table of layer {layer} is at offset {got}, and the one before it ends at \
                 {expected}: tables follow each other"
            ),
            Self::PayloadLen { expected, got } => write!(
                f,
                "the payload has {got} bytes and its tables end after {expected}: end it there"
            ),
            Self::Padding { layer, channel } => write!(
                f,
                "what fills up layer {layer}, channel {channel}, is not what the format asks for"
            ),
            Self::WeightSum { layer, channel, expected, got } => write!(
                f,
                "the weights of layer {layer}, channel {channel}, sum to {expected}, and the blob \
                 states {got}"
            ),
            Self::Weight { layer, channel } => write!(
                f,
                "a weight of layer {layer}, channel {channel}, is -128; weights are in [-127, 127]"
            ),
            Self::Multiplier { layer, channel, got } => write!(
                f,
                "the multiplier of layer {layer}, channel {channel}, is {got}; it is at least \
                 {MIN_MULTIPLIER}"
            ),
            Self::Shift { layer, channel, got } => write!(
                f,
                "the shift of layer {layer}, channel {channel}, is {got}; it is in [{MIN_SHIFT}, \
                 {MAX_SHIFT}]"
            ),
            Self::Denominator { layer, channel, got } => write!(
                f,
                "the denominator of layer {layer}, channel {channel}, starts from {got}; it is at \
                 least 1, so that nothing is divided by 0"
            ),
            Self::NormMultiplier { layer, channel, got } => write!(
                f,
                "the multiplier of layer {layer}, channel {channel}, is {got}; it is in [0, \
                 {MAX_NORM_MULTIPLIER}]"
            ),
            Self::NormWeight { layer, channel, got } => write!(
                f,
                "a weight of layer {layer}, channel {channel}, is {got}; those of a divisive \
                 normalisation are in [0, 127]"
            ),
            Self::Run { layer, index } => write!(
                f,
                "run {index} of layer {layer} is empty, leaves the map, starts or ends before the \
                 run before it, or does not have its weights behind those of that run"
            ),
            Self::RunWeight { layer, index, got } => write!(
                f,
                "the weights of run {index} of layer {layer} sum to {got}; they sum to \
                 {RUN_WEIGHT}"
            ),
            Self::Overlap { layer, expected, got } => write!(
                f,
                "a row of layer {layer} belongs to up to {expected} runs, and the blob states {got}"
            ),
            Self::NoSide { side } => write!(
                f,
                "no image has a side that all layers take: of {side} pixels a side, which the \
                 first ask for, the last make none"
            ),
            Self::Accumulator { layer, channel, got } => write!(
                f,
                "the accumulator of layer {layer}, channel {channel}, can reach ±{got}, which \
                 does not fit 32 bits"
            ),
            Self::Scale { layer, channel, got } => write!(
                f,
                "the scale of layer {layer}, channel {channel}, is {}; it is {} to {}",
                Magnitude(got),
                Magnitude(MIN_SCALE),
                Magnitude(MAX_SCALE)
            ),
            Self::MinImageSide { smallest, largest } => write!(
                f,
                "the layers need an image of {smallest} pixels a side, and a blob's golden image \
                 has at most {largest}: choose smaller kernels or strides"
            ),
            Self::Golden { smallest, largest, got } => write!(
                f,
                "the golden image has a side of {got} pixels; it is in [{smallest}, {largest}]"
            ),
        }
    }
}

impl core::error::Error for OpenError {}

/// A real number, as far as its power of two tells: core's own way to format
/// one leads to panics and takes kilobytes.
struct Magnitude(f32);

impl fmt::Display for Magnitude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0.to_bits();
        let exponent = (bits >> 23) & 0xff;
        match (exponent, bits << 9) {
            (0xff, 1..) => return f.write_str("not a number"),
            (0, 0) => return f.write_str("0"),
            _ => {}
        }
        if self.0.is_sign_negative() {
            f.write_str("-")?;
        }
        match (exponent, bits << 9) {
            (0xff, _) => f.write_str("infinite"),
            (0, _) => f.write_str("less than 2^-126"),
            (_, 0) => write!(f, "2^{}", i64::from(exponent) - 127),
            _ => write!(f, "about 2^{}", i64::from(exponent) - 127),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn magnitudes_are_powers_of_two() {
        let shown = [0.0, -0.0, 1.0, -3.0, 3.4e38, f32::NAN, f32::NEG_INFINITY, 1e-40, MIN_SCALE]
            .map(|number| Magnitude(number).to_string());
        let expected = [
            "0",
            "0",
            "2^0",
            "-about 2^1",
            "about 2^127",
            "not a number",
            "-infinite",
            "less than 2^-126",
            "2^-100",
        ];
        assert_eq!(shown, expected);
    }
}
