//! The poolings and the maximum of rows against the reference.

use lcl_infer::kernels::{Kernels, PoolStep};
use lcl_infer::shape::pooled_side;
use lcl_infer::{ImageSize, PoolOrder, reference};

use crate::conv::{compare, unbreached};
use crate::draw::Values;
use crate::memory::{Memory, OUT_LEN};
use crate::mismatch::{Fault, Operation, Shape};
use crate::random::Random;

/// Channels around which kernels go over to another loop.
const FAVOURITES: [usize; 16] = [1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 64, 65, 96, 127];

/// A map and how it is pooled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolCase {
    pub(crate) order: PoolOrder,
    pub(crate) size: ImageSize,
    pub(crate) channels: usize,
    pub(crate) values: Values,
}

impl PoolCase {
    /// Draws a case that the suite has room for.
    pub(crate) fn draw(random: &mut Random, order: PoolOrder) -> Self {
        let values = [Values::Any, Values::Any, Values::Tiny, Values::Largest, Values::Extreme];
        let values = random.pick(&values).unwrap_or(Values::Any);
        loop {
            let width = random.count(24, &[1, 2, 3, 4, 5]);
            let height = random.count(8, &[1, 2, 3, 4, 5]);
            let channels = random.count(48, &FAVOURITES);
            let size = ImageSize { width, height };
            // Half of what there is room for: kernels under emulation are slow.
            if 2 * width * height * channels <= OUT_LEN {
                return Self { order, size, channels, values };
            }
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        Shape::Pool { order: self.order, size: self.size, channels: self.channels }
    }
}

/// Returns the operation that pools in this order.
pub(crate) const fn operation(order: PoolOrder) -> Operation {
    match order {
        PoolOrder::MaxBlur => Operation::MaxBlurRow,
        PoolOrder::BlurMax => Operation::BlurMaxRow,
        PoolOrder::Max => Operation::MaxRow,
    }
}

/// Pools a map row by row, and returns the number of bytes compared.
pub(crate) fn check(
    kernels: &Kernels,
    memory: &mut Memory,
    case: &PoolCase,
    random: &mut Random,
) -> Result<usize, Fault> {
    let PoolCase { order, size, channels, values } = *case;
    let row_len = size.width * channels;
    let out_row_len = pooled_side(size.width) * channels;
    let out_len = out_row_len * pooled_side(size.height);
    let input = memory.input.get_mut(..row_len * size.height).ok_or(Fault::Refused)?;
    values.fill(random, input);
    let expected = memory.expected.get_mut(..out_len).ok_or(Fault::Refused)?;
    reference::pool_ref(order, size, channels, input, expected);

    let (partial, behind) =
        memory.partial.split_at_mut_checked(out_row_len).ok_or(Fault::Refused)?;
    partial.fill(0);
    behind.fill(RUBBISH);
    // Zeros, as the layer has them outside of the map, then the row in work.
    let (outside, work) = memory.padded.split_at_mut_checked(row_len).ok_or(Fault::Refused)?;
    outside.fill(0);
    let row = |y: usize| match input.get(y.wrapping_mul(row_len)..) {
        Some(rest) if y < size.height => rest.get(..row_len).unwrap_or_default(),
        _ => &*outside,
    };
    for y in 0..size.height {
        let offset = random.below(16);
        let out = memory.out.part(offset, out_row_len).ok_or(Fault::Refused)?;
        let completes = y % 2 == 1;
        let done = expected.chunks_exact(out_row_len).nth(y / 2).unwrap_or_default();
        for (out, &expected) in out.iter_mut().zip(done) {
            *out = !expected;
        }
        let step = if completes { PoolStep::Edge(out) } else { PoolStep::Middle };
        let window = [row(y.wrapping_sub(1)), row(y), row(y + 1)];
        match order {
            PoolOrder::MaxBlur => {
                let work = work.get_mut(offset..offset + row_len).ok_or(Fault::Refused)?;
                for (index, value) in work.iter_mut().enumerate() {
                    let column = window.map(|row| row.get(index).copied().unwrap_or_default());
                    *value = column.into_iter().fold(0, u8::max);
                }
                (kernels.pool.max_blur_row)(work, channels, partial, step);
            }
            PoolOrder::BlurMax => (kernels.pool.blur_max_row)(window, channels, partial, step),
            PoolOrder::Max => (kernels.pool.max_row)(row(y), channels, partial, step),
        }
        unbreached(&memory.out, offset, out_row_len)?;
        if completes {
            compare(done, memory.out.written(offset, out_row_len), y / 2, channels)?;
        }
    }
    if size.height % 2 == 1 {
        // The last window has no row below its middle: it is what is left.
        let rows = expected.chunks_exact(out_row_len);
        let y = size.height / 2;
        for (index, (&expected, &partial)) in rows.skip(y).flatten().zip(partial.iter()).enumerate()
        {
            let value = if order == PoolOrder::MaxBlur { (partial + 8) >> 4 } else { partial };
            let got = u8::try_from(value).unwrap_or(!expected);
            if got != expected {
                let (x, c) = (index / channels, index % channels);
                return Err(Fault::Value { y, x, c, expected, got });
            }
        }
    }
    unspoilt(behind, out_row_len)?;
    Ok(out_len)
}

/// What lies behind the partial results.
const RUBBISH: u16 = 0xa5a5;

/// Calls a pooling with slices that do not fit each other: it may write
/// anything, but nowhere else.
pub(crate) fn misuse(
    kernels: &Kernels,
    memory: &mut Memory,
    order: PoolOrder,
    random: &mut Random,
) -> Result<(), Fault> {
    const LONGEST: usize = 300;
    Values::Any.fill(random, memory.input.get_mut(..LONGEST).ok_or(Fault::Refused)?);
    let lens: [usize; 3] = core::array::from_fn(|_| random.below(LONGEST));
    let [above, row, below] = lens.map(|len| memory.input.get(..len).unwrap_or_default());
    let [partial_len, out_len] = [random.below(LONGEST), random.below(LONGEST)];
    let channels = random.below(70);
    for completes in [false, true] {
        let (partial, behind) =
            memory.partial.split_at_mut_checked(partial_len).ok_or(Fault::Refused)?;
        partial.fill(0);
        behind.fill(RUBBISH);
        let out = memory.out.part(3, out_len).ok_or(Fault::Refused)?;
        let step = if completes { PoolStep::Edge(out) } else { PoolStep::Middle };
        match order {
            PoolOrder::MaxBlur => (kernels.pool.max_blur_row)(row, channels, partial, step),
            PoolOrder::BlurMax => {
                (kernels.pool.blur_max_row)([above, row, below], channels, partial, step);
            }
            PoolOrder::Max => (kernels.pool.max_row)(row, channels, partial, step),
        }
        unbreached(&memory.out, 3, if completes { out_len } else { 0 })?;
        unspoilt(behind, partial_len)?;
    }
    Ok(())
}

/// Returns an error where something behind `len` partial results was written
/// to.
fn unspoilt(behind: &[u16], len: usize) -> Result<(), Fault> {
    match behind.iter().position(|&value| value != RUBBISH) {
        Some(index) => {
            let offset = isize::try_from(2 * (len + index)).unwrap_or(isize::MAX);
            Err(Fault::OutOfBounds { offset })
        }
        None => Ok(()),
    }
}

/// Compares `max_rows`, and returns the number of bytes compared: none where the
/// lengths differ, which leaves open what is written.
pub(crate) fn check_max_rows(
    kernels: &Kernels,
    memory: &mut Memory,
    [row_len, other_len]: [usize; 2],
    random: &mut Random,
) -> Result<usize, Fault> {
    let [offset, other_offset] = [random.below(16), random.below(16)];
    let input = memory.input.get_mut(..row_len).ok_or(Fault::Refused)?;
    Values::Any.fill(random, input);
    let other = memory.padded.get_mut(other_offset..).and_then(|rest| rest.get_mut(..other_len));
    let other = other.ok_or(Fault::Refused)?;
    Values::Any.fill(random, other);
    let row = memory.out.part(offset, row_len).ok_or(Fault::Refused)?;
    row.copy_from_slice(input);
    (kernels.pool.max_rows)(row, other);
    unbreached(&memory.out, offset, row_len)?;
    if row_len != other_len {
        return Ok(0);
    }
    let got = memory.out.written(offset, row_len);
    for (x, ((&value, &other), &got)) in input.iter().zip(&*other).zip(got).enumerate() {
        let expected = value.max(other);
        if expected != got {
            return Err(Fault::Value { y: 0, x, c: 0, expected, got });
        }
    }
    Ok(row_len)
}
