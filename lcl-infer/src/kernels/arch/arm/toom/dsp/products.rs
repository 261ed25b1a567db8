//! The products by `SMLAD`, a pair at a time.
//!
//! Values and weights come by the most that one instruction loads: of three tiles
//! and two channels, three words of weights last for one step and a half.

use crate::kernels::arch::arm::toom::define;
use crate::kernels::arch::arm::toom::products::{Code, Job, define_products};
use crate::kernels::toom::row::Sums;
use crate::toom::Pair;

/// The code for one, two and three tiles.
pub(super) const CODES: [Code; 3] = [
    Code {
        assembly: lcl_infer_arm_toom_products_1,
        tiles: 1,
        first: 1,
        single_len: 16,
        period: 3,
        period_len: 32,
        turn: 18,
    },
    Code {
        assembly: lcl_infer_arm_toom_products_2,
        tiles: 2,
        first: 2,
        single_len: 0,
        period: 2,
        period_len: 40,
        turn: 16,
    },
    Code {
        assembly: lcl_infer_arm_toom_products_3,
        tiles: 3,
        first: 1,
        single_len: 32,
        period: 3,
        period_len: 92,
        turn: 18,
    },
];

unsafe extern "C" {
    #[link_name = concat!("lcl_infer_arm_toom_products_1_", env!("LCL_INFER_BUILD"))]
    fn lcl_infer_arm_toom_products_1(_: *const Pair, _: *const Pair, _: *mut Sums, _: *const Job);
    #[link_name = concat!("lcl_infer_arm_toom_products_2_", env!("LCL_INFER_BUILD"))]
    fn lcl_infer_arm_toom_products_2(_: *const Pair, _: *const Pair, _: *mut Sums, _: *const Job);
    #[link_name = concat!("lcl_infer_arm_toom_products_3_", env!("LCL_INFER_BUILD"))]
    fn lcl_infer_arm_toom_products_3(_: *const Pair, _: *const Pair, _: *mut Sums, _: *const Job);
}

define_products!(
    "lcl_infer_arm_toom_products_1",
    "2",
    "18",
    [],
    // Assembly outside of functions is not told which core `-Ctarget-cpu` names.
    ".cpu cortex-m33",
    ".macro LCL_FIRST",
    "ldr r2, [r0], #4",
    "ldrd r5, r6, [r1], #8",
    "smuad r11, r2, r5",
    "smuad r12, r2, r6",
    ".endm",
    ".macro LCL_SINGLE",
    "ldr r2, [r0], #4",
    "ldrd r5, r6, [r1], #8",
    "smlad r11, r2, r5, r11",
    "smlad r12, r2, r6, r12",
    ".endm",
    ".macro LCL_PERIOD",
    "ldm.w r0!, {{r2-r4}}",
    "ldm.w r1!, {{r5-r10}}",
    "smlad r11, r2, r5, r11",
    "smlad r12, r2, r6, r12",
    "smlad r11, r3, r7, r11",
    "smlad r12, r3, r8, r12",
    "smlad r11, r4, r9, r11",
    "smlad r12, r4, r10, r12",
    ".endm",
    ".macro LCL_STORE",
    "str r11, [r2]",
    "str r12, [r2, #32]",
    ".endm",
);

define_products!(
    "lcl_infer_arm_toom_products_2",
    "0",
    "16",
    [],
    // Assembly outside of functions is not told which core `-Ctarget-cpu` names.
    ".cpu cortex-m33",
    ".macro LCL_FIRST",
    "ldm r0!, {{r2-r5}}",
    "ldm r1!, {{r6-r9}}",
    "smuad r10, r2, r6",
    "smuad r11, r3, r6",
    "smuad r12, r2, r7",
    "smuad lr, r3, r7",
    "smlad r10, r4, r8, r10",
    "smlad r11, r5, r8, r11",
    "smlad r12, r4, r9, r12",
    "smlad lr, r5, r9, lr",
    ".endm",
    ".macro LCL_SINGLE",
    ".endm",
    ".macro LCL_PERIOD",
    "ldm.w r0!, {{r2-r5}}",
    "ldm.w r1!, {{r6-r9}}",
    "smlad r10, r2, r6, r10",
    "smlad r11, r3, r6, r11",
    "smlad r12, r2, r7, r12",
    "smlad lr, r3, r7, lr",
    "smlad r10, r4, r8, r10",
    "smlad r11, r5, r8, r11",
    "smlad r12, r4, r9, r12",
    "smlad lr, r5, r9, lr",
    ".endm",
    ".macro LCL_STORE",
    "str r10, [r2]",
    "str r11, [r2, #32]",
    "str r12, [r2, #64]",
    "str lr, [r2, #96]",
    ".endm",
);

define_products!(
    "lcl_infer_arm_toom_products_3",
    "2",
    "18",
    ["LCL_CHANNEL"],
    // Assembly outside of functions is not told which core `-Ctarget-cpu` names.
    ".cpu cortex-m33",
    ".macro LCL_FIRST",
    "ldm r0!, {{r2-r4}}",
    "ldrd r5, r6, [r1], #8",
    "smuad r8, r2, r5",
    "smuad r9, r3, r5",
    "smuad r10, r4, r5",
    "smuad r11, r2, r6",
    "smuad r12, r3, r6",
    "smuad lr, r4, r6",
    ".endm",
    ".macro LCL_SINGLE",
    "ldm.w r0!, {{r2-r4}}",
    "ldrd r5, r6, [r1], #8",
    "LCL_CHANNEL r5, r8, r9, r10",
    "LCL_CHANNEL r6, r11, r12, lr",
    ".endm",
    // A pair of three tiles with one channel.
    ".macro LCL_CHANNEL w, a, b, c",
    "smlad \\a, r2, \\w, \\a",
    "smlad \\b, r3, \\w, \\b",
    "smlad \\c, r4, \\w, \\c",
    ".endm",
    ".macro LCL_PERIOD",
    "ldm.w r0!, {{r2-r4}}",
    "ldm.w r1!, {{r5-r7}}",
    "LCL_CHANNEL r5, r8, r9, r10",
    "LCL_CHANNEL r6, r11, r12, lr",
    "ldm.w r0!, {{r2-r4}}",
    "LCL_CHANNEL r7, r8, r9, r10",
    "ldm.w r1!, {{r5-r7}}",
    "LCL_CHANNEL r5, r11, r12, lr",
    "ldm.w r0!, {{r2-r4}}",
    "LCL_CHANNEL r6, r8, r9, r10",
    "LCL_CHANNEL r7, r11, r12, lr",
    ".endm",
    ".macro LCL_STORE",
    "str r8, [r2]",
    "str r9, [r2, #32]",
    "str r10, [r2, #64]",
    "str r11, [r2, #96]",
    "str r12, [r2, #128]",
    "str lr, [r2, #160]",
    ".endm",
);
