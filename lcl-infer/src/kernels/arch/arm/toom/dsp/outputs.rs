//! Sums to bytes: `SMMLA` adds a half to the upper word of a product.

use crate::kernels::arch::arm::toom::define;
use crate::kernels::arch::arm::toom::outputs::{Code as OutputCode, Job, define_outputs};
use crate::kernels::toom::row::Sums;

/// The code for outputs.
pub(super) const OUTPUTS: OutputCode =
    OutputCode { four: lcl_infer_arm_toom_outputs_4, six: lcl_infer_arm_toom_outputs_6 };

unsafe extern "C" {
    #[link_name = concat!("lcl_infer_arm_toom_outputs_4_", env!("LCL_INFER_BUILD"))]
    fn lcl_infer_arm_toom_outputs_4(_: *const Sums, _: *const i32, _: *mut u8, _: *const Job);
    #[link_name = concat!("lcl_infer_arm_toom_outputs_6_", env!("LCL_INFER_BUILD"))]
    fn lcl_infer_arm_toom_outputs_6(_: *const Sums, _: *const i32, _: *mut u8, _: *const Job);
}

define_outputs!(
    "lcl_infer_arm_toom_outputs_4",
    4,
    [
        ".cpu cortex-m33",
        ".macro LCL_UPPER y, multiplier, half, free",
        "smmla \\y, \\y, \\multiplier, \\half",
        ".endm"
    ]
);

define_outputs!(
    "lcl_infer_arm_toom_outputs_6",
    6,
    [
        ".cpu cortex-m33",
        ".macro LCL_UPPER y, multiplier, half, free",
        "smmla \\y, \\y, \\multiplier, \\half",
        ".endm"
    ]
);
