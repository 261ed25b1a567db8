//! Division of the caller's one slice.

/// Alignment in bytes of every part.
pub(crate) const ALIGNMENT: usize = 16;

/// Returns `len` rounded up to the alignment.
pub(crate) const fn aligned(len: usize) -> usize {
    len.div_ceil(ALIGNMENT) * ALIGNMENT
}

/// Hands out aligned parts of a slice, from its start.
#[derive(Debug)]
pub(crate) struct Carver<'a> {
    rest: &'a mut [u8],
}

impl<'a> Carver<'a> {
    /// Starts at the first aligned byte of `memory`, which is at most
    /// `ALIGNMENT - 1` bytes away.
    pub(crate) fn new(memory: &'a mut [u8]) -> Self {
        let offset = memory.as_ptr().align_offset(ALIGNMENT);
        Self { rest: memory.get_mut(offset..).unwrap_or_default() }
    }

    /// Returns the next `len` bytes, or nothing where fewer are left.
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a mut [u8]> {
        let (part, rest) = core::mem::take(&mut self.rest).split_at_mut_checked(aligned(len))?;
        self.rest = rest;
        part.get_mut(..len)
    }

    /// Returns the next `len` values of 16 bits, or nothing where fewer are
    /// left.
    pub(crate) fn take_u16(&mut self, len: usize) -> Option<&'a mut [u16]> {
        bytemuck::try_cast_slice_mut(self.take(2 * len)?).ok()
    }

    /// Returns the next `len` values of 32 bits, or nothing where fewer are
    /// left.
    pub(crate) fn take_u32(&mut self, len: usize) -> Option<&'a mut [u32]> {
        bytemuck::try_cast_slice_mut(self.take(4 * len)?).ok()
    }
}

/// Returns whole words of 16 bits of bytes that start at an aligned address, or
/// none.
pub(crate) fn words_mut(bytes: &mut [u8]) -> &mut [u16] {
    let len = bytes.len() & !1;
    bytemuck::try_cast_slice_mut(bytes.get_mut(..len).unwrap_or_default()).unwrap_or_default()
}

/// Returns whole words of 32 bits of bytes that start at an aligned address, or
/// none.
pub(crate) fn long_words_mut(bytes: &mut [u8]) -> &mut [u32] {
    let len = bytes.len() & !3;
    bytemuck::try_cast_slice_mut(bytes.get_mut(..len).unwrap_or_default()).unwrap_or_default()
}

/// Bytes that a front-end works in: a mutable reference to some, or an owner
/// whose bytes stay where they are when it is moved.
///
/// It is implemented for `&mut` of arrays, slices and vectors, for
/// [`AlignedMemory`], and with the feature `std` for `Vec<u8>` and `Box<[u8]>`.
pub trait Memory: sealed::Sealed {
    /// Returns the bytes.
    fn bytes(&mut self) -> &mut [u8];
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

impl<T: AsMut<[u8]> + ?Sized> sealed::Sealed for &mut T {}

impl<T: AsMut<[u8]> + ?Sized> Memory for &mut T {
    fn bytes(&mut self) -> &mut [u8] {
        (**self).as_mut()
    }
}

/// `N` bytes at an aligned address, for a struct that owns a front-end with its
/// memory.
///
/// # Examples
///
/// ```
/// use lcl_infer::{AlignedMemory, Frontend, LCL_V2, memory_len};
///
/// struct Eye {
///     frontend: Frontend<'static, AlignedMemory<{ memory_len(&LCL_V2, 96) }>>,
/// }
/// ```
#[derive(Clone, Debug)]
#[repr(align(16))]
pub struct AlignedMemory<const N: usize>([u8; N]);

impl<const N: usize> AlignedMemory<N> {
    /// Creates the memory, of zeros.
    #[must_use]
    pub const fn new() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Default for AlignedMemory<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> sealed::Sealed for AlignedMemory<N> {}

impl<const N: usize> Memory for AlignedMemory<N> {
    fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_aligned_and_end_with_the_memory() {
        let mut memory = [0; 2 * ALIGNMENT + ALIGNMENT - 1];
        let mut carver = Carver::new(&mut memory);
        for len in [3, 9] {
            let part = carver.take(len).expect("two parts fit");
            assert_eq!((part.len(), part.as_ptr().align_offset(ALIGNMENT)), (len, 0));
        }
        assert!(carver.take(1).is_none());
    }
}
