//! The header of a blob, encoded with postcard.

use super::OpenError;
use super::layer::LayerHeader;
use super::reader::Reader;
use super::section::Sections;
use crate::architecture::MAX_LAYERS;
use crate::input::InputFormat;

/// What is in a blob, and where. Layers and sections are read again whenever
/// they are asked for: a chain has no fixed length, and a program on a chip
/// little memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header<'a> {
    pub(crate) input: InputFormat,
    pub(crate) golden: Golden,
    pub(crate) layers: Layers<'a>,
    pub(crate) sections: Sections<'a>,
}

/// Largest side of a golden image, in pixels.
pub const GOLDEN_MAX_SIDE: usize = 224;

/// A generated image, of which each tap's layer states what it must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Golden {
    /// Seed of the image, see [`GoldenImage`](crate::golden::GoldenImage).
    pub seed: u32,
    /// Width and height of the image, in pixels.
    pub side: u16,
}

impl<'a> Header<'a> {
    /// Decodes a header, layer by layer, so that an unknown layer is told from
    /// damage.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, OpenError> {
        let mut reader = Reader::new(bytes);
        let input = reader.one_of(&InputFormat::ALL);
        let golden = Golden { seed: reader.number(), side: reader.short() };
        let count = reader.number();
        reader.whole()?;
        let len = usize::try_from(count).unwrap_or(usize::MAX);
        if len == 0 || len > MAX_LAYERS {
            return Err(OpenError::LayerCount { largest: MAX_LAYERS, got: count });
        }
        let layers = Layers { reader, len };
        for index in 0..count {
            LayerHeader::parse(&mut reader, index)?;
        }
        let sections = Sections::parse(&mut reader)?;
        reader.whole()?;
        if !reader.rest().is_empty() {
            return Err(OpenError::Header);
        }
        let (expected, got) = (reader.least_len(), bytes.len());
        if got == expected {
            Ok(Self { input, golden, layers, sections })
        } else {
            Err(OpenError::HeaderLen { expected, got })
        }
    }
}

/// The encoded layers of a header that was parsed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layers<'a> {
    reader: Reader<'a>,
    len: usize,
}

impl<'a> Layers<'a> {
    /// Returns how many there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Returns the first layers, `len` of them.
    pub(crate) fn up_to(self, len: usize) -> Self {
        Self { len: self.len.min(len), ..self }
    }

    /// Iterates over the layers.
    pub(crate) fn iter(mut self) -> impl Iterator<Item = LayerHeader<'a>> {
        (0..self.len).map_while(move |_| LayerHeader::parse(&mut self.reader, 0).ok())
    }
}
