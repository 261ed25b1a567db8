//! The fields of a plain pool in a header.

use super::{WindowOperation, WindowPool};
use crate::blob::reader::Reader;

impl WindowPool {
    /// Number of the kind.
    pub(crate) const KIND: u32 = 2;

    /// Reads the fields: operation, side, stride, padding.
    pub(crate) fn parse(reader: &mut Reader<'_>) -> Option<Self> {
        let operation = reader.one_of(&WindowOperation::ALL);
        let [side, stride, padding] = [reader.byte(), reader.byte(), reader.byte()];
        Self::new(operation, side.into(), stride.into(), padding.into())
    }

    /// Returns the fields as they are written.
    pub(crate) const fn fields(&self) -> [u8; 4] {
        [self.operation as u8, self.side.get(), self.stride.get(), self.padding]
    }
}
