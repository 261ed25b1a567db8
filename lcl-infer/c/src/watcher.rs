//! Watchers: which frames depart from the scene so far.

use core::ffi::c_void;

use lcl_infer::{
    Departure, FeatureRow, ImageSize, NOVEL_CHANNELS, Novelty, V2, WatchSettings, Watcher,
    watcher_memory_len,
};

use crate::engine::{Engine, LCL_NAME_LEN, lcl_engine, lcl_row, map};
use crate::marked::{Kind, Marked};
use crate::model::name;
use crate::raw;
use crate::status::lcl_status;
use crate::why::{Why, lcl_error, report};

/// A watcher, at the start of the memory that `lcl_watcher_init` got.
#[derive(Debug)]
pub struct lcl_watcher {
    _private: [u8; 0],
}

impl Kind for Watcher<'static> {
    const MARK: usize = 0x6c63_6c77;
}

/// When a watcher speaks and how fast it adapts.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct lcl_watch_settings {
    /// Least score of a novel cell in 1/256, at least 1; 768 is usual.
    pub threshold: u16,
    /// Means follow within about 2^adaptation_shift frames; 0 to 7, 4 is usual.
    pub adaptation_shift: u8,
    /// Frames at the start that are never novel, at least 2; 4 is usual.
    pub warm_up: u32,
}

/// How far one channel of V2 departs from its mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct lcl_departure {
    /// The channel.
    pub channel: u16,
    /// Feature minus mean in steps of the byte.
    pub change: i16,
}

/// Channels that an `lcl_novelty` names.
pub const LCL_NOVEL_CHANNELS: usize = 3;

/// Bytes of the longest event that `lcl_event` writes.
pub const LCL_EVENT_MAX_LEN: usize = 31;

const _: () =
    assert!(LCL_NOVEL_CHANNELS == NOVEL_CHANNELS && LCL_EVENT_MAX_LEN == Novelty::MAX_LEN);

/// How far a frame departs from those before, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct lcl_novelty {
    /// Number of the frame, from 0.
    pub frame: u32,
    /// How many times the usual the largest departure is, in 1/256.
    pub score: u16,
    /// Cells that reach the threshold: with 0 there is no event.
    pub cells: u16,
    /// Column of the cell that departs most.
    pub x: u8,
    /// Row of that cell.
    pub y: u8,
    /// Channels of that cell that depart most.
    pub channels: [lcl_departure; LCL_NOVEL_CHANNELS],
}

/// Returns the bytes of memory that a watcher of an engine's V2 needs, or 0 for what is no engine or has
/// no V2.
///
/// # Safety
///
/// `engine` is null or an engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_watcher_memory_len(engine: *const lcl_engine) -> usize {
    // SAFETY: as this function's.
    let engine = unsafe { Marked::<Engine>::get(engine.cast()) };
    engine.ok().and_then(map_of_v2).map_or(0, |(map, channels)| {
        watcher_memory_len(map, channels).saturating_add(Marked::<Watcher<'static>>::LEN)
    })
}

fn map_of_v2(engine: &Engine) -> Option<(ImageSize, usize)> {
    let map = map(engine, V2)?;
    Some((ImageSize { width: map.width, height: map.height }, map.channels))
}

/// Makes a watcher of an engine's V2 in memory of at least lcl_watcher_memory_len bytes, which is not
/// the engine's. With `settings` null they are the usual ones.
///
/// # Safety
///
/// `memory_len` bytes can be read and written at `memory`, and nothing else does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_watcher_init(
    watcher: *mut *mut lcl_watcher,
    engine: *const lcl_engine,
    settings: *const lcl_watch_settings,
    memory: *mut c_void,
    memory_len: usize,
    why: *mut lcl_error,
) -> lcl_status {
    // SAFETY: as this function's.
    let result = unsafe { init(watcher, engine, settings, memory.cast(), memory_len) };
    // SAFETY: as this function's.
    unsafe { report(result, why) }
}

unsafe fn init(
    watcher: *mut *mut lcl_watcher,
    engine: *const lcl_engine,
    settings: *const lcl_watch_settings,
    memory: *mut u8,
    memory_len: usize,
) -> Result<(), Why> {
    // SAFETY: the caller's words.
    unsafe {
        raw::write(watcher, core::ptr::null_mut())?;
        let frontend = Marked::<Engine>::get(engine.cast())?;
        raw::check(memory, memory_len)?;
        let engine_len = size_of::<Marked<Engine>>();
        if raw::overlap((memory, memory_len), (engine.cast(), engine_len)) {
            return Err(lcl_status::LCL_OVERLAP.into());
        }
        let (map, channels) = map_of_v2(frontend).ok_or(lcl_status::LCL_SETTINGS)?;
        let settings = match settings.is_null() || !settings.is_aligned() {
            true => WatchSettings::default(),
            false => {
                let lcl_watch_settings { threshold, adaptation_shift, warm_up } = settings.read();
                WatchSettings { threshold, adaptation_shift, warm_up }
            }
        };
        let (place, rest) = match Marked::<Watcher<'static>>::place(memory, memory_len) {
            Ok((place, rest)) => (Some(place), rest),
            Err(lcl_status::LCL_TOO_SHORT) => (None, <&mut [u8]>::default()),
            Err(status) => return Err(status.into()),
        };
        // Its means start from whatever was there; a checker of memory need not know that
        // their first value does not depend on it.
        rest.fill(0);
        let made = Watcher::new(map, channels, settings, rest)?;
        let place = place.ok_or(lcl_status::LCL_TOO_SHORT)?;
        Marked::put(place, made);
        raw::write(watcher, place.cast())?;
    }
    Ok(())
}

/// Takes in a row of features, as a callback gets it; rows of other taps than V2 are passed over.
///
/// # Safety
///
/// `row` is null or a row whose values can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_watcher_push(
    watcher: *mut lcl_watcher,
    row: *const lcl_row,
    why: *mut lcl_error,
) -> lcl_status {
    // SAFETY: as this function's.
    let result = unsafe {
        Marked::<Watcher<'static>>::with(watcher.cast(), |watcher| {
            if row.is_null() || !row.is_aligned() {
                return Err(lcl_status::LCL_NULL.into());
            }
            let mut row = row.read();
            if let Some(end) = row.tap.get_mut(LCL_NAME_LEN - 1) {
                *end = 0;
            }
            let lcl_row { y, width, channels, .. } = row;
            let values = raw::bytes(row.values, width.saturating_mul(channels))?;
            let tap = name(row.tap.as_ptr())?;
            Ok(watcher.push(&FeatureRow { tap, y, width, channels, values })?)
        })
    };
    // SAFETY: as this function's.
    unsafe { report(result, why) }
}

/// Ends a frame of which every row of V2 has arrived, and writes to `out` how far it departed.
///
/// # Safety
///
/// `watcher` is null or a watcher; an `lcl_novelty` can be written at `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_watcher_finish(
    watcher: *mut lcl_watcher,
    out: *mut lcl_novelty,
    why: *mut lcl_error,
) -> lcl_status {
    // SAFETY: as this function's.
    let result = unsafe {
        Marked::<Watcher<'static>>::with(watcher.cast(), |watcher| {
            // First, so that a frame is not lost for a pointer.
            raw::write(out, lcl_novelty::default())?;
            let novelty = watcher.finish()?;
            let channels = novelty
                .channels
                .map(|Departure { channel, change }| lcl_departure { channel, change });
            let Novelty { frame, score, x, y, cells, .. } = novelty;
            raw::write(out, lcl_novelty { frame, score, cells, x, y, channels })?;
            Ok(())
        })
    };
    // SAFETY: as this function's.
    unsafe { report(result, why) }
}

/// Gives the frame up: no event comes of it.
///
/// # Safety
///
/// `watcher` is null or a watcher.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_watcher_reset(
    watcher: *mut lcl_watcher,
    why: *mut lcl_error,
) -> lcl_status {
    let reset = |watcher: &mut Watcher<'static>| {
        watcher.reset();
        Ok(())
    };
    // SAFETY: as this function's.
    unsafe { report(Marked::with(watcher.cast(), reset), why) }
}

/// Writes an event's bytes, at most LCL_EVENT_MAX_LEN, and their number to `written`.
///
/// # Safety
///
/// `out_len` bytes can be written at `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_event(
    novelty: *const lcl_novelty,
    out: *mut u8,
    out_len: usize,
    written: *mut usize,
) -> lcl_status {
    if novelty.is_null() || !novelty.is_aligned() {
        return lcl_status::LCL_NULL;
    }
    // SAFETY: as this function's.
    let result = unsafe {
        let lcl_novelty { frame, score, cells, x, y, channels } = novelty.read();
        let channels =
            channels.map(|lcl_departure { channel, change }| Departure { channel, change });
        raw::bytes_mut(out, out_len).and_then(|out| {
            let event = Novelty { frame, score, x, y, cells, channels };
            raw::write(written, event.emit(out).ok_or(lcl_status::LCL_TOO_SHORT)?)
        })
    };
    result.err().unwrap_or(lcl_status::LCL_OK)
}
