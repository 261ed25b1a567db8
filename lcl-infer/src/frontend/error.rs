//! Why a front-end cannot be created, and why it takes no row.

use core::fmt;

use crate::pixels::PixelFormat;
use crate::shape::ImageSize;

/// Why a [`Frontend`](crate::Frontend) cannot be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FrontendError {
    /// The layers cannot stream an image of this size.
    ImageSize {
        /// Smallest width and height.
        smallest: usize,
        /// Largest width and height.
        largest: usize,
        /// The size asked for.
        got: ImageSize,
    },
    /// The memory is too small.
    Memory {
        /// Bytes that the image's width needs.
        expected: usize,
        /// Bytes handed over.
        got: usize,
    },
    /// Rows of YUV 4:2:2 have an even number of pixels.
    OddWidth {
        /// The format asked for.
        pixels: PixelFormat,
        /// Width of the image, in pixels.
        got: usize,
    },
    /// The bytes of the blob are no longer those that were opened.
    Blob,
}

impl fmt::Display for FrontendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ImageSize { smallest, largest, got } => write!(
                f,
                "cannot stream an image of {}×{} pixels: width and height must be {smallest} to \
                 {largest}",
                got.width, got.height
            ),
            Self::Memory { expected, got } => write!(
                f,
                "the front-end needs {expected} bytes of memory for this width and has {got}: \
                 size it with memory_len(&LCL_V2, width)"
            ),
            Self::OddWidth { pixels, got } => write!(
                f,
                "rows of {} have an even number of pixels and the image is {got} wide: crop it \
                 by one column",
                pixels.name()
            ),
            Self::Blob => f.write_str("the blob changed after it was opened, so its storage fails"),
        }
    }
}

impl core::error::Error for FrontendError {}

/// A front-end that was not created: why, and the memory that it was to have.
///
/// `?` turns it into a [`FrontendError`] or an [`Error`](crate::Error).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Refused<M> {
    /// What is wrong.
    pub error: FrontendError,
    /// The memory that was handed over.
    pub memory: M,
}

impl<M> fmt::Debug for Refused<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<M> fmt::Display for Refused<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl<M> core::error::Error for Refused<M> {}

impl<M> From<Refused<M>> for FrontendError {
    fn from(refused: Refused<M>) -> Self {
        refused.error
    }
}

/// Why a row was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RowError {
    /// The slice has another length than the image's size asks for.
    Length {
        /// Bytes expected.
        expected: usize,
        /// Bytes handed over.
        got: usize,
    },
    /// Rows of features wait to be pulled.
    RowsWaiting,
    /// All rows of the frame have arrived.
    FrameComplete {
        /// Rows of the frame.
        height: usize,
    },
    /// The frame is to be finished and has rows to come.
    FrameIncomplete {
        /// Rows of the frame.
        height: usize,
        /// Rows that have arrived.
        arrived: usize,
    },
    /// A whole frame is to be run and another has begun.
    FrameStarted {
        /// Rows of the other frame that have arrived.
        arrived: usize,
    },
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Length { expected, got } => {
                write!(f, "expected {expected} bytes, got {got}")
            }
            Self::RowsWaiting => f.write_str(
                "rows of features wait: call next() until it returns None before the next row of \
                 the image and before finish()",
            ),
            Self::FrameComplete { height } => write!(
                f,
                "all {height} rows of the frame have arrived: call finish() or reset() before the \
                 next image"
            ),
            Self::FrameIncomplete { height, arrived } => write!(
                f,
                "{arrived} of {height} rows of the frame have arrived: push the other {}, or call \
                 reset() to give the frame up",
                height.saturating_sub(arrived)
            ),
            Self::FrameStarted { arrived } => write!(
                f,
                "{arrived} rows of another frame have arrived: finish it, or call reset() to give \
                 it up"
            ),
        }
    }
}

impl core::error::Error for RowError {}
