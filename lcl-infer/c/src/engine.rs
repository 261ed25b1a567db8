//! Engines: rows of an image in, rows of features out.

use core::ffi::{c_char, c_void};

use lcl_infer::{FeatureRow, Frontend, ImageSize, Name, PixelFormat};

use crate::marked::{Kind, Marked};
use crate::model::{lcl_model, model_at, name};
use crate::raw;
use crate::status::lcl_status;
use crate::why::{Why, lcl_error, report};

/// An engine, at the start of the memory that `lcl_engine_init` got.
#[derive(Debug)]
pub struct lcl_engine {
    _private: [u8; 0],
}

/// The front-end of an engine.
pub(crate) type Engine = Frontend<'static, &'static mut [u8]>;

impl Kind for Engine {
    const MARK: usize = 0x6c63_6c66;
}

/// How a camera lays out the pixels of a row: one of LCL_RGB888 and its like.
pub type lcl_pixels = u32;

/// The format that the model was made for: RGB888, or GRAY8 for grey images.
pub const LCL_AS_MODEL: lcl_pixels = 0;
/// Three bytes a pixel: red, green, blue.
pub const LCL_RGB888: lcl_pixels = 1;
/// Two bytes a pixel, the high one first: rrrrrggg gggbbbbb.
pub const LCL_RGB565_BE: lcl_pixels = 2;
/// Two bytes a pixel, the low one first.
pub const LCL_RGB565_LE: lcl_pixels = 3;
/// One byte a pixel: luma.
pub const LCL_GRAY8: lcl_pixels = 4;
/// Four bytes for two pixels, Y0 U Y1 V, full range.
pub const LCL_YUYV: lcl_pixels = 5;
/// Four bytes for two pixels, U Y0 V Y1, full range.
pub const LCL_UYVY: lcl_pixels = 6;

/// Bytes of a tap's name with the zero at its end.
pub const LCL_NAME_LEN: usize = 9;

/// A row of features. It and its bytes are there until the callback returns.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct lcl_row {
    /// Name of the tap, such as "V2".
    pub tap: [c_char; LCL_NAME_LEN],
    /// The row, from 0 at the top.
    pub y: usize,
    /// Pixels of the row.
    pub width: usize,
    /// Features of a pixel.
    pub channels: usize,
    /// `width · channels` features, pixel by pixel.
    pub values: *const u8,
}

/// Size of a tap's map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct lcl_map {
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Features of a pixel.
    pub channels: usize,
}

/// What `lcl_push_row` calls with each row of features: with the caller's own pointer, and the row.
pub type lcl_row_callback = Option<unsafe extern "C" fn(context: *mut c_void, row: *const lcl_row)>;

/// Makes an engine in memory of `memory_len` bytes, at least lcl_memory_len of the model and the width,
/// wherever they start; it stays there, and the engine is usable until the memory is used otherwise.
/// Nothing is to be freed. `why` may be null, here and elsewhere.
///
/// # Safety
///
/// `memory_len` bytes can be read and written at `memory`, and nothing else does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_engine_init(
    engine: *mut *mut lcl_engine,
    model: *const lcl_model,
    width: usize,
    height: usize,
    pixels: lcl_pixels,
    memory: *mut c_void,
    memory_len: usize,
    why: *mut lcl_error,
) -> lcl_status {
    let size = ImageSize { width, height };
    // SAFETY: as this function's.
    let result = unsafe { init(engine, model, size, pixels, memory.cast(), memory_len) };
    // SAFETY: as this function's.
    unsafe { report(result, why) }
}

unsafe fn init(
    engine: *mut *mut lcl_engine,
    model: *const lcl_model,
    size: ImageSize,
    pixels: lcl_pixels,
    memory: *mut u8,
    memory_len: usize,
) -> Result<(), Why> {
    // SAFETY: the caller's words.
    unsafe {
        raw::write(engine, core::ptr::null_mut())?;
        let model = model_at(model)?;
        raw::check(memory, memory_len)?;
        model.is_apart_from(memory, memory_len)?;
        let pixels = format(pixels, model.blob.input().into())?;
        let (place, rest) = match Marked::<Engine>::place(memory, memory_len) {
            Ok((place, rest)) => (Some(place), rest),
            // The front-end says how much it needs.
            Err(lcl_status::LCL_TOO_SHORT) => (None, <&mut [u8]>::default()),
            Err(status) => return Err(status.into()),
        };
        let frontend = Frontend::new(&model.blob, size, rest)
            .and_then(|frontend| frontend.with_pixels(pixels))?;
        let place = place.ok_or(lcl_status::LCL_TOO_SHORT)?;
        Marked::put(place, frontend);
        raw::write(engine, place.cast())?;
    }
    Ok(())
}

fn format(pixels: lcl_pixels, of_model: PixelFormat) -> Result<PixelFormat, lcl_status> {
    Ok(match pixels {
        LCL_AS_MODEL => of_model,
        LCL_RGB888 => PixelFormat::Rgb888,
        LCL_RGB565_BE => PixelFormat::Rgb565Be,
        LCL_RGB565_LE => PixelFormat::Rgb565Le,
        LCL_GRAY8 => PixelFormat::Gray8,
        LCL_YUYV => PixelFormat::Yuyv,
        LCL_UYVY => PixelFormat::Uyvy,
        _ => return Err(lcl_status::LCL_UNKNOWN),
    })
}

/// Returns the bytes of a row of the image, or 0 for what is no engine.
///
/// # Safety
///
/// `engine` is null or an engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_row_len(engine: *const lcl_engine) -> usize {
    // SAFETY: as this function's.
    unsafe { Marked::<Engine>::get(engine.cast()) }.map_or(0, Frontend::row_len)
}

/// Writes to `out` the size of a tap's map, such as that of "V2".
///
/// # Safety
///
/// `tap` is a text that ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_map_of(
    engine: *const lcl_engine,
    tap: *const c_char,
    out: *mut lcl_map,
) -> lcl_status {
    // SAFETY: as this function's.
    let result = unsafe {
        Marked::<Engine>::get(engine.cast()).and_then(|engine| {
            let map = map(engine, name(tap)?).ok_or(lcl_status::LCL_UNKNOWN)?;
            raw::write(out, map)
        })
    };
    result.err().unwrap_or(lcl_status::LCL_OK)
}

pub(crate) fn map(engine: &Engine, tap: Name) -> Option<lcl_map> {
    let ImageSize { width, height } = engine.map_size(tap)?;
    Some(lcl_map { width, height, channels: engine.map_channels(tap)? })
}

/// Takes in the next row of the image, of lcl_row_len bytes, and calls `callback` with each row of
/// features that it completes, V1 before the V2 that needs it. `callback` may be null; it may call any
/// function but those of the same engine.
///
/// # Safety
///
/// `row_len` bytes can be read at `row`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_push_row(
    engine: *mut lcl_engine,
    row: *const u8,
    row_len: usize,
    callback: lcl_row_callback,
    context: *mut c_void,
    why: *mut lcl_error,
) -> lcl_status {
    // SAFETY: as this function's.
    let result = unsafe {
        Marked::<Engine>::with(engine.cast(), |engine| {
            let row = raw::bytes(row, row_len)?;
            engine.push_row(row)?;
            while let Some(row) = engine.next() {
                if let Some(callback) = callback {
                    callback(context, &of_row(&row));
                }
            }
            Ok(())
        })
    };
    // SAFETY: as this function's.
    unsafe { report(result, why) }
}

fn of_row(row: &FeatureRow<'_>) -> lcl_row {
    let mut tap = [0; LCL_NAME_LEN];
    for (place, &byte) in tap.iter_mut().zip(row.tap.as_str().as_bytes()) {
        *place = byte.cast_signed() as c_char;
    }
    let &FeatureRow { y, width, channels, values, .. } = row;
    lcl_row { tap, y, width, channels, values: values.as_ptr() }
}

/// Ends the frame, whose rows have all been pushed; the next row starts another.
///
/// # Safety
///
/// `engine` is null or an engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_finish(engine: *mut lcl_engine, why: *mut lcl_error) -> lcl_status {
    // SAFETY: as this function's.
    unsafe { report(Marked::<Engine>::with(engine.cast(), |engine| Ok(engine.finish()?)), why) }
}

/// Gives the frame up, complete or not; the next row starts another.
///
/// # Safety
///
/// `engine` is null or an engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_reset(engine: *mut lcl_engine, why: *mut lcl_error) -> lcl_status {
    let reset = |engine: &mut Engine| {
        engine.reset();
        Ok(())
    };
    // SAFETY: as this function's.
    unsafe { report(Marked::with(engine.cast(), reset), why) }
}
