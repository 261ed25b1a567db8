//! The sums of readouts with the DSP extension: two products of 16 bits at a time.

use core::arch::global_asm;

use crate::layers::readout::portable_sums;

/// Channels that a word holds.
const QUAD: usize = 4;

/// Returns the sums of weights times bytes at four pixels.
pub(super) fn sums(weights: &[i8], pixels: [&[u8]; 4]) -> [i32; 4] {
    let len = weights.len().min(pixels[0].len());
    let whole = len >= QUAD
        && len % QUAD == 0
        && pixels.iter().all(|pixel| pixel.len() == len && pixel.as_ptr().align_offset(QUAD) == 0)
        && weights.as_ptr().align_offset(QUAD) == 0;
    if !whole {
        return portable_sums(weights, pixels);
    }
    let mut sums = [0; 4];
    let starts = pixels.map(<[u8]>::as_ptr);
    // SAFETY: `len` is a positive number of whole words, and the weights and each of the
    // four pixels have as many bytes, all aligned to words.
    unsafe {
        lcl_infer_arm_dsp_sums(weights.as_ptr(), &raw const starts, &raw mut sums, len / QUAD);
    };
    sums
}

unsafe extern "C" {
    /// # Safety
    ///
    /// `quads` is not 0, and the weights and each of the four pixels have `4 · quads`
    /// bytes and are aligned to four.
    #[link_name = concat!("lcl_infer_arm_dsp_sums_", env!("LCL_INFER_BUILD"))]
    fn lcl_infer_arm_dsp_sums(
        weights: *const i8,
        pixels: *const [*const u8; 4],
        sums: *mut [i32; 4],
        quads: usize,
    );
}

global_asm!(
    ".pushsection .text.lcl_infer_arm_dsp_sums, \"ax\", %progbits",
    ".syntax unified",
    ".cpu cortex-m33",
    // The next four bytes of a pixel, by the weights in r2 (channels 0 and 2) and r12.
    ".macro LCL_SUM pixel, sum",
    "ldr lr, [\\pixel], #4",
    "uxtb16 r1, lr",
    "smlad \\sum, r2, r1, \\sum",
    "uxtb16 lr, lr, ror #8",
    "smlad \\sum, r12, lr, \\sum",
    ".endm",
    concat!(".global lcl_infer_arm_dsp_sums_", env!("LCL_INFER_BUILD")),
    concat!(".type lcl_infer_arm_dsp_sums_", env!("LCL_INFER_BUILD"), ", %function"),
    ".thumb_func",
    ".p2align 2",
    concat!("lcl_infer_arm_dsp_sums_", env!("LCL_INFER_BUILD"), ":"),
    "push {{r2, r4-r11, lr}}",
    "ldm r1, {{r4-r7}}",
    "movs r1, #0",
    "mov r8, r1",
    "mov r9, r1",
    "mov r10, r1",
    "mov r11, r1",
    "1:",
    "ldr r12, [r0], #4",
    "sxtb16 r2, r12",
    "sxtb16 r12, r12, ror #8",
    "LCL_SUM r4, r8",
    "LCL_SUM r5, r9",
    "LCL_SUM r6, r10",
    "LCL_SUM r7, r11",
    "subs r3, #1",
    "bne 1b",
    "pop {{r2}}",
    "stm r2, {{r8-r11}}",
    "pop {{r4-r11, pc}}",
    concat!(
        ".size lcl_infer_arm_dsp_sums_",
        env!("LCL_INFER_BUILD"),
        ", . - lcl_infer_arm_dsp_sums_",
        env!("LCL_INFER_BUILD")
    ),
    ".purgem LCL_SUM",
    ".popsection",
);
