//! Kernels for Cortex-M, whose inner loop is assembly: compilers run out of
//! registers where all fourteen are needed.
//!
//! `r0` points to the column, `r1` to the weights, `r4` to `r7` and `r8` to
//! `r11` are the accumulators of either channel of a pair, and `r2`, `r3`,
//! `r12` and `lr` are free for a quad of taps.
#![allow(unsafe_code)]

use core::ops::Range;

use crate::kernels::tiled::{Accumulators, Weights};
use crate::packing::{QUAD_LEN, TAP_BLOCK, TAP_QUAD};

#[cfg(lcl_kernels = "arm-dsp")]
pub(super) mod dsp;
#[cfg(lcl_kernels = "arm-dsp")]
mod sums;
#[cfg(lcl_kernels = "arm-dsp")]
pub(super) mod toom;
#[cfg(lcl_kernels = "armv7-m")]
pub(super) mod v7m;

/// Quads that the assembly takes at a time.
const BLOCK: usize = 4;

const _: () = assert!(BLOCK * TAP_QUAD == TAP_BLOCK);

/// What the assembly needs beyond three pointers.
#[repr(C)]
struct Job<Q> {
    column_end: *const Q,
    pairs_end: *const Accumulators,
    column: *const Q,
    /// From the end of the first pair's weights to the start of the second's.
    to_second_pair: usize,
    /// From the end of the second pair's weights to the next group's.
    to_next_group: usize,
    /// Not zero where the number of blocks is odd.
    half_block: usize,
}

/// Adds the products of a column with the weights of pairs of channels.
///
/// # Safety
///
/// The column has a positive number of whole blocks, and there is a positive
/// number of whole groups of two pairs. Each group has as many quads of weights
/// as the column, and those of the first group start at `weights`, aligned to
/// 4 bytes, the others where the job says.
type Dot<Q> = unsafe extern "C" fn(
    column: *const Q,
    weights: *const i8,
    pairs: *mut Accumulators,
    job: *const Job<Q>,
);

/// Calls the assembly where what it reads and writes is there, and does nothing
/// where not.
fn dot<Q>(assembly: Dot<Q>, column: &[Q], weights: Weights<'_>, pairs: &mut [Accumulators]) {
    let Weights { packed, group_len } = weights;
    let (groups, quads) = (pairs.len() / 2, column.len());
    let readable = groups.saturating_sub(1) * group_len + quads * QUAD_LEN;
    let whole = quads % BLOCK == 0 && pairs.len() % 2 == 0 && group_len % QUAD_LEN == 0;
    if groups == 0 || quads == 0 || packed.len() < readable || !whole {
        return;
    }
    let Range { start: column, end: column_end } = column.as_ptr_range();
    let Range { start: pairs, end: pairs_end } = pairs.as_mut_ptr_range();
    let job = Job {
        column_end,
        pairs_end,
        column,
        to_second_pair: (QUAD_LEN / 2).wrapping_sub(quads * QUAD_LEN),
        to_next_group: group_len.wrapping_sub(QUAD_LEN / 2 + quads * QUAD_LEN),
        half_block: quads % (2 * BLOCK),
    };
    // SAFETY: the numbers of blocks and groups and the length of the weights
    // were checked; packed weights start at a multiple of 16 bytes in every
    // part of a column.
    unsafe { assembly(column, packed.as_ptr(), pairs, &raw const job) }
}

/// Defines a [`Dot`] by its name and the macros `LCL_QUAD n`, which takes the quad `n` behind the pointers, and
/// `LCL_FIRST_QUAD n`, which takes the quad at the pointers and moves them by
/// `n` quads; both may use further macros, which are named so that none is left.
macro_rules! define_dot {
    ($name:literal, [$($helper:literal),*], $($macros:literal,)*) => {
        core::arch::global_asm!(
            concat!(".pushsection .text.", $name, ", \"ax\", %progbits"),
            ".syntax unified",
            $($macros,)*
            concat!(".global ", $name, "_", env!("LCL_INFER_BUILD")),
            concat!(".type ", $name, "_", env!("LCL_INFER_BUILD"), ", %function"),
            ".thumb_func",
            ".p2align 2",
            concat!($name, "_", env!("LCL_INFER_BUILD"), ":"),
            "push {{r4-r11, lr}}",
            // Next pair, and the job: column's end, pairs' end, column, step,
            // other step, half block.
            "sub sp, #28",
            "ldm r3, {{r4-r9}}",
            "mov r3, sp",
            "stm r3, {{r2, r4-r9}}",
            "1:",
            "ldr r12, [sp, #24]",
            "ldm r2, {{r4-r11}}",
            "cmp r12, #0",
            "beq 2f",
            "LCL_QUAD 1",
            "LCL_QUAD 2",
            "LCL_QUAD 3",
            "LCL_FIRST_QUAD 4",
            "ldr r12, [sp, #4]",
            "cmp r0, r12",
            "beq 3f",
            "2:",
            "LCL_QUAD 1",
            "LCL_QUAD 2",
            "LCL_QUAD 3",
            "LCL_QUAD 4",
            "LCL_QUAD 5",
            "LCL_QUAD 6",
            "LCL_QUAD 7",
            "LCL_FIRST_QUAD 8",
            "ldr r12, [sp, #4]",
            "cmp r0, r12",
            "bne 2b",
            "3:",
            "ldr r2, [sp]",
            "stm r2!, {{r4-r11}}",
            "ldrd r3, r0, [sp, #8]",
            "ldrd r4, r5, [sp, #16]",
            "add r1, r4",
            "strd r5, r4, [sp, #16]",
            "str r2, [sp]",
            "cmp r2, r3",
            "bne 1b",
            "add sp, #28",
            "pop {{r4-r11, pc}}",
            concat!(".set LCL_START, ", $name, "_", env!("LCL_INFER_BUILD")),
            concat!(".size ", $name, "_", env!("LCL_INFER_BUILD"), ", . - LCL_START"),
            ".purgem LCL_QUAD",
            ".purgem LCL_FIRST_QUAD",
            $(concat!(".purgem ", $helper),)*
            ".popsection",
        );
    };
}

use define_dot;
