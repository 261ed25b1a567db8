//! Memory that a DMA writes in a circle.
#![expect(unsafe_code, reason = "memory that something else writes")]

use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{Ordering, fence};

/// Memory that a DMA writes in a circle, while the program reads what it has
/// written.
#[derive(Debug)]
#[repr(transparent)]
pub struct Ring<const WORDS: usize>(UnsafeCell<[u32; WORDS]>);

// SAFETY: nothing of the program writes the words, and each is read with one
// volatile access, so that a word that the DMA writes meanwhile is read as it was
// or as it will be; which of both `sensor::Frame` finds out.
unsafe impl<const WORDS: usize> Sync for Ring<WORDS> {}

impl<const WORDS: usize> Ring<WORDS> {
    /// Length in bytes.
    pub const BYTE_LEN: usize = 4 * WORDS;

    /// Returns a ring of zeros.
    #[must_use]
    pub const fn new() -> Self {
        Self(UnsafeCell::new([0; WORDS]))
    }

    /// Returns the address that the DMA writes to.
    pub const fn as_ptr(&self) -> *mut u32 {
        self.0.get().cast()
    }

    /// Copies bytes of what went through the ring, the first of which was its
    /// `start`-th; `start` and the length are multiples of four.
    pub fn copy(&self, start: usize, out: &mut [u8]) {
        // The words were written before the DMA's counter said so.
        fence(Ordering::SeqCst);
        let mut word = start / 4 % WORDS;
        for bytes in out.chunks_exact_mut(4) {
            // SAFETY: `word` is less than `WORDS`, and any word is a number.
            let value = unsafe { ptr::read_volatile(self.as_ptr().add(word)) };
            bytes.copy_from_slice(&value.to_ne_bytes());
            word = if word + 1 == WORDS { 0 } else { word + 1 };
        }
    }
}

impl<const WORDS: usize> Default for Ring<WORDS> {
    fn default() -> Self {
        Self::new()
    }
}
