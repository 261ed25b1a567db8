//! Sums at the points 0, ±1, ±2, ±½ and infinity to bytes.

use super::define;
use crate::kernels::toom::{F4_5, F6_3, Group, Output, Sums, Transform, finish_tile};
use crate::parameters::CHANNEL_WORDS;

/// What the assembly needs beyond a pointer.
#[repr(C)]
struct Job {
    /// 90, 20, 1, 2 and 4 times the inverse of 45, modulo 2^32.
    factors: [i32; 5],
    bias: i32,
    multiplier: i32,
    /// What is added to the upper word of the product.
    half: i32,
    /// What the upper word is shifted by.
    shift: i32,
    out: *mut u8,
    /// Channels of the output.
    out_c: usize,
    sums_end: *const Sums,
}

type Outputs = unsafe extern "C" fn(sums: *const Sums, job: *const Job);

/// Smallest shift for which the assembly requantises.
const MIN_SHIFT: u8 = 33;

/// Makes bytes of the sums, as `Machine::finish`.
pub(super) fn finish(group: Group, sums: &[Sums], mut output: Output<'_>) {
    let transform = group.geometry.transform();
    let whole = match assembly(transform) {
        Some(assembly) if output.min_shift >= MIN_SHIFT => {
            finish_whole(assembly, group, sums, &mut output)
        }
        _ => 0,
    };
    for tile in whole..group.tiles {
        finish_tile(group, sums, tile, &mut output);
    }
}

fn assembly(transform: &Transform) -> Option<Outputs> {
    if *transform == F4_5 {
        Some(lcl_infer_arm_toom_outputs_4)
    } else if *transform == F6_3 {
        Some(lcl_infer_arm_toom_outputs_6)
    } else {
        None
    }
}

/// Makes bytes of the tiles that the output has whole, and returns how many
/// these are.
fn finish_whole(assembly: Outputs, group: Group, sums: &[Sums], output: &mut Output<'_>) -> usize {
    let transform = group.geometry.transform();
    let out_c = group.geometry.conv().out_c();
    // It is not 0, which the compiler does not see.
    let tile_len = (transform.outputs() * out_c).max(1);
    let whole = group.tiles.min(output.out.len() / tile_len);
    if whole == 0 {
        return 0;
    }
    let [[c90, c20, _, one, ..], ..] = *transform.folded();
    let one = one.wrapping_neg();
    let factors = [c90, c20, one, one.wrapping_mul(2), one.wrapping_mul(4)];
    let words = output.words.chunks_exact(CHANNEL_WORDS);
    let sums = sums.chunks_exact(group.tiles.max(1));
    for (channel, (words, sums)) in words.zip(sums).enumerate().take(output.channels) {
        let &[bias, multiplier, shift, _] = words else {
            return 0;
        };
        let (Some(out), Some(sums)) =
            (output.out.get_mut(output.oc + channel..), sums.get(..whole))
        else {
            return 0;
        };
        let shift = shift.wrapping_sub(32) & 31;
        let half = 1 << (shift.wrapping_sub(1) & 31);
        let job = Job {
            factors,
            bias,
            multiplier,
            half,
            shift,
            out: out.as_mut_ptr(),
            out_c,
            sums_end: sums.as_ptr_range().end,
        };
        // SAFETY: there are `whole` tiles of sums, at least one, and the output
        // has all pixels of as many tiles, of each of which one byte is written:
        // that of the channel, which is below `out_c`.
        unsafe { assembly(sums.as_ptr(), &job) }
    }
    whole
}

unsafe extern "C" {
    #[link_name = concat!("lcl_infer_arm_toom_outputs_4_", env!("LCL_INFER_BUILD"))]
    fn lcl_infer_arm_toom_outputs_4(sums: *const Sums, job: *const Job);
    #[link_name = concat!("lcl_infer_arm_toom_outputs_6_", env!("LCL_INFER_BUILD"))]
    fn lcl_infer_arm_toom_outputs_6(sums: *const Sums, job: *const Job);
}

/// Defines an output transform and requantisation.
macro_rules! define_outputs {
    ($name:literal, $($line:literal,)*) => {
        define!(
            $name,
            // `acc = bias + (8 · sum >> 3)` to a byte.
            ".macro LCL_BYTE y, bias, multiplier, half, shift",
            "add \\y, \\bias, \\y, asr #3",
            "smmla \\y, \\y, \\multiplier, \\half",
            "asr.w \\y, \\y, \\shift",
            "usat \\y, #8, \\y",
            ".endm",
            "push {{r4-r11, lr}}",
            "sub sp, #52",
            "ldm r1!, {{r2-r8}}",
            "ldm r1, {{r9-r12, lr}}",
            "stm sp, {{r2-r12, lr}}",
            $($line,)*
            "add sp, #52",
            "pop {{r4-r11, pc}}",
            ".purgem LCL_BYTE",
        );
    };
}

define_outputs!(
    "lcl_infer_arm_toom_outputs_4",
    "2:",
    "ldm sp, {{r9-r12}}",
    "ldm r0!, {{r1-r8}}",
    "add lr, r2, r3",
    "sub r2, r2, r3",
    "add r3, r4, r5",
    "sub r4, r4, r5",
    "add r5, r6, r7",
    "sub r6, r6, r7",
    "mul lr, lr, r10",
    "mul r2, r2, r10",
    "mla r1, r1, r9, lr",
    "mla r8, r8, r9, r2",
    "add r7, r3, r5, lsl #3",
    "mls r1, r7, r11, r1",
    "add r7, r5, r3, lsl #1",
    "mls r3, r7, r12, lr",
    "add r7, r4, r6, lsl #1",
    "mls r5, r7, r12, r2",
    "add r7, r6, r4, lsl #3",
    "mls r8, r7, r11, r8",
    "ldrd r9, r10, [sp, #20]",
    "ldrd r11, r12, [sp, #28]",
    "ldrd lr, r7, [sp, #36]",
    "LCL_BYTE r1, r9, r10, r11, r12",
    "LCL_BYTE r5, r9, r10, r11, r12",
    "LCL_BYTE r3, r9, r10, r11, r12",
    "LCL_BYTE r8, r9, r10, r11, r12",
    "strb r1, [lr]",
    "strb r5, [lr, r7]",
    "strb r3, [lr, r7, lsl #1]",
    "add lr, lr, r7, lsl #1",
    "strb r8, [lr, r7]",
    "add lr, lr, r7, lsl #1",
    "ldr r1, [sp, #44]",
    "str lr, [sp, #36]",
    "cmp r0, r1",
    "bne 2b",
);

define_outputs!(
    "lcl_infer_arm_toom_outputs_6",
    "2:",
    "ldm sp, {{r9-r12, lr}}",
    "ldm r0!, {{r1-r8}}",
    "add r2, r2, r3",
    "sub r3, r2, r3, lsl #1",
    "add r4, r4, r5",
    "sub r5, r4, r5, lsl #1",
    "add r6, r6, r7",
    "sub r7, r6, r7, lsl #1",
    "mul r2, r2, r10",
    "mul r3, r3, r10",
    "mla r1, r1, r9, r2",
    "mla r8, r8, r9, r3",
    "add r9, r4, r6, lsl #5",
    "mls r1, r9, r11, r1",
    "add r9, r7, r5, lsl #5",
    "mls r8, r9, r11, r8",
    "add r9, r5, r7, lsl #3",
    "mls r9, r9, r12, r3",
    "add r10, r6, r4, lsl #3",
    "mls r10, r10, r12, r2",
    "add r4, r4, r6, lsl #1",
    "mls r4, r4, lr, r2",
    "add r5, r7, r5, lsl #1",
    "mls r5, r5, lr, r3",
    "ldrd r2, r3, [sp, #20]",
    "ldrd r6, r7, [sp, #28]",
    "ldrd r11, r12, [sp, #36]",
    "ldr lr, [sp, #44]",
    "LCL_BYTE r1, r2, r3, r6, r7",
    "LCL_BYTE r9, r2, r3, r6, r7",
    "LCL_BYTE r4, r2, r3, r6, r7",
    "LCL_BYTE r5, r2, r3, r6, r7",
    "LCL_BYTE r10, r2, r3, r6, r7",
    "LCL_BYTE r8, r2, r3, r6, r7",
    "strb r1, [r11]",
    "strb r9, [r11, r12]",
    "strb r4, [r11, r12, lsl #1]",
    "add r11, r11, r12, lsl #1",
    "strb r5, [r11, r12]",
    "strb r10, [r11, r12, lsl #1]",
    "add r11, r11, r12, lsl #1",
    "strb r8, [r11, r12]",
    "add r11, r11, r12, lsl #1",
    "str r11, [sp, #36]",
    "cmp r0, lr",
    "bne 2b",
);
