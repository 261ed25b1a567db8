//! The products of all points for two channels and one to three tiles.
//!
//! `r0` points to the data, `r1` to the weights; the other twelve registers hold
//! sums, values and weights. Values and weights come by the most that one
//! instruction loads: of three tiles and two channels, three words of weights
//! last for one step and a half.

use super::{CHANNELS, define};
use crate::kernels::toom::{Group, Pair, Sums};

/// What the assembly needs beyond three pointers.
#[repr(C)]
struct Job {
    /// Bytes of data at one point.
    point_len: usize,
    data_end: *const Pair,
    /// Bytes of code that take what is left beside the periods.
    singles_len: usize,
    /// Bytes of code that take the periods of the first turn.
    first_len: usize,
}

type Assembly = unsafe extern "C" fn(*const Pair, *const Pair, *mut Sums, *const Job);

/// The assembly for a number of tiles, and how its code is laid out.
struct Code {
    assembly: Assembly,
    tiles: usize,
    /// Pairs that the first step takes.
    first: usize,
    /// Bytes of a step of one pair.
    single_len: usize,
    /// Pairs of a period.
    period: usize,
    /// Bytes of a period.
    period_len: usize,
    /// Periods of a turn.
    turn: usize,
}

const ONE: Code = Code {
    assembly: lcl_infer_arm_toom_products_1,
    tiles: 1,
    first: 1,
    single_len: 16,
    period: 3,
    period_len: 32,
    turn: 18,
};
const TWO: Code = Code {
    assembly: lcl_infer_arm_toom_products_2,
    tiles: 2,
    first: 2,
    single_len: 0,
    period: 2,
    period_len: 40,
    turn: 16,
};
const THREE: Code = Code {
    assembly: lcl_infer_arm_toom_products_3,
    tiles: 3,
    first: 1,
    single_len: 32,
    period: 3,
    period_len: 92,
    turn: 18,
};

/// The products of a group of tiles with the weights of a group of channels.
pub(super) struct Products<'a> {
    assembly: Assembly,
    data: &'a [Pair],
    job: Job,
    weights_len: usize,
    sums_len: usize,
}

impl<'a> Products<'a> {
    /// Prepares them for data, `[point][pair][tile]`, or returns nothing where
    /// there is no code for the shape.
    pub(super) fn new(group: Group, data: &'a [Pair]) -> Option<Self> {
        let code = match group.tiles {
            1 => &ONE,
            2 => &TWO,
            3 => &THREE,
            _ => return None,
        };
        let geometry = group.geometry;
        let data = data.get(..geometry.data_len(code.tiles))?;
        let rest = geometry.pairs().checked_sub(code.first)?;
        let (singles, periods) = (rest % code.period, rest / code.period);
        if singles > 0 && code.single_len == 0 {
            return None;
        }
        let first = match periods % code.turn {
            0 if periods > 0 => code.turn,
            first => first,
        };
        let job = Job {
            point_len: geometry.pairs() * code.tiles * size_of::<Pair>(),
            data_end: data.as_ptr_range().end,
            singles_len: singles * code.single_len,
            first_len: first * code.period_len,
        };
        let (weights_len, sums_len) = (geometry.group_len(), CHANNELS * code.tiles);
        Some(Self { assembly: code.assembly, data, job, weights_len, sums_len })
    }

    /// Writes the sums, `[channel][tile]`, of weights `[point][pair][channel]`.
    #[inline]
    pub(super) fn run(&self, weights: &[Pair], sums: &mut [Sums]) {
        if weights.len() < self.weights_len || sums.len() < self.sums_len {
            return;
        }
        let (data, weights) = (self.data.as_ptr(), weights.as_ptr());
        // SAFETY: for each of as many points as a tile has sums, at least one,
        // the assembly reads the pairs of data for each tile and of weights for
        // each channel and writes one sum for each of both, all of which were
        // checked to be there; singles and periods add up to the pairs, and the
        // lengths of code are those of the macros below. The words are aligned,
        // as pairs at the start of scratch and of a group of weights.
        unsafe { (self.assembly)(data, weights, sums.as_mut_ptr(), &self.job) }
    }
}

unsafe extern "C" {
    #[link_name = concat!("lcl_infer_arm_toom_products_1_", env!("LCL_INFER_BUILD"))]
    fn lcl_infer_arm_toom_products_1(_: *const Pair, _: *const Pair, _: *mut Sums, _: *const Job);
    #[link_name = concat!("lcl_infer_arm_toom_products_2_", env!("LCL_INFER_BUILD"))]
    fn lcl_infer_arm_toom_products_2(_: *const Pair, _: *const Pair, _: *mut Sums, _: *const Job);
    #[link_name = concat!("lcl_infer_arm_toom_products_3_", env!("LCL_INFER_BUILD"))]
    fn lcl_infer_arm_toom_products_3(_: *const Pair, _: *const Pair, _: *mut Sums, _: *const Job);
}

/// Defines the assembly of a number of tiles by the macros `LCL_FIRST`, which
/// starts the sums, `LCL_SINGLE`, which adds one pair, `LCL_PERIOD`, and
/// `LCL_STORE`, which writes the sums from `r2` on.
macro_rules! define_products {
    ($name:literal, $singles:literal, $periods:literal, $($macros:literal,)*) => {
        define!(
            $name,
            $($macros,)*
            "push {{r4-r11, lr}}",
            // The point's end, the data's end, where sums go, a point's length,
            // and where the code for singles and periods is entered.
            "sub sp, #28",
            "ldm r3, {{r4-r7}}",
            "add r8, r0, r4",
            "strd r8, r5, [sp]",
            "strd r2, r4, [sp, #8]",
            "adr.w r9, 3f",
            "sub r9, r6",
            "orr r9, #1",
            "adr.w r10, 5f",
            "sub r10, r7",
            "orr r10, #1",
            "strd r9, r10, [sp, #16]",
            "2:",
            "LCL_FIRST",
            "ldr r5, [sp, #16]",
            "bx r5",
            concat!(".rept ", $singles),
            "LCL_SINGLE",
            ".endr",
            "3:",
            "ldr r5, [sp, #20]",
            "bx r5",
            "4:",
            concat!(".rept ", $periods),
            "LCL_PERIOD",
            ".endr",
            "5:",
            "ldr r5, [sp]",
            "cmp r0, r5",
            "bne 4b",
            "ldr r2, [sp, #8]",
            "LCL_STORE",
            "add r2, #4",
            "ldr r3, [sp, #4]",
            "ldr r4, [sp, #12]",
            "str r2, [sp, #8]",
            "cmp r5, r3",
            "add r5, r4",
            "str r5, [sp]",
            "bne 2b",
            "add sp, #28",
            "pop {{r4-r11, pc}}",
            ".purgem LCL_FIRST",
            ".purgem LCL_SINGLE",
            ".purgem LCL_PERIOD",
            ".purgem LCL_STORE",
        );
    };
}

define_products!(
    "lcl_infer_arm_toom_products_1",
    "2",
    "18",
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
