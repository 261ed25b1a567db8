//! The calls of libjpeg-turbo's interface `TurboJPEG` that decoding needs.
//!
//! Any bytes may come in. What the library warns of counts as damage, since
//! what it then returns may be made up. It tells the first of its warnings alone,
//! as text, so none can be let pass: another could follow. What it warns of
//! before the first scan and passes over is taken out instead, and the rest must
//! be without a warning.

#![allow(unsafe_code, reason = "the library's interface is C")]
#![allow(clippy::cast_possible_wrap, reason = "the library's constants are small")]

use std::{
    borrow::Cow,
    ffi::{CStr, c_int},
    ptr::NonNull,
};

use turbojpeg_sys as sys;

use super::{
    scan::without_stray_bytes,
    segments::{SOF0, SOF1, SOF2, SOS, segments, without_oddities},
};
use crate::{CropBox, limits::most_pixels};

/// Scans of the longest progressive image; a file that repeats small scans
/// keeps a decoder busy for hours.
const MOST_SCANS: c_int = 500;

/// What libjpeg-turbo found wrong with an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TurboError {
    message: String,
}

/// What the header of a JPEG says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Columns of the blocks that the image is coded in, all components
    /// together; none where only a whole image can be decoded.
    pub block_columns: Option<u32>,
    /// Whether the library can convert it to 8-bit RGB.
    pub becomes_rgb: bool,
}

/// A JPEG in memory whose header was read.
#[derive(Debug)]
pub struct TurboImage<'a> {
    handle: Handle,
    bytes: Cow<'a, [u8]>,
    header: Header,
}

impl<'a> TurboImage<'a> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// When it is damaged.
    pub fn open(bytes: &'a [u8]) -> Result<Self, TurboError> {
        Self::open_strictly(bytes.into()).or_else(|error| match without_oddities(bytes) {
            Some(mended) => Self::open_strictly(mended.into()),
            None => Err(error),
        })
    }

    fn open_strictly(bytes: Cow<'a, [u8]>) -> Result<Self, TurboError> {
        let handle = Handle::new()?;
        // 0 is no limit, which is right where the limit is out of its range.
        let most_pixels = c_int::try_from(most_pixels()).unwrap_or_default();
        handle.set(sys::TJPARAM_TJPARAM_MAXPIXELS, most_pixels)?;
        handle.set(sys::TJPARAM_TJPARAM_SCANLIMIT, MOST_SCANS)?;
        // SAFETY: the handle is valid, and pointer and length are those of a slice.
        let status = unsafe {
            sys::tj3DecompressHeader(handle.0.as_ptr(), bytes.as_ptr(), bytes.len() as sys::size_t)
        };
        handle.check(status)?;
        let length = |param| u32::try_from(handle.get(param)).unwrap_or_default();
        let subsampling = handle.get(sys::TJPARAM_TJPARAM_SUBSAMP);
        let block_columns = match subsampling {
            sys::TJSAMP_TJSAMP_444 | sys::TJSAMP_TJSAMP_GRAY | sys::TJSAMP_TJSAMP_440 => Some(8),
            sys::TJSAMP_TJSAMP_422 | sys::TJSAMP_TJSAMP_420 => Some(16),
            sys::TJSAMP_TJSAMP_411 | sys::TJSAMP_TJSAMP_441 => Some(32),
            _ => None,
        };
        let colours = u32::try_from(handle.get(sys::TJPARAM_TJPARAM_COLORSPACE));
        let becomes_rgb =
            matches!(colours, Ok(sys::TJCS_TJCS_RGB | sys::TJCS_TJCS_YCbCr | sys::TJCS_TJCS_GRAY))
                && handle.get(sys::TJPARAM_TJPARAM_PRECISION) == 8
                && handle.get(sys::TJPARAM_TJPARAM_LOSSLESS) == 0;
        let [width, height] =
            [sys::TJPARAM_TJPARAM_JPEGWIDTH, sys::TJPARAM_TJPARAM_JPEGHEIGHT].map(length);
        if width == 0 || height == 0 {
            return Err(TurboError { message: "it holds no image".into() });
        }
        let header = Header { width, height, block_columns, becomes_rgb };
        Ok(Self { handle, bytes, header })
    }

    /// Returns what the header says.
    pub fn header(&self) -> Header {
        self.header
    }

    /// Returns whether the image is coded in several scans, so that decoding
    /// keeps the coefficients of all of it.
    pub fn has_several_scans(&self) -> bool {
        let content = |marker: &[u8], at: usize| {
            let segment = segments(&self.bytes).find(|segment| marker.contains(&segment.marker))?;
            Some((segment.marker, *segment.content(&self.bytes).get(at)?))
        };
        let (frame, scan) = (content(&[SOF0, SOF1, SOF2], 5), content(&[SOS], 0));
        frame.zip(scan).is_none_or(|((marker, components), (_, scanned))| {
            marker == SOF2 || scanned < components
        })
    }

    /// Returns the file without bytes before its end that belong to no pixel,
    /// where these are what decoding failed of.
    pub fn without_stray_bytes(&self, error: &TurboError) -> Option<Vec<u8>> {
        let is_of_these = error.message.contains("extraneous bytes before marker 0xd9");
        if is_of_these { without_stray_bytes(&self.bytes) } else { None }
    }

    /// Decodes the pixels in `region` to RGB8, `[H, W, 3]`.
    ///
    /// What is coded below the region is not read.
    ///
    /// # Errors
    ///
    /// When the file is damaged in the region or above it, or the region starts
    /// between blocks.
    ///
    /// # Panics
    ///
    /// When the region is empty or reaches out of the image.
    pub fn decode(&self, region: CropBox) -> Result<Vec<u8>, TurboError> {
        let Header { width, height, .. } = self.header;
        let CropBox { x, y, width: columns, height: rows } = region;
        let inside = |start: u32, length: u32, end: u32| {
            length > 0 && start.checked_add(length).is_some_and(|last| last <= end)
        };
        let is_inside = inside(x, columns, width) && inside(y, rows, height);
        assert!(is_inside, "{region:?} of {width}x{height} pixels");
        let whole = (columns, rows) == (width, height);
        let [x, y, w, h] = if whole { [0; 4] } else { [x, y, columns, rows] }
            .map(|value| c_int::try_from(value).unwrap_or(c_int::MAX));
        let handle = self.handle.0.as_ptr();
        // SAFETY: the handle is valid and has read this image's header.
        let status = unsafe { sys::tj3SetCroppingRegion(handle, sys::tjregion { x, y, w, h }) };
        self.handle.check(status)?;
        let row_bytes = columns as usize * 3;
        let mut pixels = vec![0; row_bytes * rows as usize];
        // SAFETY: pointer and length of the input are those of a slice. The
        // header is read again from the same bytes, so its size is the one that
        // the region was checked with: the library writes `rows` rows of
        // `columns` RGB pixels, with no gap between rows, which `pixels` holds.
        let status = unsafe {
            sys::tj3Decompress8(
                handle,
                self.bytes.as_ptr(),
                self.bytes.len() as sys::size_t,
                pixels.as_mut_ptr(),
                c_int::try_from(row_bytes).unwrap_or(c_int::MAX),
                sys::TJPF_TJPF_RGB,
            )
        };
        self.handle.check(status)?;
        Ok(pixels)
    }
}

/// A decompressor.
#[derive(Debug)]
struct Handle(NonNull<std::ffi::c_void>);

impl Handle {
    fn new() -> Result<Self, TurboError> {
        // SAFETY: the constant is one that the function takes.
        let handle = unsafe { sys::tj3Init(sys::TJINIT_TJINIT_DECOMPRESS as c_int) };
        let handle = NonNull::new(handle);
        handle.map(Self).ok_or_else(|| TurboError { message: "no memory for a decoder".into() })
    }

    fn set(&self, parameter: sys::TJPARAM, value: c_int) -> Result<(), TurboError> {
        // SAFETY: the handle is valid; unknown parameters are refused.
        self.check(unsafe { sys::tj3Set(self.0.as_ptr(), parameter as c_int, value) })
    }

    fn get(&self, parameter: sys::TJPARAM) -> c_int {
        // SAFETY: the handle is valid; unknown parameters give -1.
        unsafe { sys::tj3Get(self.0.as_ptr(), parameter as c_int) }
    }

    /// Turns a status into the library's own message.
    fn check(&self, status: c_int) -> Result<(), TurboError> {
        if status == 0 {
            return Ok(());
        }
        // SAFETY: the handle is valid, and the text lives until its next call.
        let message = unsafe { CStr::from_ptr(sys::tj3GetErrorStr(self.0.as_ptr())) };
        Err(TurboError { message: message.to_string_lossy().replace('\n', " ") })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is valid and never used again.
        unsafe { sys::tj3Destroy(self.0.as_ptr()) };
    }
}
