//! The header of a blob: serde types, encoded with postcard.

use heapless::Vec;
use serde::{Deserialize, Serialize};

use super::OpenError;
use crate::shape::{ConvGeometry, PoolOrder};

/// Most layers that a header may list.
pub(crate) const MAX_LAYERS: usize = 4;

/// What is in a blob, and where.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Header<'a> {
    pub(crate) input: InputFormat,
    pub(crate) golden: Golden,
    pub(crate) layers: Vec<Layer<'a>, MAX_LAYERS>,
}

/// What stage 1 of a blob sees. A camera may deliver another
/// [`PixelFormat`](crate::PixelFormat).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum InputFormat {
    /// Three bytes a pixel: red, green, blue.
    Rgb888,
    /// One byte a pixel: luma. The first stage was folded to one channel.
    Gray8,
}

impl InputFormat {
    /// Every format, in the order of the blob's encoding.
    pub const ALL: [Self; 2] = [Self::Rgb888, Self::Gray8];

    /// Returns the channels that stage 1 sees, which are the bytes of a pixel.
    #[must_use]
    pub const fn channels(self) -> usize {
        match self {
            Self::Rgb888 => 3,
            Self::Gray8 => 1,
        }
    }

    /// Returns the name of the format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rgb888 => "RGB888",
            Self::Gray8 => "GRAY8",
        }
    }
}

/// Largest side of a golden image, in pixels.
pub const GOLDEN_MAX_SIDE: usize = 64;

/// A generated image and the CRC-32 of the features that it must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Golden {
    /// Seed of the image, see [`GoldenImage`](crate::GoldenImage).
    pub seed: u32,
    /// Width and height of the image, in pixels.
    pub side: u16,
    /// CRC-32 of the V1 features, `[1, H, W, C]`.
    pub v1_crc32: u32,
    /// CRC-32 of the V2 features, `[1, H, W, C]`.
    pub v2_crc32: u32,
}

/// One layer. The encoding starts with the variant's index, its kind.
#[derive(Clone, Debug, Serialize)]
pub(crate) enum Layer<'a> {
    Stage(StageHeader<'a>),
}

/// Kind of [`Layer::Stage`].
const KIND_STAGE: u32 = 0;

/// Geometry, tables and output scale of one stage.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct StageHeader<'a> {
    pub(crate) in_c: u16,
    pub(crate) out_c: u16,
    pub(crate) kernel: u8,
    pub(crate) stride: u8,
    pub(crate) padding: u8,
    pub(crate) pool: PoolOrder,
    /// i8, OHWI.
    pub(crate) weights: Section,
    /// Four i32 a channel: bias, multiplier, shift, sum of weights.
    pub(crate) channels: Section,
    /// One f32 a channel, little-endian.
    pub(crate) output_scale: &'a [u8],
}

impl StageHeader<'_> {
    pub(crate) fn geometry(&self) -> Option<ConvGeometry> {
        ConvGeometry::new(
            self.in_c.into(),
            self.out_c.into(),
            self.kernel.into(),
            self.stride.into(),
            self.padding.into(),
        )
    }

    /// Returns the bytes that the layer is encoded in, with its kind.
    fn encoded_len(&self) -> usize {
        let scales_len = u32::try_from(self.output_scale.len()).unwrap_or(u32::MAX);
        let Section { offset: weights, len: weights_len } = self.weights;
        let Section { offset: channels, len: channels_len } = self.channels;
        let sections = [weights, weights_len, channels, channels_len, scales_len];
        let numbers = [self.in_c.into(), self.out_c.into()].into_iter().chain(sections);
        // Kind, kernel, stride, padding and order of pooling have a byte each.
        numbers
            .map(varint_len)
            .fold(self.output_scale.len().saturating_add(5), usize::saturating_add)
    }
}

/// A range of bytes of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Section {
    /// From the start of the payload, a multiple of 16.
    pub(crate) offset: u32,
    /// Bytes.
    pub(crate) len: u32,
}

impl<'a> Header<'a> {
    /// Decodes a header, layer by layer, so that an unknown layer is told from
    /// damage.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, OpenError> {
        let (input, rest) = take(bytes)?;
        let (golden, rest) = take(rest)?;
        let (count, mut rest): (u32, _) = take(rest)?;
        let mut layers = Vec::new();
        for index in 0..count {
            let (kind, after_kind): (u32, _) = take(rest)?;
            if kind != KIND_STAGE {
                return Err(OpenError::UnknownLayer { index, kind });
            }
            let (stage, after_stage) = take(after_kind)?;
            let too_many = OpenError::LayerCount { expected: MAX_LAYERS, got: count as usize };
            layers.push(Layer::Stage(stage)).map_err(|_| too_many)?;
            rest = after_stage;
        }
        if !rest.is_empty() {
            return Err(OpenError::Header);
        }
        let header = Self { input, golden, layers };
        // Of all encodings of a number the one that is written is the shortest.
        let expected = header.encoded_len();
        if bytes.len() == expected {
            Ok(header)
        } else {
            Err(OpenError::HeaderLen { expected, got: bytes.len() })
        }
    }

    /// Returns the bytes that the header is encoded in.
    fn encoded_len(&self) -> usize {
        let Golden { seed, side, v1_crc32, v2_crc32 } = self.golden;
        let golden = [seed, side.into(), v1_crc32, v2_crc32].map(varint_len);
        let layers = self.layers.iter().map(|Layer::Stage(stage)| stage.encoded_len());
        // The input format and the number of layers have a byte each.
        layers.chain(golden).fold(2, usize::saturating_add)
    }
}

/// Returns the bytes of a number in postcard's encoding, 7 bits each.
const fn varint_len(number: u32) -> usize {
    match number {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        0x20_0000..0x1000_0000 => 4,
        _ => 5,
    }
}

fn take<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), OpenError> {
    postcard::take_from_bytes(bytes).map_err(|_| OpenError::Header)
}
