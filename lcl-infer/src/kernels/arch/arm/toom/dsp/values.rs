//! Rows to points, two channels at a time, as lanes of 16 bits.

use crate::kernels::arch::arm::toom::define;
use crate::kernels::arch::arm::toom::values::{Code as RowCode, Job, define_rows};
use crate::toom::Pair;

/// The code for rows.
pub(super) const ROWS: RowCode = RowCode { assembly: lcl_infer_arm_toom_rows, words: 1 };

unsafe extern "C" {
    #[link_name = concat!("lcl_infer_arm_toom_rows_", env!("LCL_INFER_BUILD"))]
    fn lcl_infer_arm_toom_rows(row: *const u8, data: *mut Pair, job: *const Job);
}

define_rows!(
    "lcl_infer_arm_toom_rows",
    [
        ".cpu cortex-m33",
        // The values 0 and 2 of a quad of one tile, or 1 and 3, from `r0` to `lr`.
        // Lanes stay within 16 bits and, up to each subtraction, above zero.
        ".macro LCL_VALUES rotation:vararg",
        "ldm sp, {{r9-r12}}",
        "ldr r1, [r0]",
        "ldr r2, [r0, r9]",
        "ldr r3, [r0, r9, lsl #1]",
        "ldr r4, [r0, r10]",
        "ldr r5, [r0, r9, lsl #2]",
        "ldr r6, [r0, r11]",
        "ldr r7, [r0, r10, lsl #1]",
        "ldr r8, [r0, r12]",
        "uxtb16 r1, r1 \\rotation",
        "uxtb16 r2, r2 \\rotation",
        "uxtb16 r3, r3 \\rotation",
        "uxtb16 r4, r4 \\rotation",
        "uxtb16 r5, r5 \\rotation",
        "uxtb16 r6, r6 \\rotation",
        "uxtb16 r7, r7 \\rotation",
        "uxtb16 r8, r8 \\rotation",
        // 0: 4 d0 + 21 d4 - 21 d2 - 4 d6; 5 d4 stays in r9.
        "add r9, r5, r5, lsl #2",
        "add r10, r5, r9, lsl #2",
        "add r10, r10, r1, lsl #2",
        "add r11, r3, r3, lsl #2",
        "add r11, r3, r11, lsl #2",
        "add r11, r11, r7, lsl #2",
        "ssub16 r10, r10, r11",
        "str r10, [lr]",
        // Infinity: 21 d3 + 4 d7 - 21 d5 - 4 d1; 5 d3 stays in r1.
        "add r1, r4, r4, lsl #2",
        "add r10, r4, r1, lsl #2",
        "add r10, r10, r8, lsl #2",
        "add r11, r6, r6, lsl #2",
        "add r11, r6, r11, lsl #2",
        "add r11, r11, r2, lsl #2",
        "ssub16 r10, r10, r11",
        "ldr r11, [sp, #28]",
        "str r10, [lr, r11]",
        "ldrd r12, r8, [sp, #16]",
        // ±1: 17 d4 - 4 (d2 + d6) and 17 d3 - 4 (d1 + d5).
        "add r5, r5, r5, lsl #4",
        "add r4, r4, r4, lsl #4",
        "add r10, r3, r7",
        "lsl r10, r10, #2",
        "ssub16 r10, r5, r10",
        "add r11, r2, r6",
        "lsl r11, r11, #2",
        "ssub16 r11, r4, r11",
        "sadd16 r5, r10, r11",
        "ssub16 r4, r10, r11",
        "str r5, [lr, r12]",
        "str r4, [lr, r12, lsl #1]",
        // ±2: 5 d4 - d2 - 4 d6 and 2 (5 d3 - d1 - 4 d5).
        "add r10, r3, r7, lsl #2",
        "ssub16 r10, r9, r10",
        "add r11, r2, r6, lsl #2",
        "ssub16 r11, r1, r11",
        "sadd16 r11, r11, r11",
        "sadd16 r5, r10, r11",
        "ssub16 r4, r10, r11",
        "str r5, [lr, r8]",
        "str r4, [lr, r12, lsl #2]",
        // ±½: 2 (5 d4 - 4 d2 - d6) and 5 d3 - 4 d1 - d5.
        "add r10, r7, r3, lsl #2",
        "ssub16 r10, r9, r10",
        "sadd16 r10, r10, r10",
        "add r11, r6, r2, lsl #2",
        "ssub16 r11, r1, r11",
        "sadd16 r5, r10, r11",
        "ssub16 r4, r10, r11",
        "ldr r12, [sp, #24]",
        "str r5, [lr, r12]",
        "str r4, [lr, r8, lsl #1]",
        ".endm",
    ],
    ["LCL_VALUES", "ldr r1, [sp, #36]", "add lr, r1", "LCL_VALUES , ror #8",],
    ["sub lr, r2"],
    "add lr, lr, r2, lsl #1"
);
