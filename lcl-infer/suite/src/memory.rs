//! What a run of the suite works in.

use core::ops::{Deref, DerefMut, Range};

use lcl_infer::{ConvGeometry, kernels};

/// Bytes before and behind what a kernel may write, which it must leave.
pub(crate) const GUARD_LEN: usize = 64;

/// What is in them.
const GUARD: u8 = 0xa5;

/// Most bytes of one input, and of one whose rows have their borders.
pub(crate) const INPUT_LEN: usize = 16 * 1024;

/// Most weights of one convolution, packed.
pub(crate) const WEIGHTS_LEN: usize = 24 * 1024;

/// Most output channels of one convolution.
pub(crate) const CHANNELS_LEN: usize = 96;

/// Most bytes of one output.
pub(crate) const OUT_LEN: usize = 6 * 1024;

/// Most bytes of scratch.
pub(crate) const SCRATCH_LEN: usize = 12 * 1024;

/// Most bytes of a blob.
pub(crate) const BLOB_LEN: usize = 16 * 1024;

/// Most bytes that a front-end works in.
pub(crate) const FRONTEND_LEN: usize = 24 * 1024;

/// All memory that the suite needs: one value of this, in a static or a box.
///
/// # Examples
///
/// ```
/// let memory = Box::new(lcl_infer_suite::Memory::new());
/// assert!(size_of_val(&*memory) < 256 * 1024);
/// ```
#[derive(Debug)]
pub struct Memory {
    pub(crate) input: [u8; INPUT_LEN],
    pub(crate) padded: Aligned<[u8; INPUT_LEN]>,
    pub(crate) weights: [i8; WEIGHTS_LEN],
    pub(crate) packed: Aligned<[i8; WEIGHTS_LEN]>,
    pub(crate) words: Aligned<[i32; 4 * CHANNELS_LEN]>,
    pub(crate) expected: [u8; OUT_LEN],
    pub(crate) out: Guarded<{ OUT_LEN + 2 * GUARD_LEN }>,
    pub(crate) partial: [u16; OUT_LEN],
    pub(crate) scratch: Guarded<{ SCRATCH_LEN + 2 * GUARD_LEN }>,
    pub(crate) blob: Aligned<[u8; BLOB_LEN]>,
    pub(crate) frontend: Guarded<{ FRONTEND_LEN + 2 * GUARD_LEN }>,
}

impl Memory {
    /// Creates the memory, of zeros, so that a static takes no flash.
    #[must_use]
    #[expect(clippy::large_stack_arrays, reason = "it is for a static or a box")]
    pub const fn new() -> Self {
        Self {
            input: [0; INPUT_LEN],
            padded: Aligned([0; INPUT_LEN]),
            weights: [0; WEIGHTS_LEN],
            packed: Aligned([0; WEIGHTS_LEN]),
            words: Aligned([0; 4 * CHANNELS_LEN]),
            expected: [0; OUT_LEN],
            out: Guarded::new(),
            partial: [0; OUT_LEN],
            scratch: Guarded::new(),
            blob: Aligned([0; BLOB_LEN]),
            frontend: Guarded::new(),
        }
    }

    /// Returns whether the tables and the scratch of a convolution have room.
    pub(crate) const fn holds(conv: &ConvGeometry) -> bool {
        conv.packed_len() <= WEIGHTS_LEN
            && conv.padded_out_c() <= CHANNELS_LEN
            && kernels::scratch_len(conv) <= SCRATCH_LEN
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// A value at an aligned address.
#[derive(Debug)]
#[repr(align(16))]
pub(crate) struct Aligned<T>(pub(crate) T);

impl<T> Deref for Aligned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// Bytes at an aligned address of which a kernel gets a part; what lies around
/// it must stay.
#[derive(Debug)]
#[repr(align(16))]
pub(crate) struct Guarded<const LEN: usize>([u8; LEN]);

impl<const LEN: usize> Guarded<LEN> {
    pub(crate) const fn new() -> Self {
        Self([0; LEN])
    }

    /// Returns `len` bytes that lie `offset` past an aligned address, or
    /// nothing where there are fewer.
    pub(crate) fn part(&mut self, offset: usize, len: usize) -> Option<&mut [u8]> {
        let Range { start, end } = Self::range(offset, len);
        self.0.fill(GUARD);
        self.0.get_mut(..LEN - GUARD_LEN)?.get_mut(start..end)
    }

    /// Returns the bytes that [`part`](Self::part) handed out.
    pub(crate) fn written(&self, offset: usize, len: usize) -> &[u8] {
        self.0.get(Self::range(offset, len)).unwrap_or_default()
    }

    /// Returns how far from the start of the part the first byte lies that is
    /// outside of it and has changed.
    pub(crate) fn breach(&self, offset: usize, len: usize) -> Option<isize> {
        let part = Self::range(offset, len);
        let changed = |(index, byte): &(usize, &u8)| **byte != GUARD && !part.contains(index);
        let (index, _) = self.0.iter().enumerate().find(changed)?;
        let distance = isize::try_from(index.abs_diff(part.start)).unwrap_or(isize::MAX);
        Some(if index < part.start { -distance } else { distance })
    }

    const fn range(offset: usize, len: usize) -> Range<usize> {
        let start = GUARD_LEN + offset;
        start..start + len
    }
}
