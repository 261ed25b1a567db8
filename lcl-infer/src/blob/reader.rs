//! Reading what postcard encodes, value by value.

use super::OpenError;

/// The rest of a header, how few bytes what was read could take, and whether
/// all of it was there.
///
/// Where a value cannot be read it is 0 or empty, and so is every one behind
/// it: what reads checks once, with [`whole`](Self::whole). A chip's program
/// would else be twice as long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    least_len: usize,
    whole: bool,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, least_len: 0, whole: true }
    }

    /// Returns an error if a value was not there.
    pub(crate) const fn whole(&self) -> Result<(), OpenError> {
        if self.whole { Ok(()) } else { Err(OpenError::Header) }
    }

    /// Returns what is left to read.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Returns the bytes that what was read takes at least: of all encodings of
    /// a number the one that is written is the shortest.
    pub(crate) const fn least_len(&self) -> usize {
        self.least_len
    }

    /// Reads a number.
    #[inline(never)]
    pub(crate) fn number(&mut self) -> u32 {
        match postcard::take_from_bytes(self.rest) {
            Ok((number, rest)) => {
                self.rest = rest;
                self.least_len = self.least_len.saturating_add(varint_len(number));
                number
            }
            Err(_) => self.fail(),
        }
    }

    /// Says that a value was not there.
    fn fail<T: Default>(&mut self) -> T {
        (self.rest, self.whole) = (&[], false);
        T::default()
    }

    /// Reads a number of 16 bits.
    pub(crate) fn short(&mut self) -> u16 {
        let number = self.number();
        number.try_into().unwrap_or_else(|_| self.fail())
    }

    /// Reads a byte.
    pub(crate) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    /// Reads bytes with their length before them.
    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        let len = usize::try_from(self.number()).unwrap_or(usize::MAX);
        self.take(len)
    }

    #[inline(never)]
    fn take(&mut self, len: usize) -> &'a [u8] {
        match self.rest.split_at_checked(len) {
            Some((bytes, rest)) => {
                self.rest = rest;
                self.least_len = self.least_len.saturating_add(len);
                bytes
            }
            None => self.fail(),
        }
    }

    /// Reads the index of one of `all`.
    pub(crate) fn one_of<T: Copy + Default>(&mut self, all: &[T]) -> T {
        let index = usize::try_from(self.number()).unwrap_or(usize::MAX);
        all.get(index).copied().unwrap_or_else(|| self.fail())
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
