//! The suite of every kernel, for whoever runs WebAssembly: `suite(seed, count)` returns
//! 0, or 1 where a byte is not what the contract asks for; the text says which, or how
//! many were compared.

#![allow(unsafe_code)]

use std::sync::Mutex;

use lcl_infer::kernels;
use lcl_infer_suite::{Cases, Memory, run};

static TEXT: Mutex<String> = Mutex::new(String::new());

/// Runs the suite on every table of kernels.
#[unsafe(no_mangle)]
pub extern "C" fn suite(seed: u32, count: u32) -> u32 {
    let mut memory = Box::new(Memory::new());
    let mut text = Vec::new();
    let mut failed = 0;
    for kernels in kernels::available() {
        match run(kernels, &mut memory, Cases { seed: seed.into(), count }) {
            Ok(done) => text.push(format!(
                "{}: {} cases, {} bytes equal",
                kernels.name, done.cases, done.bytes
            )),
            Err(mismatch) => {
                failed = 1;
                text.push(mismatch.to_string());
            }
        }
    }
    if let Ok(mut place) = TEXT.lock() {
        *place = text.join("\n");
    }
    failed
}

/// Returns the text, UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_text() -> *const u8 {
    TEXT.lock().map_or(std::ptr::null(), |text| text.as_ptr())
}

/// Returns the bytes of the text.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_text_len() -> usize {
    TEXT.lock().map_or(0, |text| text.len())
}
