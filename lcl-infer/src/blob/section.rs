//! Ranges of the payload, and what a blob may have beside its layers.

use super::reader::Reader;
use super::{ALIGNMENT, OpenError};
use crate::name::Name;

/// A range of bytes of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// From the start of the payload, a multiple of 16.
    pub(crate) offset: u32,
    /// Bytes.
    pub(crate) len: u32,
}

impl Section {
    pub(crate) fn parse(reader: &mut Reader<'_>) -> Self {
        Self { offset: reader.number(), len: reader.number() }
    }

    /// Checks the length.
    pub(crate) fn check_len(&self, layer: Name, expected: usize) -> Result<(), OpenError> {
        let got = self.len as usize;
        if got == expected { Ok(()) } else { Err(OpenError::SectionLen { layer, expected, got }) }
    }

    /// Returns the error of a section that is not in the payload.
    pub(crate) const fn out_of_range(&self, layer: Name, payload: &[u8]) -> OpenError {
        OpenError::SectionRange { layer, offset: self.offset, payload_len: payload.len() }
    }

    /// Returns the bytes, or `None` if they are not all in the payload or do
    /// not start at a multiple of 16.
    pub(crate) fn of<'a>(&self, payload: &'a [u8]) -> Option<&'a [u8]> {
        let start = usize::try_from(self.offset).ok()?;
        let end = start.checked_add(usize::try_from(self.len).ok()?)?;
        payload.get(start..end).filter(|_| start % ALIGNMENT == 0)
    }
}

/// Number of the kind of section that has the names of classes: UTF-8, each
/// followed by a line feed.
pub const SECTION_LABELS: u32 = 1;

/// Most sections of a blob beside those of its layers.
pub const MAX_SECTIONS: usize = 8;

/// The encoded list of what a blob has beside its layers: for each a kind and a
/// range. Programs pass over the kinds that they do not know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sections<'a> {
    reader: Reader<'a>,
    len: usize,
}

impl<'a> Sections<'a> {
    pub(crate) fn parse(reader: &mut Reader<'a>) -> Result<Self, OpenError> {
        let got = reader.number();
        let len = usize::try_from(got).unwrap_or(usize::MAX);
        if len > MAX_SECTIONS {
            return Err(OpenError::SectionCount { largest: MAX_SECTIONS, got });
        }
        let sections = Self { reader: *reader, len };
        let mut above = 0;
        for _ in 0..len {
            let (kind, _) = Self::one(reader);
            reader.whole()?;
            // Each kind once, in order, so that there is one blob of one content.
            if kind <= above {
                return Err(OpenError::SectionKind {
                    expected: above.saturating_add(1),
                    got: kind,
                });
            }
            above = kind;
        }
        Ok(sections)
    }

    fn one(reader: &mut Reader<'_>) -> (u32, Section) {
        (reader.number(), Section::parse(reader))
    }

    /// Iterates over the sections and their kinds.
    pub(crate) fn iter(mut self) -> impl Iterator<Item = (u32, Section)> + 'a {
        (0..self.len).map(move |_| Self::one(&mut self.reader))
    }
}
