//! Errors with their texts.

use core::ffi::c_char;
use core::fmt::{self, Write};

use lcl_infer::Error;

use crate::marked::{Kind, Marked};
use crate::raw;
use crate::status::{lcl_status, status_of, text_of};

/// Why a call did nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Why {
    Engine(Error),
    Call(lcl_status),
}

impl Kind for Why {
    const MARK: usize = 0x6c63_6c65;
}

impl<E: Into<Error>> From<E> for Why {
    fn from(error: E) -> Self {
        Self::Engine(error.into())
    }
}

impl From<lcl_status> for Why {
    fn from(status: lcl_status) -> Self {
        Self::Call(status)
    }
}

impl Why {
    fn status(&self) -> lcl_status {
        match self {
            Self::Engine(error) => status_of(error),
            Self::Call(status) => *status,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(error) => error.fmt(f),
            Self::Call(status) => f.write_str(text_of(*status)),
        }
    }
}

/// An error in the caller's memory: `lcl_error_text` makes a text of it. Its field is the library's.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct lcl_error {
    opaque: [u64; LCL_ERROR_WORDS],
}

/// Words of an `lcl_error`.
pub const LCL_ERROR_WORDS: usize = 12;

const _: () = assert!(size_of::<Marked<Why>>() <= size_of::<lcl_error>());
const _: () = assert!(align_of::<Marked<Why>>() <= align_of::<lcl_error>());

/// Returns the code of a result, and writes the error where the caller wants it.
///
/// # Safety
///
/// `why` is null or has room for an [`lcl_error`].
pub(crate) unsafe fn report(result: Result<(), Why>, why: *mut lcl_error) -> lcl_status {
    let Err(error) = result else { return lcl_status::LCL_OK };
    if !why.is_null() && why.is_aligned() {
        // SAFETY: it is aligned, and an `lcl_error` is at least as large.
        unsafe { Marked::put(why.cast(), error) };
    }
    error.status()
}

/// Writes the text of an error, UTF-8 with a zero at its end, and returns its length in bytes without
/// the zero, as `snprintf` does: a text of `text_len` bytes or more is cut, at the end of a letter.
/// `text` may be null if `text_len` is 0. Only programs that call it have the texts in their flash.
///
/// # Safety
///
/// `why` is what a function filled that failed; `text_len` bytes can be written at `text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_error_text(
    why: *const lcl_error,
    text: *mut c_char,
    text_len: usize,
) -> usize {
    // SAFETY: the caller's words; the mark is looked at first.
    let error = match unsafe { Marked::<Why>::get(why.cast()) } {
        Ok(error) => *error,
        Err(status) => Why::Call(status),
    };
    // SAFETY: as the caller says.
    let place = unsafe { raw::bytes_mut(text.cast(), text_len) }.unwrap_or_default();
    let mut writer = Cut { place, at: 0, full: false, len: 0 };
    // A `Cut` takes everything.
    write!(writer, "{error}").ok();
    let at = writer.at;
    if let Some(end) = writer.place.get_mut(at) {
        *end = 0;
    }
    writer.len
}

/// A text that is cut where its place ends, one byte before for the zero.
struct Cut<'a> {
    place: &'a mut [u8],
    at: usize,
    full: bool,
    len: usize,
}

impl Write for Cut<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.len = self.len.saturating_add(text.len());
        for letter in text.chars() {
            let mut bytes = [0; 4];
            let bytes = letter.encode_utf8(&mut bytes).as_bytes();
            let end = self.at.saturating_add(bytes.len());
            self.full |= end >= self.place.len();
            if self.full {
                break;
            }
            let place = self.place.get_mut(self.at..).unwrap_or_default();
            for (place, &byte) in place.iter_mut().zip(bytes) {
                *place = byte;
            }
            self.at = end;
        }
        Ok(())
    }
}
