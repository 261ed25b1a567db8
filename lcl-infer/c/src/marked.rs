//! Values in the memory of C, behind a mark that says what lies there.

use core::ptr;

use crate::raw;
use crate::status::lcl_status;

/// A value with a mark of its kind and its address, so that memory in which
/// there is none, or that was copied elsewhere, is told from it.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Marked<T> {
    mark: usize,
    /// Whether a function of C runs with the value.
    busy: bool,
    value: T,
}

/// What lies behind a mark.
pub(crate) trait Kind {
    /// A word that memory does not hold by chance.
    const MARK: usize;
}

/// Returns the mark of a value at an address.
fn mark<T: Kind>(place: *const Marked<T>) -> usize {
    T::MARK ^ place.addr().rotate_left(7)
}

impl<T: Kind> Marked<T> {
    /// Bytes of memory that hold one, wherever they start.
    pub(crate) const LEN: usize = size_of::<Self>() + align_of::<Self>() - 1;

    /// Divides memory into a place for a value and the rest.
    ///
    /// # Safety
    ///
    /// As [`raw::bytes_mut`].
    pub(crate) unsafe fn place<'a>(
        memory: *mut u8,
        len: usize,
    ) -> Result<(*mut Self, &'a mut [u8]), lcl_status> {
        raw::check(memory, len)?;
        let offset = memory.align_offset(align_of::<Self>());
        let taken = offset.saturating_add(size_of::<Self>());
        let rest = len.checked_sub(taken).ok_or(lcl_status::LCL_TOO_SHORT)?;
        let place = memory.wrapping_add(offset).cast::<Self>();
        // SAFETY: within the memory, behind the place.
        let rest = unsafe { raw::bytes_mut(memory.wrapping_add(taken), rest)? };
        Ok((place, rest))
    }

    /// Writes a value with its mark.
    ///
    /// # Safety
    ///
    /// `place` is aligned and has room, as [`place`](Self::place) returns it.
    pub(crate) unsafe fn put(place: *mut Self, value: T) {
        // SAFETY: the caller guarantees it.
        unsafe { place.write(Self { mark: mark(place), busy: false, value }) };
    }

    /// Calls `work` with the value.
    ///
    /// # Safety
    ///
    /// Where `place` is not null, as many bytes can be read there as a value
    /// has; where the mark is right, [`put`](Self::put) wrote the value.
    pub(crate) unsafe fn with<R>(
        place: *mut Self,
        work: impl FnOnce(&mut T) -> Result<R, crate::why::Why>,
    ) -> Result<R, crate::why::Why> {
        // SAFETY: as this function's.
        unsafe { Self::check(place.cast_const())? };
        // SAFETY: the mark says that a value lies there. The flag is apart from the
        // value, of which no reference exists while it is down.
        unsafe {
            if ptr::read(&raw const (*place).busy) {
                return Err(lcl_status::LCL_IN_CALLBACK.into());
            }
            ptr::write(&raw mut (*place).busy, true);
            let done = work(&mut (*place).value);
            ptr::write(&raw mut (*place).busy, false);
            done
        }
    }

    /// Returns a value that nothing writes to.
    ///
    /// # Safety
    ///
    /// As [`with`](Self::with).
    pub(crate) unsafe fn get<'a>(place: *const Self) -> Result<&'a T, lcl_status> {
        // SAFETY: as this function's; the mark says that a value lies there.
        unsafe {
            Self::check(place)?;
            if ptr::read(&raw const (*place).busy) {
                return Err(lcl_status::LCL_IN_CALLBACK);
            }
            Ok(&(*place).value)
        }
    }

    unsafe fn check(place: *const Self) -> Result<(), lcl_status> {
        if place.is_null() {
            return Err(lcl_status::LCL_NULL);
        }
        // SAFETY: aligned and not null; the caller guarantees that it can be read.
        let is_made =
            place.is_aligned() && unsafe { ptr::read(&raw const (*place).mark) } == mark(place);
        if is_made { Ok(()) } else { Err(lcl_status::LCL_NOT_MADE) }
    }
}
