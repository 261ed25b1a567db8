//! Models: bytes that were checked.

use core::ffi::{CStr, c_char};

use lcl_infer::{Blob, Name, SelfTestError, self_test, self_test_memory_len};

use crate::engine::Engine;
use crate::marked::{Kind, Marked};
use crate::raw;
use crate::status::lcl_status;
use crate::why::{Why, lcl_error, report};

/// An opened model, in the caller's memory, where it stays. Its field is the library's.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct lcl_model {
    opaque: [usize; LCL_MODEL_WORDS],
}

/// Words of an `lcl_model`.
pub const LCL_MODEL_WORDS: usize = 32;

/// A blob with the bytes that it was opened from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model {
    pub(crate) blob: Blob<'static>,
    pub(crate) bytes: &'static [u8],
}

impl Kind for Model {
    const MARK: usize = 0x6c63_6c6d;
}

const _: () = assert!(size_of::<Marked<Model>>() <= size_of::<lcl_model>());
const _: () = assert!(align_of::<Marked<Model>>() <= align_of::<lcl_model>());

/// Returns an opened model.
///
/// # Safety
///
/// `model` is null, or an `lcl_model` can be read there.
pub(crate) unsafe fn model_at<'a>(model: *const lcl_model) -> Result<&'a Model, lcl_status> {
    // SAFETY: as this function's.
    unsafe { Marked::get(model.cast()) }
}

/// Version of `lcl_infer.h`: it grows when a function or a structure changes.
pub const LCL_HEADER_VERSION: u32 = 1;

/// Returns the version of the header that the library was built with: a program compares it with
/// LCL_HEADER_VERSION.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_version() -> u32 {
    LCL_HEADER_VERSION
}

/// Writes to `out` the length in bytes of the model that begins with `bytes`, of which the first 40
/// are enough: where a model lies in a larger region of flash.
///
/// # Safety
///
/// `len` bytes can be read at `bytes`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_model_len(
    bytes: *const u8,
    len: usize,
    out: *mut usize,
    why: *mut lcl_error,
) -> lcl_status {
    // SAFETY: as this function's.
    let result = unsafe {
        raw::bytes(bytes, len).map_err(Why::from).and_then(|bytes| {
            let len = lcl_infer::blob_len(bytes)?;
            raw::write(out, len).map_err(Why::from)
        })
    };
    // SAFETY: as this function's.
    unsafe { report(result, why) }
}

/// Opens a model: checks every byte of it, once. `bytes` start at a multiple of 16 and stay as they are
/// as long as the model is used. `why` may be null.
///
/// # Safety
///
/// `len` bytes can be read at `bytes`, and nothing writes to them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_model_open(
    model: *mut lcl_model,
    bytes: *const u8,
    len: usize,
    why: *mut lcl_error,
) -> lcl_status {
    // SAFETY: as this function's.
    let result = unsafe { open(model, bytes, len) };
    // SAFETY: as this function's.
    unsafe { report(result, why) }
}

unsafe fn open(model: *mut lcl_model, bytes: *const u8, len: usize) -> Result<(), Why> {
    if model.is_null() || !model.is_aligned() {
        return Err(lcl_status::LCL_NULL.into());
    }
    // SAFETY: the caller's words.
    let bytes = unsafe { raw::bytes(bytes, len)? };
    // SAFETY: an `lcl_model` is at least as large; zeros are no mark.
    unsafe { model.write(lcl_model { opaque: [0; LCL_MODEL_WORDS] }) };
    let blob = Blob::open(bytes)?;
    // SAFETY: it is aligned, and an `lcl_model` is at least as large.
    unsafe { Marked::put(model.cast(), Model { blob, bytes }) };
    Ok(())
}

/// Returns the bytes of memory that an engine needs for images of `width` pixels: SIZE_MAX for a width
/// that no engine takes, 0 for what is no opened model. LCL_V2_MEMORY_LEN is a constant for the
/// published model.
///
/// # Safety
///
/// `model` is null or an `lcl_model`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_memory_len(model: *const lcl_model, width: usize) -> usize {
    // SAFETY: as this function's.
    let model = unsafe { model_at(model) };
    model.map_or(0, |model| model.blob.memory_len(width).saturating_add(Marked::<Engine>::LEN))
}

/// Returns the bytes of memory that `lcl_self_test` needs, or 0 for what is no opened model.
///
/// # Safety
///
/// `model` is null or an `lcl_model`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_self_test_memory_len(model: *const lcl_model) -> usize {
    // SAFETY: as this function's.
    unsafe { model_at(model) }.map_or(0, |model| self_test_memory_len(&model.blob))
}

/// Tests the model's bytes, and the features of its golden image on this machine: LCL_SELF_TEST names
/// in its text the link at fault. The memory may be that of an engine that is initialised afterwards.
///
/// # Safety
///
/// `memory_len` bytes can be read and written at `memory`, and no engine lies in them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_self_test(
    model: *const lcl_model,
    memory: *mut u8,
    memory_len: usize,
    why: *mut lcl_error,
) -> lcl_status {
    // SAFETY: as this function's.
    let result = unsafe {
        model_at(model).and_then(|model| {
            raw::check(memory, memory_len)?;
            model.is_apart_from(memory, memory_len)?;
            Ok((model, raw::bytes_mut(memory, memory_len)?))
        })
    };
    let result = result.map_err(Why::from).and_then(|(model, memory)| {
        self_test(&model.blob, memory).map_err(|error: SelfTestError| Why::from(error))
    });
    // SAFETY: as this function's.
    unsafe { report(result, why) }
}

/// Writes to `out` what one step of a channel's byte is worth in the rows of a tap: real = scale · byte.
///
/// # Safety
///
/// `tap` is a text that ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lcl_scale(
    model: *const lcl_model,
    tap: *const c_char,
    channel: usize,
    out: *mut f32,
) -> lcl_status {
    // SAFETY: as this function's.
    let result = unsafe {
        model_at(model).and_then(|model| {
            let scales = model.blob.output_scale(name(tap)?);
            let scale = scales.and_then(|scales| scales.iter().nth(channel));
            raw::write(out, scale.ok_or(lcl_status::LCL_UNKNOWN)?)
        })
    };
    result.err().unwrap_or(lcl_status::LCL_OK)
}

/// Reads the name of a tap.
///
/// # Safety
///
/// `text` is null or a text that ends with a zero.
pub(crate) unsafe fn name(text: *const c_char) -> Result<Name, lcl_status> {
    if text.is_null() {
        return Err(lcl_status::LCL_NULL);
    }
    // SAFETY: the caller's words.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().ok().and_then(Name::new).ok_or(lcl_status::LCL_UNKNOWN)
}

impl Model {
    /// Refuses memory that lies over the model's bytes.
    pub(crate) fn is_apart_from(&self, memory: *mut u8, len: usize) -> Result<(), lcl_status> {
        let over = raw::overlap((memory, len), (self.bytes.as_ptr(), self.bytes.len()));
        if over { Err(lcl_status::LCL_OVERLAP) } else { Ok(()) }
    }
}
