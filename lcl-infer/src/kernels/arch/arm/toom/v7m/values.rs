//! Rows to points, a value at a time.

use crate::kernels::arch::arm::toom::define;
use crate::kernels::arch::arm::toom::values::{Code as RowCode, Job, define_rows};
use crate::toom::Pair;

/// The code for rows.
pub(super) const ROWS: RowCode = RowCode { assembly: lcl_infer_armv7m_toom_rows, words: 2 };

unsafe extern "C" {
    #[link_name = concat!("lcl_infer_armv7m_toom_rows_", env!("LCL_INFER_BUILD"))]
    fn lcl_infer_armv7m_toom_rows(row: *const u8, data: *mut Pair, job: *const Job);
}

define_rows!(
    "lcl_infer_armv7m_toom_rows",
    [
        // One value of one tile, from `r0` to `lr`.
        ".macro LCL_VALUES",
        "ldm sp, {{r9-r12}}",
        "ldrb r1, [r0]",
        "ldrb r2, [r0, r9]",
        "ldrb r3, [r0, r9, lsl #1]",
        "ldrb r4, [r0, r10]",
        "ldrb r5, [r0, r9, lsl #2]",
        "ldrb r6, [r0, r11]",
        "ldrb r7, [r0, r10, lsl #1]",
        "ldrb r8, [r0, r12]",
        // 0: 4 d0 + 21 d4 - 21 d2 - 4 d6; 5 d4 stays in r9.
        "add r9, r5, r5, lsl #2",
        "add r10, r5, r9, lsl #2",
        "add r10, r10, r1, lsl #2",
        "add r11, r3, r3, lsl #2",
        "add r11, r3, r11, lsl #2",
        "add r11, r11, r7, lsl #2",
        "sub r10, r10, r11",
        "str r10, [lr]",
        // Infinity: 21 d3 + 4 d7 - 21 d5 - 4 d1; 5 d3 stays in r1.
        "add r1, r4, r4, lsl #2",
        "add r10, r4, r1, lsl #2",
        "add r10, r10, r8, lsl #2",
        "add r11, r6, r6, lsl #2",
        "add r11, r6, r11, lsl #2",
        "add r11, r11, r2, lsl #2",
        "sub r10, r10, r11",
        "ldr r11, [sp, #28]",
        "str r10, [lr, r11]",
        "ldrd r12, r8, [sp, #16]",
        // ±1: 17 d4 - 4 (d2 + d6) and 17 d3 - 4 (d1 + d5).
        "add r5, r5, r5, lsl #4",
        "add r4, r4, r4, lsl #4",
        "add r10, r3, r7",
        "sub r10, r5, r10, lsl #2",
        "add r11, r2, r6",
        "sub r11, r4, r11, lsl #2",
        "add r5, r10, r11",
        "sub r4, r10, r11",
        "str r5, [lr, r12]",
        "str r4, [lr, r12, lsl #1]",
        // ±2: 5 d4 - d2 - 4 d6 and 2 (5 d3 - d1 - 4 d5).
        "add r10, r3, r7, lsl #2",
        "sub r10, r9, r10",
        "add r11, r2, r6, lsl #2",
        "sub r11, r1, r11",
        "add r5, r10, r11, lsl #1",
        "sub r4, r10, r11, lsl #1",
        "str r5, [lr, r8]",
        "str r4, [lr, r12, lsl #2]",
        // ±½: 2 (5 d4 - 4 d2 - d6) and 5 d3 - 4 d1 - d5.
        "add r10, r7, r3, lsl #2",
        "sub r10, r9, r10",
        "add r10, r10, r10",
        "add r11, r6, r2, lsl #2",
        "sub r11, r1, r11",
        "add r5, r10, r11",
        "sub r4, r10, r11",
        "ldr r12, [sp, #24]",
        "str r5, [lr, r12]",
        "str r4, [lr, r8, lsl #1]",
        ".endm",
    ],
    // Values 0, 2, 1 and 3.
    [
        "LCL_VALUES",
        "ldr r1, [sp, #36]",
        "add r0, #2",
        "add lr, r1",
        "LCL_VALUES",
        "ldr r1, [sp, #36]",
        "sub r0, #1",
        "add lr, r1",
        "LCL_VALUES",
        "ldr r1, [sp, #36]",
        "add r0, #2",
        "add lr, r1",
        "LCL_VALUES",
        "sub r0, #3",
    ],
    ["sub lr, r2", "sub lr, lr, r2, lsl #1"],
    "add lr, lr, r2, lsl #2"
);
