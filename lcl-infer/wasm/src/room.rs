//! Memory that the page writes to.

use crate::session::Why;

/// Where a blob starts.
const ALIGNMENT: usize = 16;

/// So many bytes, from an address that a blob may start at.
#[derive(Debug)]
pub struct Room {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Room {
    /// None at all.
    pub const EMPTY: Self = Self { bytes: Vec::new(), start: 0, len: 0 };

    /// Makes room for so many bytes and returns where it is, or null where there is not
    /// so much memory.
    pub fn make(&mut self, len: usize) -> *mut u8 {
        self.len = 0;
        let Some(bytes) = len.checked_add(ALIGNMENT - 1).and_then(|all| {
            if self.bytes.len() < all {
                self.bytes = zeros(all)?;
            }
            Some(&mut self.bytes)
        }) else {
            return std::ptr::null_mut();
        };
        self.start = bytes.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT - 1);
        self.len = len;
        bytes.get_mut(self.start..).unwrap_or_default().as_mut_ptr()
    }

    /// Returns what was written.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).and_then(|bytes| bytes.get(..self.len)).unwrap_or_default()
    }

    /// Returns a part of what was written.
    pub fn part(&self, at: usize, len: usize) -> Result<&[u8], Why> {
        let part = self.bytes().get(at..).and_then(|rest| rest.get(..len));
        part.ok_or(Why::Part { at, len, there: self.len })
    }
}

/// Returns so many zeros, or `None` where there is not so much memory.
pub fn zeros(len: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).ok()?;
    bytes.resize(len, 0);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_aligned_and_what_is_too_much_is_null() {
        let mut room = Room::EMPTY;
        for len in [0, 1, 17, 5, 100] {
            assert_eq!(room.make(len).align_offset(ALIGNMENT), 0, "{len}");
            assert_eq!(room.bytes().len(), len);
        }
        assert!(room.part(90, 10).is_ok());
        for (at, len) in [(90, 11), (usize::MAX, 1), (101, 0)] {
            assert!(room.part(at, len).is_err(), "{at}, {len}");
        }
        assert!(room.make(usize::MAX).is_null() && room.make(usize::MAX / 2).is_null());
        assert!(room.bytes().is_empty());
    }
}
