//! A loop of known length, to calibrate a counter with.
#![expect(unsafe_code, reason = "only assembly has a known number of instructions")]

/// Instructions of one turn of the loop.
pub(crate) const TURN_INSNS: u32 = 2;

/// Runs the loop `turns` times, at least once.
#[inline(never)]
pub(crate) fn turns(turns: u32) {
    let turns = turns.max(1);
    // SAFETY: it changes one register, which is declared, and the flags.
    unsafe {
        core::arch::asm!(
            "2:",
            "subs {left}, {left}, #1",
            "bne 2b",
            left = inout(reg) turns => _,
            options(nomem, nostack)
        );
    }
}
