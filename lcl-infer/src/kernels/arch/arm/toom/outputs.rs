//! Sums at the points 0, ±1, ±2, ±½ and infinity to bytes.

use super::CHANNELS;
use crate::kernels::toom::portable::finish_tile;
use crate::kernels::toom::row::{Group, Output, Sums};
use crate::parameters::{CHANNEL_WORDS, ChannelTable};
use crate::toom::{F4_5, F6_3, MAX_OUTPUTS, Transform};

/// What the assembly needs beyond three pointers.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Job {
    /// 90, 20, 1, 2 and 4 times the inverse of 45, modulo 2^32.
    factors: [i32; 5],
    /// Bytes from a pixel of the output to the next.
    pixel_len: usize,
    /// Bytes of the sums of one channel that are read.
    sums_len: usize,
    /// Bytes from there to the sums of the next channel.
    gap: usize,
    /// Bytes of the words of the channels.
    words_len: usize,
}

pub(super) type Assembly =
    unsafe extern "C" fn(sums: *const Sums, words: *const i32, out: *mut u8, job: *const Job);

/// Smallest shift for which the assembly requantises.
const MIN_SHIFT: u8 = 33;

/// How sums of a group of tiles become bytes.
pub(super) struct Outputs {
    group: Group,
    assembly: Option<Assembly>,
    factors: [i32; 5],
    /// Tiles that the output has whole.
    whole: usize,
    /// Pixels of the output that belong to the tile behind them.
    rest: usize,
}

impl Outputs {
    /// Prepares for an output of `out_len` bytes from the group's first on.
    pub(super) fn new(
        code: &Code,
        group: Group,
        channels: ChannelTable<'_>,
        out_len: usize,
    ) -> Self {
        let transform = group.geometry.transform();
        // None is 0, which the compiler does not see.
        let (out_c, outputs) = (group.geometry.conv().out_c().max(1), transform.outputs().max(1));
        let pixels = (out_len / out_c).min(group.tiles * outputs);
        let [[c90, c20, _, one, ..], ..] = *transform.folded();
        let one = one.wrapping_neg();
        let assembly = code.of(transform).filter(|_| channels.min_shift() >= MIN_SHIFT);
        Self {
            group,
            assembly,
            factors: [c90, c20, one, one.wrapping_mul(2), one.wrapping_mul(4)],
            whole: pixels / outputs,
            rest: pixels % outputs,
        }
    }

    /// Makes bytes of the sums, `[channel][tile]`.
    #[inline]
    pub(super) fn run(&mut self, sums: &[Sums], mut output: Output<'_>) {
        let Some(assembly) = self.assembly else {
            for tile in 0..self.group.tiles {
                finish_tile(self.group, sums, tile, &mut output);
            }
            return;
        };
        let out_c = self.group.geometry.conv().out_c();
        let there = output.words.len() >= output.channels * CHANNEL_WORDS
            && output.oc + output.channels <= out_c
            && sums.len() >= output.channels * self.group.tiles;
        let Some(out) = output.out.get_mut(output.oc..).filter(|_| there) else {
            return;
        };
        let job = |tiles, pixel_len| Job {
            factors: self.factors,
            pixel_len,
            sums_len: tiles * size_of::<Sums>(),
            gap: (self.group.tiles - tiles) * size_of::<Sums>(),
            words_len: output.channels * CHANNEL_WORDS * size_of::<i32>(),
        };
        let words = output.words.as_ptr();
        if self.whole > 0 {
            let job = job(self.whole, out_c);
            // SAFETY: there are as many channels of words and of sums as the job
            // says, at least one, and the output has all pixels of `whole` tiles,
            // at least one; of each of these one byte for each channel is
            // written, which is below `out_c`.
            unsafe { assembly(sums.as_ptr(), words, out.as_mut_ptr(), &raw const job) }
        }
        let Some(sums) = sums.get(self.whole..).filter(|_| self.rest > 0) else {
            return;
        };
        let mut pixels = [[0; CHANNELS]; MAX_OUTPUTS];
        let job = job(1, CHANNELS);
        // SAFETY: as above, for one tile, which `pixels` has whole.
        unsafe {
            assembly(sums.as_ptr(), words, pixels.as_flattened_mut().as_mut_ptr(), &raw const job);
        }
        let first = self.whole * self.group.geometry.transform().outputs();
        for (offset, pixel) in pixels.iter().enumerate().take(self.rest) {
            let start = (first + offset) * out_c;
            for (place, byte) in out.iter_mut().skip(start).zip(pixel).take(output.channels) {
                *place = *byte;
            }
        }
    }
}

/// The code of a machine.
pub(super) struct Code {
    /// For four outputs, of F(4,5).
    pub(super) four: Assembly,
    /// For six outputs, of F(6,3).
    pub(super) six: Assembly,
}

impl Code {
    fn of(&self, transform: &Transform) -> Option<Assembly> {
        if *transform == F4_5 {
            Some(self.four)
        } else if *transform == F6_3 {
            Some(self.six)
        } else {
            None
        }
    }
}

/// Defines an output transform of four or six outputs by the macro `LCL_UPPER y,
/// multiplier, half, free`, which returns the upper word of a product and a half.
macro_rules! define_outputs {
    ($name:literal, 4, [$($macros:literal),*]) => {
        $crate::kernels::arch::arm::toom::outputs::define_outputs!(@ $name, [$($macros),*],
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
            "LCL_BYTE r1, r9, r10, r11, r12, r2",
            "LCL_BYTE r5, r9, r10, r11, r12, r2",
            "LCL_BYTE r3, r9, r10, r11, r12, r2",
            "LCL_BYTE r8, r9, r10, r11, r12, r2",
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
    };
    ($name:literal, 6, [$($macros:literal),*]) => {
        $crate::kernels::arch::arm::toom::outputs::define_outputs!(@ $name, [$($macros),*],
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
            "LCL_BYTE r1, r2, r3, r6, r7, lr",
            "LCL_BYTE r9, r2, r3, r6, r7, lr",
            "LCL_BYTE r4, r2, r3, r6, r7, lr",
            "LCL_BYTE r5, r2, r3, r6, r7, lr",
            "LCL_BYTE r10, r2, r3, r6, r7, lr",
            "LCL_BYTE r8, r2, r3, r6, r7, lr",
            "strb r1, [r11]",
            "strb r9, [r11, r12]",
            "strb r4, [r11, r12, lsl #1]",
            "add r11, r11, r12, lsl #1",
            "strb r5, [r11, r12]",
            "strb r10, [r11, r12, lsl #1]",
            "add r11, r11, r12, lsl #1",
            "strb r8, [r11, r12]",
            "add r11, r11, r12, lsl #1",
            "ldr lr, [sp, #44]",
            "str r11, [sp, #36]",
            "cmp r0, lr",
            "bne 2b",
        );
    };
    (@ $name:literal, [$($macros:literal),*], $($line:literal,)*) => {
        define!(
            $name,
            $($macros,)*
            // `acc = bias + (8 · sum >> 3)` to a byte.
            ".macro LCL_BYTE y, bias, multiplier, half, shift, free",
            "add \\y, \\bias, \\y, asr #3",
            "LCL_UPPER \\y, \\multiplier, \\half, \\free",
            "asr.w \\y, \\y, \\shift",
            "usat \\y, #8, \\y",
            ".endm",
            "push {{r4-r11, lr}}",
            // Factors; bias, multiplier, half and shift; where the next byte
            // goes, the length of a pixel, the end of a channel's sums; the
            // channel's words and its first byte, the words' end; lengths.
            "sub sp, #68",
            "ldm r3, {{r4-r12}}",
            "stm sp, {{r4-r8}}",
            "add r12, r1",
            "str r9, [sp, #40]",
            "str r12, [sp, #56]",
            "strd r10, r11, [sp, #60]",
            "1:",
            "strd r1, r2, [sp, #48]",
            "ldm r1, {{r4-r6}}",
            "sub r6, #32",
            "movs r7, #1",
            "lsls r7, r6",
            "lsrs r7, r7, #1",
            "strd r4, r5, [sp, #20]",
            "strd r7, r6, [sp, #28]",
            "ldr r3, [sp, #60]",
            "str r2, [sp, #36]",
            "add r3, r0",
            "str r3, [sp, #44]",
            $($line,)*
            "ldrd r1, r2, [sp, #48]",
            "ldr r3, [sp, #56]",
            "ldr r4, [sp, #64]",
            "adds r1, #16",
            "adds r2, #1",
            "add r0, r4",
            "cmp r1, r3",
            "bne 1b",
            "add sp, #68",
            "pop {{r4-r11, pc}}",
            ".purgem LCL_BYTE",
            ".purgem LCL_UPPER",
        );
    };
}

pub(super) use define_outputs;
