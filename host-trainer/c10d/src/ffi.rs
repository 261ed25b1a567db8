//! The shim's functions, as `shim/shim.h` declares them.

use std::ffi::{CStr, c_char, c_double, c_int};

use torch_sys::C_tensor;

use crate::Error;

/// A store behind its handle.
#[repr(C)]
pub struct RawStore {
    _private: [u8; 0],
}

/// A process group behind its handle.
#[repr(C)]
pub struct RawGroup {
    _private: [u8; 0],
}

/// An operation under way behind its handle.
#[repr(C)]
pub struct RawWork {
    _private: [u8; 0],
}

unsafe extern "C" {
    fn c10d_text_free(text: *mut c_char);
    pub fn c10d_bytes_free(bytes: *mut u8);

    pub fn c10d_store_new(
        host: *const c_char,
        port: u16,
        serves: bool,
        timeout_ms: i64,
        store: *mut *mut RawStore,
    ) -> *mut c_char;
    pub fn c10d_store_set(
        store: *mut RawStore,
        key: *const c_char,
        value: *const u8,
        len: usize,
    ) -> *mut c_char;
    pub fn c10d_store_get(
        store: *mut RawStore,
        key: *const c_char,
        timeout_ms: i64,
        value: *mut *mut u8,
        len: *mut usize,
    ) -> *mut c_char;
    pub fn c10d_store_has(
        store: *mut RawStore,
        key: *const c_char,
        there: *mut bool,
    ) -> *mut c_char;
    pub fn c10d_store_add(
        store: *mut RawStore,
        key: *const c_char,
        delta: i64,
        sum: *mut i64,
    ) -> *mut c_char;
    pub fn c10d_store_free(store: *mut RawStore);

    pub fn c10d_has_nccl() -> bool;
    pub fn c10d_group_new(
        store: *mut RawStore,
        prefix: *const c_char,
        nccl: bool,
        rank: c_int,
        size: c_int,
        address: *const c_char,
        timeout_ms: i64,
        group: *mut *mut RawGroup,
    ) -> *mut c_char;
    pub fn c10d_group_free(group: *mut RawGroup);
    pub fn c10d_group_failed(group: *mut RawGroup) -> bool;
    pub fn c10d_group_take_traffic(
        group: *mut RawGroup,
        operations: *mut u64,
        bytes: *mut u64,
        waited_ns: *mut u64,
    );

    pub fn c10d_all_reduce(
        group: *mut RawGroup,
        tensor: *mut C_tensor,
        work: *mut *mut RawWork,
    ) -> *mut c_char;
    pub fn c10d_broadcast(
        group: *mut RawGroup,
        tensor: *mut C_tensor,
        root: c_int,
        work: *mut *mut RawWork,
    ) -> *mut c_char;
    pub fn c10d_work_wait(work: *mut RawWork) -> *mut c_char;
    pub fn c10d_work_free(work: *mut RawWork);

    pub fn c10d_sum(
        group: *mut RawGroup,
        tensor: *mut C_tensor,
        sum: *mut *mut C_tensor,
    ) -> *mut c_char;
    pub fn c10d_batch_norm(
        group: *mut RawGroup,
        x: *mut C_tensor,
        weight: *mut C_tensor,
        bias: *mut C_tensor,
        eps: c_double,
        y: *mut *mut C_tensor,
        mean: *mut *mut C_tensor,
        variance: *mut *mut C_tensor,
        count: *mut c_double,
    ) -> *mut c_char;
}

/// Turns what a function of the shim returned into a result.
///
/// # Safety
///
/// `text` is null, or a text that the shim just returned.
pub unsafe fn check(text: *mut c_char) -> Result<(), Error> {
    if text.is_null() {
        return Ok(());
    }
    // SAFETY: the shim returned it, ended by a zero, and nobody freed it.
    let message = unsafe { CStr::from_ptr(text) }.to_string_lossy().trim().to_owned();
    // SAFETY: as above; it is not used again.
    unsafe { c10d_text_free(text) };
    Err(Error::Exception(message))
}
