//! The blob: a preamble, a postcard header, and tables that are read in place.
//!
//! Opening a blob checks everything once. What [`Blob::open`] returns can be
//! run on any image without a panic and without reading out of bounds.
//! The format knows no kernel. `docs/blob.md` has the layout byte by byte.

mod check;
mod error;
mod header;
mod layer;
mod preamble;
pub(crate) mod reader;
pub(crate) mod section;
pub mod write;

use crate::architecture::{Architecture, LEAST_TILES, Layer, Plan};
use crate::contract::Contract;
use crate::crc32::Crc32;
use crate::input::InputFormat;
use crate::name::Name;
use crate::parameters::{ConvParameters, LayerParameters, Operation, Scales};
use crate::shape::MAX_IMAGE_SIDE;

pub use error::OpenError;
use header::Header;
pub use header::{GOLDEN_MAX_SIDE, Golden};
use preamble::Preamble;
pub use section::{MAX_SECTIONS, SECTION_LABELS};

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
    header: Header<'a>,
    payload: &'a [u8],
    preamble: Preamble,
}

impl<'a> Blob<'a> {
    /// Opens a blob, which must start at a multiple of 16 bytes.
    ///
    /// Magic, version, contract, lengths, CRC-32, header, names, geometry,
    /// alignment and range of every table, weight, multiplier, shift and scale,
    /// and the bound of every accumulator are checked here and nowhere else. Of
    /// one content there is one blob: every byte between the tables is zero.
    ///
    /// # Errors
    ///
    /// Returns the check that failed, with expected and got.
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
        let header = Header::parse(header)?;
        check::layers(&header, payload, preamble.contract)?;
        check::order(&header, payload)?;
        let blob = Self { bytes, header, payload, preamble };
        let (smallest, largest) = (blob.min_image_side(), GOLDEN_MAX_SIDE);
        if smallest <= largest && blob.out_side(smallest) == 0 {
            return Err(OpenError::NoSide { side: smallest });
        }
        let largest = largest.min(blob.max_image_side());
        let got = usize::from(header.golden.side);
        if smallest > largest {
            return Err(OpenError::MinImageSide { smallest, largest });
        }
        if got < smallest || got > largest {
            return Err(OpenError::Golden { smallest, largest, got });
        }
        Ok(blob)
    }

    /// Reads every byte again and compares length and CRC-32, as
    /// [`open`](Self::open) did: a flash that fades, or that something wrote to,
    /// is found.
    ///
    /// # Errors
    ///
    /// Returns the first check that fails now.
    pub fn check_again(&self) -> Result<(), OpenError> {
        // The compiler may not take the bytes for those that were opened.
        let bytes = core::hint::black_box(self.bytes);
        // The CRC-32 is not that of the preamble, of which a length may change
        // and the blob's stay.
        if check_bytes(bytes)? == self.preamble { Ok(()) } else { Err(OpenError::Header) }
    }

    /// Returns the blob's chain up to the layer of a tap, or `None` if no layer
    /// has that tap: a front-end of it pays neither time nor memory for what
    /// comes behind.
    #[must_use]
    pub fn up_to(&self, tap: Name) -> Option<Self> {
        let at = self.header.layers.iter().position(|layer| layer.tap == Some(tap))?;
        let header = Header { layers: self.header.layers.up_to(at + 1), ..self.header };
        Some(Self { header, ..*self })
    }

    /// Returns the newest contract that a layer of the whole blob asks for.
    #[must_use]
    pub const fn contract(&self) -> Contract {
        self.preamble.contract
    }

    /// Returns what the first layer sees: one luma or three colours.
    #[must_use]
    pub const fn input(&self) -> InputFormat {
        self.header.input
    }

    /// Returns the golden image.
    #[must_use]
    pub const fn golden(&self) -> Golden {
        self.header.golden
    }

    /// Returns the number of layers.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.header.layers.len()
    }

    /// Returns whether there is no layer, which no blob that opens is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Iterates over the layers, from the image on.
    pub fn layers(&self) -> impl Iterator<Item = LayerParameters<'a>> + use<'a> {
        let payload = self.payload;
        self.header.layers.iter().map_while(move |layer| layer.in_place(payload))
    }

    /// Iterates over the convolutions, from the image on.
    pub fn convolutions(&self) -> impl Iterator<Item = ConvParameters<'a>> + use<'a> {
        self.layers().filter_map(|layer| match layer.operation {
            Operation::Conv(parameters) => Some(parameters),
            _ => None,
        })
    }

    /// Iterates over the taps, from the image on.
    pub fn taps(&self) -> impl Iterator<Item = Name> + use<'a> {
        self.header.layers.iter().filter_map(|layer| layer.tap)
    }

    /// Returns what one step of each channel's byte is worth in the rows of a
    /// tap, or `None` if no layer has that tap, or neither a convolution nor a
    /// divisive normalisation comes before it. Of a readout it is each neuron's:
    /// rate `c` of row `y` is that of neuron `16 · y + c`.
    #[must_use]
    pub fn output_scale(&self, tap: Name) -> Option<Scales<'a>> {
        let mut scales = None;
        for layer in self.layers() {
            match layer.operation {
                Operation::Conv(conv) => scales = Some(conv.output_scale),
                Operation::Readout(readout) => scales = Some(readout.output_scale),
                Operation::Dense(dense) => scales = Some(dense.output_scale),
                Operation::Norm(norm) => scales = Some(norm.output_scale),
                // It makes other channels, whose bytes are worth 1 / gain.
                Operation::Retina(_) | Operation::Opponent(_) => scales = None,
                _ => {}
            }
            if layer.tap == Some(tap) {
                return scales;
            }
        }
        None
    }

    /// Returns a section beside those of the layers, such as
    /// [`SECTION_LABELS`], or `None` if there is none of that kind.
    #[must_use]
    pub fn section(&self, kind: u32) -> Option<&'a [u8]> {
        let (_, section) = self.header.sections.iter().find(|(of, _)| *of == kind)?;
        section.of(self.payload)
    }

    /// Returns the architecture, or `None` if the bytes are no longer those that
    /// were opened.
    #[must_use]
    pub fn architecture(&self) -> Option<Architecture> {
        let mut layers = heapless::Vec::<_, { crate::architecture::MAX_LAYERS }>::new();
        for layer in self.header.layers.iter() {
            layers.push(Layer { name: layer.name, tap: layer.tap, kind: layer.kind() }).ok()?;
        }
        Architecture::new(self.input(), &layers)
    }

    /// Returns the bytes that a [`Frontend`](crate::Frontend) needs for images
    /// of `width` pixels: [`memory_len`](crate::memory_len) of the architecture,
    /// and what transforms of the weights need beyond that.
    #[must_use]
    pub fn memory_len(&self, width: usize) -> usize {
        self.memory_len_with(width, LEAST_TILES)
    }

    /// Returns the bytes with which transforms of the weights take so many
    /// tiles of a row together, up to
    /// [`MAX_TILES`](crate::kernels::MAX_TILES): more are faster, and no
    /// more than [`fast_memory_len`](crate::fast_memory_len) of the
    /// architecture.
    #[must_use]
    pub fn memory_len_with(&self, width: usize, tiles: usize) -> usize {
        let plan = Plan::new(self.input(), width);
        let layers = self.header.layers.iter();
        layers.fold(plan, |plan, layer| plan.then(&layer.kind()).with(layer.toom(), tiles)).len()
    }

    /// Returns the smallest width and height of an image of which the last layer
    /// has a pixel.
    #[must_use]
    pub fn min_image_side(&self) -> usize {
        let mut side = 1;
        for len in (0..self.len()).rev() {
            if let Some(layer) = self.header.layers.iter().nth(len) {
                side = layer.kind().in_side(side);
            }
        }
        side
    }
}

impl Blob<'_> {
    /// Returns the largest width and height of an image that the layers take:
    /// [`MAX_IMAGE_SIDE`], unless one of them takes
    /// a map of one size.
    #[must_use]
    pub fn max_image_side(&self) -> usize {
        let mut side = usize::MAX;
        for len in (0..self.len()).rev() {
            if let Some(layer) = self.header.layers.iter().nth(len) {
                side = layer.kind().largest_side(side);
            }
        }
        side.min(MAX_IMAGE_SIDE)
    }

    /// Returns the side of the last map for an image of `side` pixels, or 0 for
    /// one that the layers do not take.
    #[must_use]
    pub fn out_side(&self, side: usize) -> usize {
        self.header.layers.iter().fold(side, |side, layer| layer.kind().out_side(side))
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
        (preamble.crc32, Crc32::of(bytes.get(preamble::LEN..).unwrap_or_default()));
    if got == expected { Ok(preamble) } else { Err(OpenError::Crc { expected, got }) }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::vec::Vec;

    use super::write::{BlobSpec, ConvSpec, LayerSpec, OperationSpec};
    use super::*;
    use crate::arithmetic::{Channel, Requant};
    use crate::shape::{ConvGeometry, PoolOrder};
    use crate::{V1, V2};

    /// Returns the blocks of a blob of two pointwise convolutions with their
    /// pools, and its length.
    pub(crate) fn pointwise(golden: Golden) -> (Vec<u128>, usize) {
        let requant = Requant::new(1 << 30, 37).expect("in range");
        let channels = [Channel { bias: 3, requant }];
        let conv = |in_c, weights| {
            OperationSpec::Conv(ConvSpec {
                conv: ConvGeometry::new(in_c, 1, 1, 1, 0).expect("valid"),
                transform: None,
                weights,
                channels: &channels,
                output_scale: &[1.0],
            })
        };
        let pool = OperationSpec::Pool(PoolOrder::MaxBlur);
        let layer = |name, tap, operation| LayerSpec {
            name: Name::new(name).expect("a name"),
            tap,
            golden_crc32: 0,
            operation,
        };
        let layers = [
            layer("conv1", None, conv(3, &[40, 50, 20])),
            layer("pool1", Some(V1), pool),
            layer("conv2", None, conv(1, &[100])),
            layer("pool2", Some(V2), pool),
        ];
        let spec = BlobSpec { input: InputFormat::Rgb888, golden, layers: &layers, sections: &[] };
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
        let (blocks, len) = pointwise(Golden { seed: 1, side: 8 });
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
