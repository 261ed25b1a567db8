//! Pointers of C as slices.

use core::slice;

use crate::status::lcl_status;

/// Returns the bytes at a pointer.
///
/// # Safety
///
/// Where `pointer` is not null, `len` bytes there can be read as long as `'a`
/// lasts, and nothing writes to them.
pub(crate) unsafe fn bytes<'a>(pointer: *const u8, len: usize) -> Result<&'a [u8], lcl_status> {
    check(pointer, len)?;
    // SAFETY: not null, no longer than a slice may be; the caller guarantees the rest.
    Ok(unsafe { slice::from_raw_parts(pointer, len) })
}

/// Returns the bytes at a pointer, to be written.
///
/// # Safety
///
/// Where `pointer` is not null, `len` bytes there can be read and written as
/// long as `'a` lasts, and nothing else does so.
pub(crate) unsafe fn bytes_mut<'a>(
    pointer: *mut u8,
    len: usize,
) -> Result<&'a mut [u8], lcl_status> {
    check(pointer, len)?;
    // SAFETY: not null, no longer than a slice may be; the caller guarantees the rest.
    Ok(unsafe { slice::from_raw_parts_mut(pointer, len) })
}

/// Refuses null, lengths that no slice has, and ranges beyond the last address.
pub(crate) fn check(pointer: *const u8, len: usize) -> Result<(), lcl_status> {
    let is_long = isize::try_from(len).is_err() || pointer.addr().checked_add(len).is_none();
    if pointer.is_null() || is_long { Err(lcl_status::LCL_NULL) } else { Ok(()) }
}

/// Writes a value where C wants it.
///
/// # Safety
///
/// Where `place` is not null, a `T` can be written there.
pub(crate) unsafe fn write<T>(place: *mut T, value: T) -> Result<(), lcl_status> {
    if place.is_null() || !place.is_aligned() {
        return Err(lcl_status::LCL_NULL);
    }
    // SAFETY: it is aligned and not null; the caller guarantees the rest.
    unsafe { place.write(value) };
    Ok(())
}

/// Returns whether two ranges of addresses have a byte in common.
pub(crate) fn overlap(first: (*const u8, usize), second: (*const u8, usize)) -> bool {
    let end = |(start, len): (*const u8, usize)| start.addr().saturating_add(len);
    first.0.addr() < end(second) && second.0.addr() < end(first)
}
