//! A colour-opponent retina against the reference.

use lcl_infer::kernels::{Contrasts, Kernels, RowWindow};
use lcl_infer::shape::{Border, MAX_OPPONENT_GAIN, Opponent, reflect};
use lcl_infer::{ConvGeometry, ImageSize, reference};

use crate::conv::{ConvCase, compare, pad_rows, unbreached};
use crate::draw::{Style, Values};
use crate::memory::Memory;
use crate::mismatch::{Fault, Shape};
use crate::random::Random;

/// Most pixels of a case: the reference is slow.
const MAX_PIXELS: usize = 120;

/// Most pixels of a row.
const MAX_WIDTH: usize = 40;

/// A colour-opponent retina and the size of its map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpponentCase {
    pub(crate) retina: Opponent,
    pub(crate) size: ImageSize,
    pub(crate) values: Values,
}

/// Draws a retina.
pub(crate) fn draw(random: &mut Random) -> Option<Opponent> {
    let any = u16::from_le_bytes([random.byte(), random.byte()]).max(1);
    let gain = random.pick(&[1, 63, 64, 128, MAX_OPPONENT_GAIN])?;
    Opponent::new(gain, random.pick(&[1, 256, u16::MAX, any])?)
}

impl OpponentCase {
    /// Draws a case that the suite has room for.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let values = [Values::Any, Values::Any, Values::Tiny, Values::Largest, Values::Extreme];
        let values = random.pick(&values).unwrap_or(Values::Any);
        loop {
            let Some(retina) = draw(random) else { continue };
            let size = ImageSize { width: 3 + random.below(20), height: 3 + random.below(6) };
            let case = Self { retina, size, values };
            if case.has_room() {
                return case;
            }
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        Shape::Opponent { retina: self.retina, size: self.size }
    }

    fn has_room(&self) -> bool {
        self.size.width <= MAX_WIDTH && self.size.width * self.size.height <= MAX_PIXELS
    }
}

/// Runs a map row by row, and returns the number of bytes compared.
pub(crate) fn check(
    kernels: &Kernels,
    memory: &mut Memory,
    case: &OpponentCase,
    random: &mut Random,
) -> Result<usize, Fault> {
    let OpponentCase { retina, size, values } = *case;
    let conv = ConvGeometry::new(3, 1, 5, 1, 2).ok_or(Fault::Refused)?;
    let [style, ..] = Style::EDGES;
    let as_conv = ConvCase { conv: conv.with_border(Border::Reflect), size, style };
    if !case.has_room() || !as_conv.has_room() {
        return Err(Fault::Refused);
    }
    let input = memory.input.get_mut(..3 * size.width * size.height).ok_or(Fault::Refused)?;
    values.fill(random, input);
    let (out_len, row_len) = (6 * size.width, as_conv.row_len());
    let expected = memory.expected.get_mut(..out_len * size.height).ok_or(Fault::Refused)?;
    reference::opponent_ref(&retina, size, input, expected);
    let padded = memory.padded.get_mut(..row_len * (size.height + 1)).ok_or(Fault::Refused)?;
    pad_rows(&as_conv, input, padded);
    let padded = &*padded;
    let mut contrasts = [[Contrasts::default(); MAX_WIDTH]; 3];
    for (y, expected) in expected.chunks_exact(out_len).enumerate() {
        for (row, contrasts) in contrasts.iter_mut().enumerate() {
            let middle = reflect(y + row, 1, size.height);
            let window = RowWindow::new((0..5).map(|ky| {
                let y = reflect(middle + ky, 2, size.height);
                padded.get(y * row_len..(y + 1) * row_len).unwrap_or_default()
            }));
            contrasts.fill([random.byte().into(); 4]);
            let contrasts = contrasts.get_mut(..size.width).ok_or(Fault::Refused)?;
            (kernels.opponent.contrasts_row)(&window, contrasts);
        }
        let rows = contrasts.each_ref().map(|row| row.get(..size.width).unwrap_or_default());
        let offset = random.below(16);
        let out = memory.out.part(offset, out_len).ok_or(Fault::Refused)?;
        for (out, &expected) in out.iter_mut().zip(expected) {
            *out = !expected;
        }
        (kernels.opponent.divide_row)(&retina, rows, out);
        unbreached(&memory.out, offset, out_len)?;
        compare(expected, memory.out.written(offset, out_len), y, 6)?;
    }
    // Slices that do not fit each other: it may write anything, but nowhere else.
    for _ in 0..2 {
        let window = RowWindow::new(padded.chunks(1 + random.below(row_len)).take(random.below(7)));
        let [first, ..] = &mut contrasts;
        let width = random.below(MAX_WIDTH);
        (kernels.opponent.contrasts_row)(&window, first.get_mut(..width).unwrap_or_default());
        let rows = contrasts.each_ref().map(|row| row.get(..random.below(9)).unwrap_or_default());
        let len = random.below(out_len + 2);
        let out = memory.out.part(1, len).ok_or(Fault::Refused)?;
        (kernels.opponent.divide_row)(&retina, rows, out);
        unbreached(&memory.out, 1, len)?;
    }
    Ok(out_len * size.height)
}
