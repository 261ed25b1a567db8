//! Novelty: what departs from what was there before.
//!
//! A [`Watcher`] keeps a slowly adapting mean of V2 and says of each frame how
//! far it departs from it, in units of what is usual. Such a sensor is silent
//! while the scene stays as it is, however it looks, and needs to send only a
//! few bytes where something new appears. The idea is the retina's dynamic
//! predictive coding (\[HOSOYA\]): what can be predicted from the recent past
//! is subtracted, and the prediction adapts within seconds.

mod error;
mod event;
mod grid;
mod mean;

use core::num::NonZero;

pub use error::WatchError;
use event::Largest;
pub use event::{Departure, NOVEL_CHANNELS, Novelty};
pub use grid::CellGrid;
use grid::MAX_MAP_SIDE;
use mean::{average, score, shifts, towards};

use crate::memory::{ALIGNMENT, Carver, aligned};
use crate::name::V2;
use crate::row::FeatureRow;
use crate::shape::{ImageSize, MAX_CHANNELS};

/// A departure below 1/32 of what an average cell holds is never novel, or in a
/// still scene the least noise would be.
const FLOOR_SHIFT: u32 = 5;

/// Largest [`WatchSettings::adaptation_shift`]: beyond it a mean of 1/256 of a
/// byte would no longer follow a difference of half a byte.
const MAX_ADAPTATION_SHIFT: u8 = 7;

/// Frames before the first that can be novel: one for the mean, one for what is
/// usual.
const MIN_WARM_UP: u32 = 2;

// The largest distance of a cell fits 32 bits.
const _: () = assert!(MAX_CHANNELS * (255 << 8) <= i32::MAX as usize);

/// When a [`Watcher`] speaks and how fast it adapts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WatchSettings {
    /// Least score of a novel cell in 1/256: how many times the usual departure
    /// it has to depart; at least 1.
    pub threshold: u16,
    /// The means move by `2^-adaptation_shift` of the difference with each
    /// frame, so they follow within about `2^adaptation_shift` frames; 0 to 7.
    pub adaptation_shift: u8,
    /// Frames at the start that are never novel, while the watcher learns what
    /// is usual; at least 2.
    pub warm_up: u32,
}

impl Default for WatchSettings {
    /// Three times what is usual, means over 16 frames, and 4 frames to warm up.
    fn default() -> Self {
        Self { threshold: 3 << 8, adaptation_shift: 4, warm_up: 4 }
    }
}

/// Returns the bytes that a [`Watcher`] needs for a map of V2 of that size, or
/// `usize::MAX` for one that no watcher takes.
///
/// For the 192 channels of LCL-V2: 4,671 for images of 48×48 pixels, 16,287 for
/// 96×96 and 21,727 for 224×224.
///
/// # Examples
///
/// ```
/// use lcl_infer::{ImageSize, watcher_memory_len};
/// assert_eq!(watcher_memory_len(ImageSize::square(6), 192), 16_287);
/// ```
#[must_use]
pub const fn watcher_memory_len(map: ImageSize, channels: usize) -> usize {
    if !can_watch(map, channels) {
        return usize::MAX;
    }
    let grid = CellGrid::new(map);
    ALIGNMENT - 1
        + aligned(2 * grid.cells() * channels)
        + aligned(2 * grid.columns() * channels)
        + aligned(4 * grid.cells())
}

/// Returns whether there are watchers of such maps; the lengths of one fit 32
/// bits.
const fn can_watch(map: ImageSize, channels: usize) -> bool {
    let shorter = if map.width < map.height { map.width } else { map.height };
    let longer = if map.width < map.height { map.height } else { map.width };
    shorter > 0 && longer <= MAX_MAP_SIDE && channels > 0 && channels <= MAX_CHANNELS
}

/// Says of each frame how far its V2 features depart from the scene so far.
///
/// It takes rows of V2 as the [`Frontend`](crate::Frontend) finishes them and
/// keeps no frame: only a mean of each channel in each cell of a
/// [`CellGrid`], what is usual in each cell, and sums of one row of cells.
/// Everything is integers, so that every machine says the same, byte by byte.
///
/// # Computation
///
/// In a cell of `n` locations, for each channel, with all divisions rounded
/// half up (a right shift is a division) and values in 1/256 of a byte:
///
/// ```text
/// value    = 256 · Σ byte / n
/// distance = Σ over the channels of |value − mean|
/// score    = 256 · distance / max(usual, floor, 1), rounded down, at most 65535
/// usual   += (distance − usual) >> shift
/// mean    += (value − mean) >> shift
/// ```
///
/// `floor` is a 32nd of what an average cell of the frame before held, the sum
/// of its means. Dividing by what is usual makes the threshold the same for any
/// model and any scene; doing it cell by cell lets a tree move in the wind, and
/// still shows something small in a quiet part.
/// In frame 0 `mean = value` and there is no score. In frame 1 `usual =
/// distance` and there is no score either. `shift` grows with the logarithm of
/// the number of frames to [`WatchSettings::adaptation_shift`], so that means
/// over the first frames weigh them about equally.
///
/// # Examples
///
/// ```
/// # fn camera_row(_y: usize) -> [u8; 288] { [0; 288] }
/// # fn send(_: &[u8]) {}
/// # fn run(blob: &lcl_infer::Blob<'_>) -> Result<(), lcl_infer::Error> {
/// use lcl_infer::{Frontend, ImageSize, LCL_V2, Novelty, WatchSettings, Watcher};
/// use lcl_infer::{memory_len, watcher_memory_len};
///
/// const MAP: ImageSize = ImageSize::square(6);
/// let mut memory = [0; memory_len(&LCL_V2, 96)];
/// let mut frontend = Frontend::new(blob, ImageSize::square(96), &mut memory)?;
/// let mut memory = [0; watcher_memory_len(MAP, 192)];
/// let mut watcher = Watcher::new(MAP, 192, WatchSettings::default(), &mut memory)?;
/// # for _ in 0..1 {
/// for y in 0..96 {
///     frontend.push_row(&camera_row(y))?;
///     while let Some(row) = frontend.next() {
///         watcher.push(&row)?;
///     }
/// }
/// frontend.finish()?;
/// let novelty = watcher.finish()?;
/// if novelty.is_event() {
///     let mut bytes = [0; Novelty::MAX_LEN];
///     let len = novelty.emit(&mut bytes).unwrap_or_default();
///     send(&bytes[..len]);
/// }
/// # }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Watcher<'a> {
    settings: WatchSettings,
    map: ImageSize,
    channels: usize,
    grid: CellGrid,
    /// `[rows, columns, C]`, in 1/256.
    means: &'a mut [u16],
    /// `[columns, C]`
    sums: &'a mut [u16],
    /// `[rows, columns]`, in 1/256.
    usual: &'a mut [u32],
    frames: u32,
    arrived: usize,
    floor: u32,
    held: u64,
    novelty: Novelty,
}

impl<'a> Watcher<'a> {
    /// Creates a watcher of a map of V2, of that size and so many channels.
    ///
    /// # Errors
    ///
    /// Returns an error for a map that no front-end gives, for settings out of
    /// range, and for memory of fewer bytes than [`watcher_memory_len`].
    pub fn new(
        map: ImageSize,
        channels: usize,
        settings: WatchSettings,
        memory: &'a mut [u8],
    ) -> Result<Self, WatchError> {
        if !can_watch(map, channels) {
            return Err(WatchError::Map { got: map, channels });
        }
        if settings.threshold == 0
            || settings.adaptation_shift > MAX_ADAPTATION_SHIFT
            || settings.warm_up < MIN_WARM_UP
        {
            return Err(WatchError::Settings { got: settings });
        }
        let expected = watcher_memory_len(map, channels);
        let error = WatchError::Memory { expected, got: memory.len() };
        if memory.len() < expected {
            return Err(error);
        }
        let grid = CellGrid::new(map);
        let mut memory = Carver::new(memory);
        let means = memory.take_u16(grid.cells() * channels).ok_or(error)?;
        let sums = memory.take_u16(grid.columns() * channels).ok_or(error)?;
        let usual = memory.take_u32(grid.cells()).ok_or(error)?;
        sums.fill(0);
        Ok(Self {
            settings,
            map,
            channels,
            grid,
            means,
            sums,
            usual,
            frames: 0,
            arrived: 0,
            floor: 0,
            held: 0,
            novelty: Novelty::default(),
        })
    }

    /// Takes in the next row of V2; rows of other taps are passed over.
    ///
    /// # Errors
    ///
    /// Returns an error, and takes nothing in, for a row that is not the next
    /// of the frame or has another length.
    pub fn push(&mut self, row: &FeatureRow<'_>) -> Result<(), WatchError> {
        if row.tap != V2 {
            return Ok(());
        }
        if row.y != self.arrived || self.arrived >= self.map.height {
            return Err(WatchError::Row {
                height: self.map.height,
                expected: self.arrived,
                got: row.y,
            });
        }
        let expected = self.map.width * self.channels;
        if row.values.len() != expected {
            return Err(WatchError::Length { expected, got: row.values.len() });
        }
        let channels = self.channels.max(1);
        let cells = row.values.chunks((self.grid.cell_side() * channels).max(1));
        for (sums, locations) in self.sums.chunks_exact_mut(channels).zip(cells) {
            for location in locations.chunks_exact(channels) {
                for (sum, &byte) in sums.iter_mut().zip(location) {
                    *sum = sum.wrapping_add(byte.into());
                }
            }
        }
        let (band, band_rows) = self.grid.band(self.arrived);
        self.arrived += 1;
        if band_rows == self.grid.cell_side() || self.arrived == self.map.height {
            self.finish_band(band, band_rows);
        }
        Ok(())
    }

    /// Ends a frame of which every row of V2 has arrived, and says how far it
    /// departed.
    ///
    /// # Errors
    ///
    /// Returns an error, and stays in the frame, while rows are missing.
    pub fn finish(&mut self) -> Result<Novelty, WatchError> {
        if self.arrived < self.map.height {
            return Err(WatchError::FrameIncomplete {
                height: self.map.height,
                arrived: self.arrived,
            });
        }
        let cells = NonZero::new(self.grid.cells() as u64).unwrap_or(NonZero::<u64>::MIN);
        self.floor = u32::try_from((self.held / cells) >> FLOOR_SHIFT).unwrap_or(u32::MAX);
        let novelty = self.novelty;
        self.frames = self.frames.saturating_add(1);
        self.reset();
        Ok(novelty)
    }

    /// Gives the frame up, complete or not, as where a camera lost a part of it;
    /// the next row is the first of another.
    ///
    /// No event comes of it and it is not counted. What its rows have taught
    /// the cells that they completed stays.
    pub fn reset(&mut self) {
        self.sums.fill(0);
        self.arrived = 0;
        self.held = 0;
        self.novelty = Novelty { frame: self.frames, ..Novelty::default() };
    }

    /// Returns how the map is divided into cells.
    #[must_use]
    pub fn grid(&self) -> CellGrid {
        self.grid
    }

    /// Returns how many frames were finished.
    #[must_use]
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Compares the row of cells whose sums are complete with what was there
    /// before, and adapts to it.
    fn finish_band(&mut self, band: usize, band_rows: usize) {
        let channels = self.channels.max(1);
        let columns = self.grid.columns().max(1);
        let means = self.means.chunks_exact_mut((columns * channels).max(1)).nth(band);
        let usual = self.usual.chunks_exact_mut(columns).nth(band);
        let (Some(means), Some(usual)) = (means, usual) else { return };
        let mut left = self.map.width;
        let cells = self.sums.chunks_exact_mut(channels).zip(means.chunks_exact_mut(channels));
        for (x, ((values, means), usual)) in cells.zip(usual).enumerate() {
            let width = left.min(self.grid.cell_side());
            left -= width;
            average(values, width * band_rows);
            let distance =
                values.iter().zip(&*means).map(|(&v, &m)| u32::from(v.abs_diff(m))).sum();
            if let Some(score) = score(self.frames, distance, (*usual).max(self.floor)) {
                let settings = self.settings;
                let novel = self.frames >= settings.warm_up && score >= settings.threshold;
                self.novelty.cells = self.novelty.cells.saturating_add(novel.into());
                if score > self.novelty.score {
                    let mut largest = Largest::default();
                    for (channel, (&value, &mean)) in (0..).zip(values.iter().zip(&*means)) {
                        largest.add(channel, value, mean);
                    }
                    let [x, y] = [x, band].map(|cell| u8::try_from(cell).unwrap_or(u8::MAX));
                    let channels = largest.channels();
                    self.novelty = Novelty { score, x, y, channels, ..self.novelty };
                }
            }
            let [mean_shift, usual_shift] = shifts(self.frames, self.settings.adaptation_shift);
            *usual = towards(*usual, distance, usual_shift);
            for (mean, &value) in means.iter_mut().zip(&*values) {
                let moved = towards((*mean).into(), value.into(), mean_shift);
                *mean = u16::try_from(moved).unwrap_or(u16::MAX);
                self.held += u64::from(*mean);
            }
            values.fill(0);
        }
    }
}
