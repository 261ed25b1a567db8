//! What a watcher refuses.

use core::fmt;

use super::grid::MAX_MAP_SIDE;
use super::{MAX_ADAPTATION_SHIFT, MIN_WARM_UP, WatchSettings};
use crate::shape::{ImageSize, MAX_CHANNELS};

/// Why a [`Watcher`](crate::Watcher) cannot be created or does not take a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum WatchError {
    /// No front-end gives a map of this size.
    Map {
        /// Size of the map.
        got: ImageSize,
        /// Its channels.
        channels: usize,
    },
    /// One of the settings is out of its range.
    Settings {
        /// The settings.
        got: WatchSettings,
    },
    /// The memory is too small.
    Memory {
        /// Bytes that the map needs.
        expected: usize,
        /// Bytes handed over.
        got: usize,
    },
    /// The row is not the next of the frame.
    Row {
        /// Rows of V2 in a frame.
        height: usize,
        /// The row that is to come; `height` after the last.
        expected: usize,
        /// The row that came.
        got: usize,
    },
    /// The row has another length than the map's width and channels ask for.
    Length {
        /// Bytes expected.
        expected: usize,
        /// Bytes handed over.
        got: usize,
    },
    /// The frame is to be finished and has rows to come.
    FrameIncomplete {
        /// Rows of V2 in a frame.
        height: usize,
        /// Rows that have arrived.
        arrived: usize,
    },
}

impl fmt::Display for WatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Map { got, channels } => write!(
                f,
                "cannot watch a map of {}×{} with {channels} channels: sides are 1 to \
                 {MAX_MAP_SIDE}, channels 1 to {MAX_CHANNELS}",
                got.width, got.height
            ),
            Self::Settings { got } => write!(
                f,
                "cannot watch with a threshold of {}/256, an adaptation shift of {} and {} frames \
                 to warm up: they are at least 1, at most {MAX_ADAPTATION_SHIFT}, and at least \
                 {MIN_WARM_UP}",
                got.threshold, got.adaptation_shift, got.warm_up
            ),
            Self::Memory { expected, got } => write!(
                f,
                "the watcher needs {expected} bytes of memory for this map and has {got}: size it \
                 with watcher_memory_len(map, channels)"
            ),
            Self::Row { height, expected, got } if expected < height => {
                write!(
                    f,
                    "expected row {expected} of V2, got row {got}: call reset() to start over"
                )
            }
            Self::Row { height, .. } => write!(
                f,
                "all {height} rows of V2 have arrived: call finish() or reset() before the next \
                 image"
            ),
            Self::Length { expected, got } => {
                write!(f, "expected a row of V2 of {expected} bytes, got {got}")
            }
            Self::FrameIncomplete { height, arrived } => write!(
                f,
                "{arrived} of {height} rows of V2 have arrived: push the others, or call reset() \
                 to give the frame up"
            ),
        }
    }
}

impl core::error::Error for WatchError {}
