//! The fields of a dense layer in a header.

use super::{Dense, DenseGeometry, DenseParameters, Sums};
use crate::blob::OpenError;
use crate::blob::reader::Reader;
use crate::blob::section::Section;
use crate::name::Name;
use crate::parameters::{CHANNEL_WORDS, ChannelTable, Scales};

impl DenseGeometry {
    /// Number of the kind.
    pub(crate) const KIND: u32 = 5;
}

/// Size, tables and output scale of a dense layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DenseHeader<'a> {
    pub(crate) geometry: DenseGeometry,
    /// i8, `[outputs, padded_inputs]`.
    pub(crate) weights: Section,
    /// Four i32 an output: bias, multiplier, shift, sum of weights.
    pub(crate) channels: Section,
    /// One f32 an output, little-endian.
    pub(crate) output_scale: &'a [u8],
}

impl<'a> DenseHeader<'a> {
    /// Reads the fields: inputs, outputs, sums, weights, channels, output scale.
    pub(crate) fn parse(reader: &mut Reader<'a>, layer: Name) -> Result<Self, OpenError> {
        let [inputs, outputs] = [reader.short(), reader.short()].map(usize::from);
        let sums = reader.byte();
        reader.whole()?;
        let Some(&sums) = Sums::ALL.get(usize::from(sums)) else {
            return Err(OpenError::Sums { layer, got: sums });
        };
        let geometry = DenseGeometry::new(inputs, outputs, sums);
        Ok(Self {
            geometry: geometry.ok_or(OpenError::Geometry { layer })?,
            weights: Section::parse(reader),
            channels: Section::parse(reader),
            output_scale: reader.bytes(),
        })
    }

    /// Returns the weights.
    pub(crate) fn weights<'p>(&self, payload: &'p [u8]) -> Option<&'p [i8]> {
        bytemuck::try_cast_slice(self.weights.of(payload)?).ok()
    }

    /// Returns the words of the outputs.
    pub(crate) fn words<'p>(&self, payload: &'p [u8]) -> Option<&'p [i32]> {
        bytemuck::try_cast_slice(self.channels.of(payload)?).ok()
    }

    pub(crate) fn in_place(&self, payload: &'a [u8]) -> Option<DenseParameters<'a>> {
        let channels = ChannelTable::new(self.words(payload)?, self.geometry.outputs())?;
        let dense = Dense::new(self.geometry, self.weights(payload)?, channels)?;
        Some(DenseParameters { dense, output_scale: Scales::from_le_bytes(self.output_scale) })
    }

    /// Returns the bytes that the size asks for: of the weights and of the words
    /// of the outputs.
    pub(crate) const fn lens(geometry: &DenseGeometry) -> [usize; 2] {
        [geometry.weights_len(), 4 * CHANNEL_WORDS * geometry.padded_outputs()]
    }
}
