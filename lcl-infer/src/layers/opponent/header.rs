//! The fields of a colour-opponent retina in a header.

use super::Opponent;
use crate::blob::reader::Reader;

impl Opponent {
    /// Number of the kind.
    pub(crate) const KIND: u32 = 8;

    /// Reads the fields: gain, offset.
    pub(crate) fn parse(reader: &mut Reader<'_>) -> Option<Self> {
        let [gain, offset] = [reader.short(), reader.short()];
        Self::new(gain, offset)
    }
}
