//! What the linker script says: the model partition, the stack, the flash.
#![expect(unsafe_code, reason = "addresses that the linker script fixes become slices")]

use core::{ptr, slice};

unsafe extern "C" {
    static _model_start: u8;
    static _model_end: u8;
    static _stack_end: u32;
    static _stack_start: u32;
    static __vector_table: u8;
    static __sidata: u8;
    static __sdata: u8;
    static __edata: u8;
}

/// Returns the model partition.
pub(crate) fn model() -> &'static [u8] {
    let start = &raw const _model_start;
    let len = (&raw const _model_end).addr() - start.addr();
    // SAFETY: `layout` keeps this region of flash apart from the program and
    // from RAM, and nothing writes to it while the program runs.
    unsafe { slice::from_raw_parts(start, len) }
}

/// Returns the deepest stack so far, by the paint that start-up left.
pub(crate) fn stack_bytes() -> usize {
    let top = (&raw const _stack_start).addr();
    let mut word = &raw const _stack_end;
    while word.addr() < top {
        // SAFETY: the address lies between the ends of the stack, which are
        // aligned to words; a volatile read of RAM is always valid.
        if unsafe { ptr::read_volatile(word) } != cortex_m_rt::STACK_PAINT_VALUE {
            break;
        }
        word = word.wrapping_add(1);
    }
    top - word.addr()
}

/// Returns how much flash the program takes: from the vector table to the end
/// of the initial values of statics.
pub(crate) fn flash_bytes() -> usize {
    let data_len = (&raw const __edata).addr() - (&raw const __sdata).addr();
    (&raw const __sidata).addr() + data_len - (&raw const __vector_table).addr()
}
