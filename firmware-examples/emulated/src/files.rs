//! Frames from a file of the host, rows of features and events to others.
//!
//! `frames.bin`: for each image its width and height as u32, then its rows
//! in the format that the blob takes. `rows.bin`: for each row of features the area (1 or 2), `y` and the
//! length in bytes as u32, then the bytes. All little-endian. `events.bin`: events
//! one after the other.

use core::ffi::CStr;

use defmt::Formatter;
use lcl_infer::{FeatureRow, ImageSize};
use semihosting::fs::File;
use semihosting::io::{Read, Write};

const FRAMES: &CStr = c"frames.bin";
const ROWS: &CStr = c"rows.bin";
const EVENTS: &CStr = c"events.bin";

/// Bytes of the header of a frame.
const FRAME_HEADER_LEN: usize = 8;

/// What went wrong with a file of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileError {
    /// `frames.bin` cannot be opened.
    NoFrames,
    /// `frames.bin` ends within an image.
    FramesEndEarly,
    /// `rows.bin` cannot be created.
    NoRows,
    /// `rows.bin` cannot be written, as when the disk is full.
    RowsNotWritten,
    /// `events.bin` cannot be created.
    NoEvents,
    /// `events.bin` cannot be written, as when the disk is full.
    EventsNotWritten,
}

impl defmt::Format for FileError {
    fn format(&self, f: Formatter<'_>) {
        let text = match self {
            Self::NoFrames => {
                "frames.bin is not in the emulator's folder: run this through `cargo xtask emulate`"
            }
            Self::FramesEndEarly => "frames.bin ends within an image: write it again",
            Self::NoRows => "rows.bin cannot be created in the emulator's folder",
            Self::RowsNotWritten => "rows.bin cannot be written: is the disk full?",
            Self::NoEvents => "events.bin cannot be created in the emulator's folder",
            Self::EventsNotWritten => "events.bin cannot be written: is the disk full?",
        };
        defmt::write!(f, "{=str}", text);
    }
}

/// The files, each opened when first used.
#[derive(Debug, Default)]
pub(crate) struct Files {
    frames: Option<File>,
    rows: Option<File>,
    events: Option<File>,
}

impl Files {
    pub(crate) const fn new() -> Self {
        Self { frames: None, rows: None, events: None }
    }

    /// Returns the size of the next frame, or nothing at the end of the file.
    pub(crate) fn next_frame(&mut self) -> Result<Option<ImageSize>, FileError> {
        let mut header = [0; FRAME_HEADER_LEN];
        let file = self.frames()?;
        match fill(file, &mut header) {
            0 => return Ok(None),
            FRAME_HEADER_LEN => {}
            _ => return Err(FileError::FramesEndEarly),
        }
        let [w0, w1, w2, w3, h0, h1, h2, h3] = header;
        let side = |bytes| usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX);
        Ok(Some(ImageSize { width: side([w0, w1, w2, w3]), height: side([h0, h1, h2, h3]) }))
    }

    /// Fills one row of the frame.
    pub(crate) fn read_row(&mut self, row: &mut [u8]) -> Result<(), FileError> {
        let file = self.frames()?;
        if fill(file, row) == row.len() { Ok(()) } else { Err(FileError::FramesEndEarly) }
    }

    /// Writes one row of features.
    pub(crate) fn write_features(&mut self, features: &FeatureRow<'_>) -> Result<(), FileError> {
        let file = match &mut self.rows {
            Some(file) => file,
            none => none.insert(File::create(ROWS).map_err(|_| FileError::NoRows)?),
        };
        let area = shared::record_area(features.tap);
        let mut write = |bytes: &[u8]| file.write_all(bytes).map_err(|_| FileError::RowsNotWritten);
        for field in [area, features.y, features.values.len()] {
            write(&u32::try_from(field).unwrap_or(u32::MAX).to_le_bytes())?;
        }
        write(features.values)
    }

    /// Writes one event.
    pub(crate) fn write_event(&mut self, event: &[u8]) -> Result<(), FileError> {
        let file = match &mut self.events {
            Some(file) => file,
            none => none.insert(File::create(EVENTS).map_err(|_| FileError::NoEvents)?),
        };
        file.write_all(event).map_err(|_| FileError::EventsNotWritten)
    }

    fn frames(&mut self) -> Result<&mut File, FileError> {
        match &mut self.frames {
            Some(file) => Ok(file),
            none => Ok(none.insert(File::open(FRAMES).map_err(|_| FileError::NoFrames)?)),
        }
    }
}

/// Reads until `bytes` is full or the file ends, and returns how many came.
fn fill(file: &mut File, bytes: &mut [u8]) -> usize {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..) {
        match file.read(rest) {
            Ok(0) | Err(_) => break,
            Ok(count) => filled += count,
        }
    }
    filled
}
