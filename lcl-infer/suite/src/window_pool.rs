//! Plain pools against the reference.

use lcl_infer::kernels::{Kernels, RowWindow, WindowPoolKernels};
use lcl_infer::shape::{MAX_KERNEL, MAX_STRIDE, WindowOperation, WindowPool};
use lcl_infer::{ImageSize, reference};

use crate::conv::{compare, unbreached};
use crate::draw::Values;
use crate::memory::{INPUT_LEN, Memory, OUT_LEN};
use crate::mismatch::{Fault, Operation, Shape};
use crate::random::Random;

/// Channels around which kernels go over to another loop.
const FAVOURITES: [usize; 12] = [1, 2, 3, 4, 5, 8, 15, 16, 17, 32, 33, 64];

/// A map and how it is pooled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowPoolCase {
    pub(crate) pool: WindowPool,
    pub(crate) size: ImageSize,
    pub(crate) channels: usize,
    pub(crate) values: Values,
}

/// Draws a pool that the engine runs.
pub(crate) fn draw(random: &mut Random) -> Option<WindowPool> {
    let side = random.count(MAX_KERNEL, &[1, 2, 3, 5, 6]);
    let most = (side - 1) / 2;
    let [any_padding, any_stride] = [random.below(most + 1), 1 + random.below(MAX_STRIDE)];
    let padding = random.pick(&[0, most, any_padding])?;
    let stride = random.pick(&[1, 2, side.min(MAX_STRIDE), any_stride])?;
    WindowPool::new(random.pick(&WindowOperation::ALL)?, side, stride, padding)
}

impl WindowPoolCase {
    /// Draws a case that the suite has room for.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let values = [Values::Any, Values::Tiny, Values::Largest, Values::Extreme];
        let values = random.pick(&values).unwrap_or(Values::Any);
        loop {
            let Some(pool) = draw(random) else { continue };
            let channels = random.count(48, &FAVOURITES);
            let side = |random: &mut Random| pool.min_side() + random.below(9);
            let size = ImageSize { width: side(random), height: side(random) };
            let case = Self { pool, size, channels, values };
            if case.has_room() {
                return case;
            }
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        Shape::WindowPool { pool: self.pool, size: self.size, channels: self.channels }
    }

    pub(crate) fn operation(&self) -> Operation {
        match self.pool.operation() {
            WindowOperation::Max => Operation::WindowMaxRow,
            WindowOperation::Average => Operation::WindowAverageRow,
        }
    }

    fn row_len(&self) -> usize {
        (self.size.width + 2 * self.pool.padding()) * self.channels
    }

    fn out_row_len(&self) -> usize {
        self.pool.out_side(self.size.width) * self.channels
    }

    fn has_room(&self) -> bool {
        let rows = self.size.height + 2 * self.pool.padding();
        let out_len = self.out_row_len() * self.pool.out_side(self.size.height);
        // Windows are slow where they are large.
        let reads = out_len * self.pool.side() * self.pool.side();
        self.row_len() * rows <= INPUT_LEN && 2 * out_len <= OUT_LEN && reads <= 50_000
    }
}

/// Pools a map row by row, and returns the number of bytes compared.
pub(crate) fn check(
    kernels: &Kernels,
    memory: &mut Memory,
    case: &WindowPoolCase,
    random: &mut Random,
) -> Result<usize, Fault> {
    let WindowPoolCase { pool, size, channels, values } = *case;
    if !case.has_room() {
        return Err(Fault::Refused);
    }
    let input_len = size.width * size.height * channels;
    let input = memory.input.get_mut(..input_len).ok_or(Fault::Refused)?;
    values.fill(random, input);
    let (row_len, out_row_len) = (case.row_len(), case.out_row_len());
    let out_len = out_row_len * pool.out_side(size.height);
    let expected = memory.expected.get_mut(..out_len).ok_or(Fault::Refused)?;
    reference::window_pool_ref(&pool, size, channels, input, expected);

    let padded_len = row_len * (size.height + 2 * pool.padding());
    let padded = memory.padded.get_mut(..padded_len).ok_or(Fault::Refused)?;
    padded.fill(0);
    let rows = padded.chunks_exact_mut(row_len).skip(pool.padding());
    for (padded, row) in rows.zip(input.chunks_exact(size.width * channels)) {
        let start = pool.padding() * channels;
        padded.get_mut(start..start + row.len()).ok_or(Fault::Refused)?.copy_from_slice(row);
    }
    let padded = &*padded;
    for (y, expected) in expected.chunks_exact(out_row_len).enumerate() {
        let rows = padded.chunks_exact(row_len).skip(y * pool.stride()).take(pool.side());
        let window = RowWindow::new(rows);
        let offset = random.below(16);
        let out = memory.out.part(offset, out_row_len).ok_or(Fault::Refused)?;
        for (out, &expected) in out.iter_mut().zip(expected) {
            *out = !expected;
        }
        kernel(&kernels.window_pool, &pool)(&pool, &window, channels, out);
        unbreached(&memory.out, offset, out_row_len)?;
        compare(expected, memory.out.written(offset, out_row_len), y, channels)?;
    }
    // Slices that do not fit each other: it may write anything, but nowhere else.
    for _ in 0..2 {
        let window = RowWindow::new(padded.chunks(1 + random.below(row_len)).take(random.below(9)));
        let len = random.below(out_row_len + 2);
        let out = memory.out.part(1, len).ok_or(Fault::Refused)?;
        let any = random.below(99);
        let channels = random.pick(&[0, channels, any, usize::MAX]);
        kernel(&kernels.window_pool, &pool)(&pool, &window, channels.unwrap_or(1), out);
        unbreached(&memory.out, 1, len)?;
    }
    Ok(out_len)
}

/// Returns the kernel that pools so.
fn kernel(
    kernels: &WindowPoolKernels,
    pool: &WindowPool,
) -> fn(&WindowPool, &RowWindow<'_>, usize, &mut [u8]) {
    match pool.operation() {
        WindowOperation::Max => kernels.max_row,
        WindowOperation::Average => kernels.average_row,
    }
}
