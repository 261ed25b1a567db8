//! The fields of a retina in a header.

use super::{Retina, RetinaOutput};
use crate::blob::reader::Reader;

impl Retina {
    /// Number of the kind.
    pub(crate) const KIND: u32 = 7;

    /// Reads the fields: output, shift, gain, offset.
    pub(crate) fn parse(reader: &mut Reader<'_>) -> Option<Self> {
        let output = reader.one_of(&RetinaOutput::ALL);
        let shift = reader.byte();
        let [gain, offset] = [reader.short(), reader.short()];
        Self::new(output, shift, gain, offset)
    }
}
