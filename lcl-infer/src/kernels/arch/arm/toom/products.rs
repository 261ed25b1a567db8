//! The products of all points for two channels and one to three tiles.
//!
//! `r0` points to the data, `r1` to the weights; the other twelve registers hold
//! sums, values and weights.

use super::CHANNELS;
use crate::kernels::toom::row::{Group, Sums};
use crate::toom::Pair;

/// What the assembly needs beyond three pointers.
#[repr(C)]
pub(super) struct Job {
    /// Bytes of data at one point.
    point_len: usize,
    data_end: *const Pair,
    /// Bytes of code that take what is left beside the periods.
    singles_len: usize,
    /// Bytes of code that take the periods of the first turn.
    first_len: usize,
}

pub(super) type Assembly = unsafe extern "C" fn(*const Pair, *const Pair, *mut Sums, *const Job);

/// The assembly for a number of tiles, and how its code is laid out.
pub(super) struct Code {
    pub(super) assembly: Assembly,
    pub(super) tiles: usize,
    /// Pairs that the first step takes.
    pub(super) first: usize,
    /// Bytes of a step of one pair.
    pub(super) single_len: usize,
    /// Pairs of a period.
    pub(super) period: usize,
    /// Bytes of a period.
    pub(super) period_len: usize,
    /// Periods of a turn.
    pub(super) turn: usize,
}

/// The products of a group of tiles with the weights of a group of channels.
pub(super) struct Products<'a> {
    assembly: Assembly,
    data: &'a [Pair],
    job: Job,
    weights_len: usize,
    sums_len: usize,
}

impl<'a> Products<'a> {
    /// Prepares them for data, `[point][pair][tile]`, with a pair in one word or
    /// two, or returns nothing where there is no code for the shape.
    pub(super) fn new(codes: &[Code; 3], group: Group, data: &'a [Pair]) -> Option<Self> {
        let code = codes.iter().find(|code| code.tiles == group.tiles)?;
        let geometry = group.geometry;
        let data = data.get(..geometry.data_len(code.tiles))?;
        let rest = geometry.pairs().checked_sub(code.first)?;
        // Neither is 0, which the compiler does not see.
        let (period, turn) = (code.period.max(1), code.turn.max(1));
        let (singles, periods) = (rest % period, rest / period);
        if singles > 0 && code.single_len == 0 {
            return None;
        }
        let first = match periods % turn {
            0 if periods > 0 => turn,
            first => first,
        };
        let job = Job {
            point_len: data.len() / geometry.transform().points().max(1) * size_of::<Pair>(),
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
        unsafe { (self.assembly)(data, weights, sums.as_mut_ptr(), &raw const self.job) }
    }
}

/// Defines the assembly of a number of tiles by the macros `LCL_FIRST`, which
/// starts the sums, `LCL_SINGLE`, which adds one pair, `LCL_PERIOD`, and
/// `LCL_STORE`, which writes the sums from `r2` on, and by further macros, which
/// are named so that none is left.
macro_rules! define_products {
    ($name:literal, $singles:literal, $periods:literal, [$($helper:literal),*], $($macros:literal,)*) => {
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
            $(concat!(".purgem ", $helper),)*
        );
    };
}

pub(super) use define_products;
