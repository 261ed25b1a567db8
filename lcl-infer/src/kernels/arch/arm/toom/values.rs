//! Rows to the points 0, ±1, ±2, ±½ and infinity.

use crate::kernels::toom::row::Group;
use crate::toom::{MAX_POINTS, Pair};

/// What the assembly needs beyond two pointers; lengths are bytes.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Job {
    /// Once, three, five and seven times what a step of the row takes.
    steps: [usize; 4],
    /// Once, three, five and seven times what the data of a point takes.
    points: [usize; 4],
    /// From a tile to the next in the row.
    tile_step: usize,
    /// What a word of all tiles takes in the data.
    pair_len: usize,
    /// Tiles that are transformed.
    tiles: usize,
    /// Groups of four values of a step.
    quads: usize,
}

/// Bytes that a tile at the end of a row is copied to, where it reads beyond the
/// row.
const TAIL_LEN: usize = MAX_POINTS * 64;

pub(super) type Assembly = unsafe extern "C" fn(row: *const u8, data: *mut Pair, job: *const Job);

/// The code of a machine.
pub(super) struct Code {
    pub(super) assembly: Assembly,
    /// Words of data that a pair takes.
    pub(super) words: usize,
}

/// The transform of what a group of tiles reads.
pub(super) struct Rows {
    assembly: Assembly,
    job: Job,
    /// Bytes of a row that a tile reads.
    reach: usize,
    /// Pairs of data from the first of a row to the last of it.
    data_len: usize,
}

impl Rows {
    /// Prepares a transform, or returns nothing where there is no code for it.
    pub(super) fn new(code: &Code, group: Group) -> Option<Self> {
        let Group { geometry, tiles } = group;
        let (transform, step) = (geometry.transform(), geometry.step_len());
        let width = tiles * code.words;
        let (point_pairs, row_pairs) = (geometry.pairs() * width, geometry.pairs_per_row() * width);
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
        Some(Self { assembly: code.assembly, job, reach, data_len })
    }

    /// Transforms a row: `row` starts with the first tile's first value, `data`
    /// at point 0 with the row's first pair.
    pub(super) fn run(&self, row: &[u8], data: &mut [Pair]) {
        let Self { assembly, job, reach, data_len } = *self;
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
            unsafe { assembly(row.as_ptr(), data.as_mut_ptr(), &raw const job) }
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
            unsafe { assembly(tail.as_ptr(), data.as_mut_ptr().wrapping_add(tile), &raw const job) }
        }
    }
}

/// Defines the transform of a row: the macros and what is done for the four
/// values of a quad and one tile, from `r0` on to `lr` on; then how `lr` goes back
/// to the quad's first word by `r2`, the length of a word, and on to the next
/// quad's.
macro_rules! define_rows {
    ($name:literal, [$($macros:literal,)*], [$($quad:literal,)*], [$($back:literal),*], $next:literal) => {
        define!(
            $name,
            $($macros,)*
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
            $($quad,)*
            "ldrd r1, r2, [sp, #32]",
            "ldr r3, [sp, #52]",
            "add r0, r1",
            $($back,)*
            "cmp r0, r3",
            "add lr, lr, #4",
            "bne 2b",
            "ldrd r0, lr, [sp, #40]",
            "ldr r4, [sp, #48]",
            "add r0, #4",
            $next,
            "add r3, #4",
            "strd r0, lr, [sp, #40]",
            "str r3, [sp, #52]",
            "cmp r0, r4",
            "bne 2b",
            "add sp, #60",
            "pop {{r4-r11, pc}}",
            ".purgem LCL_VALUES",
        );
    };
}

pub(super) use define_rows;
