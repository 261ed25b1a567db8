//! A retina against the reference.

use lcl_infer::kernels::{Kernels, RetinaRows};
use lcl_infer::shape::{MAX_MEAN_SHIFT, Retina, RetinaOutput};
use lcl_infer::{ImageSize, reference};

use crate::conv::{compare, unbreached};
use crate::draw::Values;
use crate::memory::{Memory, OUT_LEN};
use crate::mismatch::{Fault, Shape};
use crate::random::Random;

/// Most pixels of a case: the reference is slow.
const MAX_PIXELS: usize = 120;

/// A retina and its map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetinaCase {
    pub(crate) retina: Retina,
    pub(crate) size: ImageSize,
    pub(crate) channels: usize,
    pub(crate) values: Values,
}

/// Draws a retina.
pub(crate) fn draw(random: &mut Random) -> Option<Retina> {
    let output = random.pick(&RetinaOutput::ALL)?;
    let shift = 1 + random.byte() % MAX_MEAN_SHIFT;
    let any = |random: &mut Random| u16::from_le_bytes([random.byte(), random.byte()]).max(1);
    let (some, other) = (any(random), any(random));
    let gain = random.pick(&[1, 64, 128, 255, 400, u16::MAX, some])?;
    let offset = random.pick(&[1, 256, 512, 4000, u16::MAX, other])?;
    Retina::new(output, shift, gain, offset)
}

impl RetinaCase {
    /// Draws a case that the suite has room for.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let values = [Values::Any, Values::Any, Values::Tiny, Values::Largest, Values::Extreme];
        let values = random.pick(&values).unwrap_or(Values::Any);
        loop {
            let Some(retina) = draw(random) else { continue };
            let size = ImageSize { width: 1 + random.below(30), height: 1 + random.below(9) };
            let case = Self { retina, size, channels: random.count(6, &[1, 3]), values };
            if case.has_room() {
                return case;
            }
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        Shape::Retina { retina: self.retina, size: self.size, channels: self.channels }
    }

    fn has_room(&self) -> bool {
        let pixels = self.size.width * self.size.height;
        pixels <= MAX_PIXELS && 2 * pixels * self.channels <= OUT_LEN
    }
}

/// Runs a map row by row, and returns the number of bytes compared.
pub(crate) fn check(
    kernels: &Kernels,
    memory: &mut Memory,
    case: &RetinaCase,
    random: &mut Random,
) -> Result<usize, Fault> {
    let RetinaCase { retina, size, channels, values } = *case;
    if !case.has_room() {
        return Err(Fault::Refused);
    }
    let row_len = size.width * channels;
    let input = memory.input.get_mut(..row_len * size.height).ok_or(Fault::Refused)?;
    values.fill(random, input);
    let input = &*input;
    let (out_c, out_len) = (retina.out_c(channels), size.width * retina.out_c(channels));
    let expected = memory.expected.get_mut(..out_len * size.height).ok_or(Fault::Refused)?;
    reference::retina_ref(&retina, size, channels, input, expected);

    let state = memory.partial.get_mut(..2 * row_len).ok_or(Fault::Refused)?;
    let (down, along) = state.split_at_mut(row_len);
    let first = input.get(..row_len).ok_or(Fault::Refused)?;
    for (down, &byte) in down.iter_mut().zip(first) {
        *down = u16::from(byte) << 8;
    }
    let rows = input.chunks_exact(row_len).zip(expected.chunks_exact(out_len));
    for (y, (row, expected)) in rows.enumerate() {
        let offset = random.below(16);
        let out = memory.out.part(offset, out_len).ok_or(Fault::Refused)?;
        for (out, &expected) in out.iter_mut().zip(expected) {
            *out = !expected;
        }
        let rows = RetinaRows { row, down: &mut *down, along: &mut *along };
        (kernels.retina.retina_row)(&retina, channels, rows, out);
        unbreached(&memory.out, offset, out_len)?;
        compare(expected, memory.out.written(offset, out_len), y, out_c)?;
    }
    // Slices that do not fit each other: it may write anything, but nowhere else.
    for _ in 0..2 {
        let any = random.below(99);
        let channels = random.pick(&[0, channels, any, usize::MAX]).unwrap_or(1);
        let len = random.below(out_len + 2);
        let out = memory.out.part(1, len).ok_or(Fault::Refused)?;
        let (row, down_len) = (random.below(row_len + 1), random.below(row_len + 1));
        let rows = RetinaRows {
            row: input.get(..row).unwrap_or_default(),
            down: down.get_mut(..down_len).unwrap_or_default(),
            along: &mut *along,
        };
        (kernels.retina.retina_row)(&retina, channels, rows, out);
        unbreached(&memory.out, 1, len)?;
    }
    Ok(out_len * size.height)
}
