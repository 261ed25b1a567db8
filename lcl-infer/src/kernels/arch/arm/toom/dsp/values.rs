//! Rows to the points 0, ±1, ±2, ±½ and infinity: two channels at a time, as
//! lanes of 16 bits.

use crate::kernels::arch::arm::toom::define;
use crate::kernels::toom::{Group, MAX_POINTS, Pair};

/// What the assembly needs beyond two pointers; lengths are bytes.
#[derive(Clone, Copy)]
#[repr(C)]
struct Job {
    /// Once, three, five and seven times what a step of the row takes.
    steps: [usize; 4],
    /// Once, three, five and seven times what the data of a point takes.
    points: [usize; 4],
    /// From a tile to the next in the row.
    tile_step: usize,
    /// What a pair of all tiles takes in the data.
    pair_len: usize,
    /// Tiles that are transformed.
    tiles: usize,
    /// Groups of four values of a step.
    quads: usize,
}

/// Bytes that a tile at the end of a row is copied to, where it reads beyond the
/// row.
const TAIL_LEN: usize = MAX_POINTS * 64;

/// The transform of what a group of tiles reads.
pub(super) struct Rows {
    job: Job,
    /// Bytes of a row that a tile reads.
    reach: usize,
    /// Pairs of data from the first of a row to the last of it.
    data_len: usize,
}

impl Rows {
    /// Prepares a transform, or returns nothing where there is no code for it.
    pub(super) fn new(group: Group) -> Option<Self> {
        let Group { geometry, tiles } = group;
        let (transform, step) = (geometry.transform(), geometry.step_len());
        let (point_pairs, row_pairs) = (geometry.pairs() * tiles, geometry.pairs_per_row() * tiles);
        let reach = MAX_POINTS * step;
        if transform.points() != MAX_POINTS || step % 4 != 0 || reach > TAIL_LEN {
            return None;
        }
        let bytes = |factor| factor * point_pairs * size_of::<Pair>();
        let job = Job {
            steps: [1, 3, 5, 7].map(|factor| factor * step),
            points: [1, 3, 5, 7].map(bytes),
            tile_step: transform.outputs() * step,
            pair_len: tiles * size_of::<Pair>(),
            tiles,
            quads: step / 4,
        };
        let data_len = (MAX_POINTS - 1) * point_pairs + row_pairs;
        Some(Self { job, reach, data_len })
    }

    /// Transforms a row: `row` starts with the first tile's first value, `data`
    /// at point 0 with the row's first pair.
    pub(super) fn run(&self, row: &[u8], data: &mut [Pair]) {
        let Self { job, reach, data_len } = *self;
        if data.len() < data_len {
            return;
        }
        let (mut whole, mut end) = (0, reach);
        while whole < job.tiles && end <= row.len() {
            whole += 1;
            end += job.tile_step;
        }
        if whole > 0 {
            let job = Job { tiles: whole, ..job };
            // SAFETY: a tile reads the `reach` bytes from its first on, which
            // were checked to be there for each of `whole`; it writes the pairs
            // of a row at each of eight points, which were checked too. There is
            // at least one tile and, since a step is a multiple of four and not
            // 0, one quad.
            unsafe { lcl_infer_arm_toom_rows(row.as_ptr(), data.as_mut_ptr(), &job) }
        }
        for tile in whole..job.tiles {
            let mut tail = [0; TAIL_LEN];
            let rest = row.get(tile * job.tile_step..).unwrap_or_default();
            for (value, &byte) in tail.iter_mut().zip(rest) {
                *value = byte;
            }
            let job = Job { tiles: 1, ..job };
            // SAFETY: a tile reads at most as many bytes as the tail has; of the
            // pairs above, those of this tile are written.
            unsafe {
                lcl_infer_arm_toom_rows(tail.as_ptr(), data.as_mut_ptr().wrapping_add(tile), &job);
            }
        }
    }
}

unsafe extern "C" {
    #[link_name = concat!("lcl_infer_arm_toom_rows_", env!("LCL_INFER_BUILD"))]
    fn lcl_infer_arm_toom_rows(row: *const u8, data: *mut Pair, job: *const Job);
}

define!(
    "lcl_infer_arm_toom_rows",
    ".cpu cortex-m33",
    // The values 0 and 2 of a quad of one tile, or 1 and 3, from `r0` to `lr`.
    // Lanes stay within 16 bits and, up to each subtraction, above zero.
    ".macro LCL_PAIR rotation:vararg",
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
    "push {{r4-r11, lr}}",
    "sub sp, #60",
    "ldm r2!, {{r3-r10}}",
    "stm sp, {{r3-r10}}",
    // A tile's step, a pair's length, where a quad starts in the row and in the
    // data, the last quad's end in the row, and the end of its tiles.
    "ldm r2, {{r3-r6}}",
    "mla r5, r5, r3, r0",
    "add r6, r0, r6, lsl #2",
    "strd r3, r4, [sp, #32]",
    "strd r0, r1, [sp, #40]",
    "strd r6, r5, [sp, #48]",
    "mov lr, r1",
    "2:",
    "LCL_PAIR",
    "ldr r1, [sp, #36]",
    "add lr, r1",
    "LCL_PAIR , ror #8",
    "ldrd r1, r2, [sp, #32]",
    "ldr r3, [sp, #52]",
    "add r0, r1",
    "sub lr, r2",
    "cmp r0, r3",
    "add lr, lr, #4",
    "bne 2b",
    "ldrd r0, lr, [sp, #40]",
    "ldr r4, [sp, #48]",
    "add r0, #4",
    "add lr, lr, r2, lsl #1",
    "add r3, #4",
    "strd r0, lr, [sp, #40]",
    "str r3, [sp, #52]",
    "cmp r0, r4",
    "bne 2b",
    "add sp, #60",
    "pop {{r4-r11, pc}}",
    ".purgem LCL_PAIR",
);
