//! How much one image may claim, and how much memory all that are decoded at a
//! time may take.

use std::sync::{
    Condvar, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// Pixels of the largest image where the user says no other number: a square of
/// 16,384 a side.
pub const MOST_PIXELS: u64 = 1 << 28;

/// Bytes that a pixel takes at most in a file: four samples of 32 bits.
const MOST_PIXEL_BYTES: u64 = 16;

/// Bytes of metadata that come with an image at most.
const MOST_METADATA_BYTES: u64 = 1 << 26;

/// Bytes that the images decoded at a time take together. One image alone may
/// take more.
const ALL_ROOM: u64 = 1 << 31;

static PIXELS: AtomicU64 = AtomicU64::new(MOST_PIXELS);

/// Sets the pixels of the largest image that this process decodes.
pub fn set_most_pixels(pixels: u64) {
    PIXELS.store(pixels, Ordering::Relaxed);
}

/// Returns the pixels of the largest image that is decoded.
#[must_use]
pub fn most_pixels() -> u64 {
    PIXELS.load(Ordering::Relaxed)
}

/// Returns the length of the longest file that is read as an image.
#[must_use]
pub fn most_file_bytes() -> u64 {
    most_pixels().saturating_mul(MOST_PIXEL_BYTES).saturating_add(MOST_METADATA_BYTES)
}

/// Room in memory for decoding, given back when it is dropped.
///
/// Whoever holds some must neither wait for other threads nor take work of
/// theirs, which could wait for this room.
#[derive(Debug)]
pub struct Room {
    all: &'static Rooms,
    bytes: u64,
}

/// The room that is taken.
#[derive(Debug)]
struct Rooms {
    limit: u64,
    taken: Mutex<u64>,
    given_back: Condvar,
}

impl Rooms {
    const fn new(limit: u64) -> Self {
        Self { limit, taken: Mutex::new(0), given_back: Condvar::new() }
    }

    fn take(&'static self, bytes: u64) -> Room {
        let bytes = bytes.min(self.limit);
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |taken: &mut u64| *taken + bytes > self.limit;
        let taken = self.given_back.wait_while(taken, is_full);
        *taken.unwrap_or_else(PoisonError::into_inner) += bytes;
        Room { all: self, bytes }
    }
}

impl Room {
    /// Waits until there is room for so many bytes; for more than there ever is,
    /// until nobody else has any.
    #[must_use]
    pub fn take(bytes: u64) -> Self {
        static ROOMS: Rooms = Rooms::new(ALL_ROOM);
        ROOMS.take(bytes)
    }

    /// Takes room for so many bytes more without waiting, and returns whether it
    /// was there.
    pub fn try_grow(&mut self, by: u64) -> bool {
        let mut taken = self.all.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let more = self.bytes.saturating_add(by).min(self.all.limit) - self.bytes;
        if *taken + more > self.all.limit {
            return false;
        }
        *taken += more;
        self.bytes += more;
        true
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        *self.all.taken.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.all.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn no_more_is_taken_than_there_is() {
        static ROOMS: Rooms = Rooms::new(100);
        static HELD: AtomicU64 = AtomicU64::new(0);
        static MOST: AtomicU64 = AtomicU64::new(0);
        thread::scope(|scope| {
            for thread in 0..16_u64 {
                scope.spawn(move || {
                    for turn in 0..200 {
                        let mut room = ROOMS.take(1 + (thread * 7 + turn) % 60);
                        let _ = room.try_grow(turn % 50);
                        let held = HELD.fetch_add(room.bytes, Ordering::SeqCst) + room.bytes;
                        MOST.fetch_max(held, Ordering::SeqCst);
                        thread::yield_now();
                        HELD.fetch_sub(room.bytes, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(MOST.load(Ordering::SeqCst) <= 100);
        assert_eq!(*ROOMS.taken.lock().expect("sound"), 0);
    }

    #[test]
    fn what_is_larger_than_all_room_has_it_alone() {
        static ROOMS: Rooms = Rooms::new(100);
        let mut first = ROOMS.take(40);
        assert!(!ROOMS.take(50).try_grow(20), "the first has 40");
        assert!(first.try_grow(1000), "nobody else has any");
        drop(first);
        assert_eq!(ROOMS.take(1000).bytes, 100);
    }
}
