//! The fields of a readout in a header.

use super::{Readout, ReadoutGeometry, ReadoutParameters};
use crate::blob::reader::Reader;
use crate::blob::section::Section;
use crate::parameters::Scales;

/// The fields of a readout in a header: channels and neurons, the sections of their
/// tables, and the scales.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadoutHeader<'a> {
    pub(crate) geometry: ReadoutGeometry,
    /// i8, `[neurons, in_c]`, each filled up to a multiple of 16.
    pub(crate) weights: Section,
    /// Eight i32 a neuron.
    pub(crate) neurons: Section,
    /// One f32 a neuron, little-endian.
    pub(crate) output_scale: &'a [u8],
}

impl<'a> ReadoutHeader<'a> {
    /// Number of the kind.
    pub(crate) const KIND: u32 = 6;

    /// Reads the fields.
    pub(crate) fn parse(reader: &mut Reader<'a>) -> Option<Self> {
        let [in_c, neurons] = [reader.short(), reader.short()].map(usize::from);
        Some(Self {
            geometry: ReadoutGeometry::new(in_c, neurons)?,
            weights: Section::parse(reader),
            neurons: Section::parse(reader),
            output_scale: reader.bytes(),
        })
    }

    /// Returns the weights.
    pub(crate) fn packed<'p>(&self, payload: &'p [u8]) -> Option<&'p [i8]> {
        bytemuck::try_cast_slice(self.weights.of(payload)?).ok()
    }

    /// Returns the words of the neurons.
    pub(crate) fn words<'p>(&self, payload: &'p [u8]) -> Option<&'p [i32]> {
        bytemuck::try_cast_slice(self.neurons.of(payload)?).ok()
    }

    pub(crate) fn in_place(&self, payload: &'a [u8]) -> Option<ReadoutParameters<'a>> {
        let readout = Readout::new(self.geometry, self.packed(payload)?, self.words(payload)?)?;
        Some(ReadoutParameters { readout, output_scale: Scales::from_le_bytes(self.output_scale) })
    }
}
