//! Statics in the AXI SRAM, which start-up does not clear as it does the others.
#![expect(unsafe_code, reason = "the linker's symbols and what lies between them")]

use core::ptr;

unsafe extern "C" {
    static mut _axi_sram_start: u32;
    static mut _axi_sram_end: u32;
}

/// Clears them; it is called once, before anything uses them. The chip gives
/// this RAM its clock at reset.
pub(crate) fn clear() {
    let end = (&raw const _axi_sram_end).addr();
    let mut word = &raw mut _axi_sram_start;
    while word.addr() < end {
        // SAFETY: the words between both symbols are of statics whose initial
        // value is zero, as `.bss` names it, and no reference to them exists yet.
        unsafe { ptr::write_volatile(word, 0) };
        word = word.wrapping_add(1);
    }
}
