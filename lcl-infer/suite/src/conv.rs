//! `conv2d_row` against the reference.

use lcl_infer::kernels::{self, Kernels, RowWindow};
use lcl_infer::packing::pack_weights;
use lcl_infer::parameters::{CHANNEL_WORDS, Channel, ChannelTable, Conv2d};
use lcl_infer::shape::{Border, MAX_KERNEL, MAX_STRIDE, reflect};
use lcl_infer::{ConvGeometry, ImageSize, reference};

use crate::draw::{NO_CHANNEL, Style, fill_parameters};
use crate::memory::{CHANNELS_LEN, Guarded, INPUT_LEN, Memory, OUT_LEN};
use crate::mismatch::{Fault, Shape};
use crate::random::Random;

/// Most multiply-accumulates of a case that is drawn: the reference is slow.
const MAX_MACS: u64 = 100_000;

/// Channels around which kernels go over to another loop.
const FAVOURITES: [usize; 16] = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65];

/// A convolution and the size of its input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConvCase {
    pub(crate) conv: ConvGeometry,
    pub(crate) size: ImageSize,
    pub(crate) style: Style,
}

impl ConvCase {
    /// Draws a case that the suite has room and time for.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let style = Style::draw(random);
        loop {
            let kernel = 1 + random.below(MAX_KERNEL);
            let most = (kernel - 1) / 2;
            let any = random.below(most + 1);
            let padding = random.pick(&[0, most, most, any]).unwrap_or(most);
            let stride = 1 + random.below(MAX_STRIDE);
            let stride = random.pick(&[1, stride, stride.min(4)]).unwrap_or(stride);
            let in_c = random.count(24, &FAVOURITES);
            let out_c = random.count(40, &FAVOURITES);
            let Some(conv) = ConvGeometry::new(in_c, out_c, kernel, stride, padding) else {
                continue;
            };
            // The kernel sees no difference: a ring adds either border.
            let border = random.pick(&Border::ALL).unwrap_or_default();
            let conv = conv.with_border(border);
            let columns = random.count(6, &[1, 2, 3, 4, 5, 8, 9, 17]);
            let rows = random.count(3, &[1]);
            let side = |outputs: usize, random: &mut Random| {
                conv.min_side() + (outputs - 1) * stride + random.below(stride)
            };
            let size = ImageSize { width: side(columns, random), height: side(rows, random) };
            let case = Self { conv, size, style };
            if conv.macs(size) <= MAX_MACS && case.has_room() {
                return case;
            }
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        Shape::Conv { conv: self.conv, size: self.size, style: self.style }
    }

    pub(crate) fn has_room(&self) -> bool {
        let out_len = self.out_w() * self.out_h() * self.conv.out_c();
        Memory::holds(&self.conv)
            && self.row_len() * (self.size.height + 1) + MAX_OFFSET <= INPUT_LEN
            && out_len + MAX_OFFSET <= OUT_LEN
    }

    fn out_w(&self) -> usize {
        self.conv.out_side(self.size.width)
    }

    fn out_h(&self) -> usize {
        self.conv.out_side(self.size.height)
    }

    /// Bytes of a row of the input, with its borders.
    pub(crate) fn row_len(&self) -> usize {
        (self.size.width + 2 * self.conv.padding()) * self.conv.in_c()
    }
}

/// Rows and outputs start up to so many bytes past an aligned address.
pub(crate) const MAX_OFFSET: usize = 15;

/// Compares every row of a case, and returns the number of bytes compared.
pub(crate) fn check(
    kernels: &Kernels,
    memory: &mut Memory,
    case: &ConvCase,
    random: &mut Random,
) -> Result<usize, Fault> {
    let ConvCase { conv, size, style } = *case;
    if !case.has_room() {
        return Err(Fault::Refused);
    }
    let weights = memory.weights.get_mut(..conv.weights_len()).ok_or(Fault::Refused)?;
    let mut channels = [NO_CHANNEL; CHANNELS_LEN];
    let channels = channels.get_mut(..conv.out_c()).ok_or(Fault::Refused)?;
    fill_parameters(random, style, weights, channels);
    let input_len = size.width * size.height * conv.in_c();
    let input = memory.input.get_mut(..input_len).ok_or(Fault::Refused)?;
    style.values.fill(random, input);
    let out_len = case.out_w() * case.out_h() * conv.out_c();
    let expected = memory.expected.get_mut(..out_len).ok_or(Fault::Refused)?;

    let tables = Tables { packed: &mut *memory.packed, words: &mut *memory.words };
    let conv2d = tables.conv2d(conv, weights, channels).ok_or(Fault::Refused)?;
    reference::conv2d_ref(conv2d, size, input, expected);

    let offset = random.below(1 + MAX_OFFSET);
    // Behind the rows, one of zeros.
    let padded_len = case.row_len() * (size.height + 1);
    let padded = memory.padded.get_mut(offset..offset + padded_len).ok_or(Fault::Refused)?;
    pad_rows(case, input, padded);
    let padded = &*padded;

    let row_len = case.out_w() * conv.out_c();
    for (y, expected) in expected.chunks_exact(row_len).enumerate() {
        let rows = (0..conv.kernel()).map(|ky| {
            let padded_y = y * conv.stride() + ky;
            let y = match conv.border() {
                Border::Reflect => reflect(padded_y, conv.padding(), size.height),
                Border::Zero => padded_y.wrapping_sub(conv.padding()).min(size.height),
            };
            padded.get(y * case.row_len()..(y + 1) * case.row_len()).unwrap_or_default()
        });
        let window = RowWindow::new(rows);
        let offset = random.below(1 + MAX_OFFSET);
        let out = memory.out.part(offset, row_len).ok_or(Fault::Refused)?;
        // A byte that is not written then differs.
        for (out, &expected) in out.iter_mut().zip(expected) {
            *out = !expected;
        }
        let scratch_len = kernels::scratch_len(&conv);
        let scratch = memory.scratch.part(0, scratch_len).ok_or(Fault::Refused)?;
        scratch.fill(random.byte());
        (kernels.conv.conv2d_row)(&conv2d, &window, out, scratch);
        unbreached(&memory.out, offset, row_len)?;
        unbreached(&memory.scratch, 0, scratch_len)?;
        compare(expected, memory.out.written(offset, row_len), y, conv.out_c())?;
    }
    misuse(kernels, &conv2d, case, padded, (&mut memory.out, &mut memory.scratch), random)?;
    Ok(out_len)
}

/// Where the tables of a convolution are built.
pub(crate) struct Tables<'a> {
    pub(crate) packed: &'a mut [i8],
    pub(crate) words: &'a mut [i32],
}

impl<'a> Tables<'a> {
    /// Builds a convolution of weights, `[out_c, kernel, kernel, in_c]` (OHWI).
    pub(crate) fn conv2d(
        self,
        conv: ConvGeometry,
        weights: &[i8],
        channels: &[Channel],
    ) -> Option<Conv2d<'a>> {
        let packed = self.packed.get_mut(..conv.packed_len())?;
        pack_weights(conv, weights, packed);
        let words = self.words.get_mut(..CHANNEL_WORDS * conv.padded_out_c())?;
        for entry in words.chunks_exact_mut(CHANNEL_WORDS) {
            entry.copy_from_slice(&ChannelTable::PADDING);
        }
        let filters = weights.chunks_exact(conv.taps());
        let entries = words.chunks_exact_mut(CHANNEL_WORDS);
        for ((entry, channel), filter) in entries.zip(channels).zip(filters) {
            let weight_sum = filter.iter().map(|&weight| i32::from(weight)).sum();
            let Channel { bias, requant } = *channel;
            let shift = i32::from(requant.shift());
            entry.copy_from_slice(&[bias, requant.multiplier(), shift, weight_sum]);
        }
        Conv2d::new(conv, packed, ChannelTable::new(words, conv.out_c())?)
    }
}

/// Lays out the rows of an input, each with its borders, and a row of zeros.
pub(crate) fn pad_rows(case: &ConvCase, input: &[u8], padded: &mut [u8]) {
    let ConvCase { conv, size, .. } = *case;
    padded.fill(0);
    let rows = input.chunks_exact(size.width * conv.in_c());
    for (row, padded) in rows.zip(padded.chunks_exact_mut(case.row_len())) {
        for (x, pixel) in padded.chunks_exact_mut(conv.in_c()).enumerate() {
            let column = match conv.border() {
                Border::Reflect => Some(reflect(x, conv.padding(), size.width)),
                Border::Zero => x.checked_sub(conv.padding()).filter(|&x| x < size.width),
            };
            let Some(column) = column else { continue };
            let start = column * conv.in_c();
            pixel.copy_from_slice(row.get(start..start + conv.in_c()).unwrap_or_default());
        }
    }
}

/// Calls the kernel with slices that are too short or too long: it may write
/// anything, but nowhere else.
fn misuse<const OUT: usize, const SCRATCH: usize>(
    kernels: &Kernels,
    conv2d: &Conv2d<'_>,
    case: &ConvCase,
    padded: &[u8],
    (out, scratch): (&mut Guarded<OUT>, &mut Guarded<SCRATCH>),
    random: &mut Random,
) -> Result<(), Fault> {
    let row_len = case.out_w() * case.conv.out_c();
    let scratch_len = kernels::scratch_len(&case.conv);
    let any = |random: &mut Random, len: usize| {
        let shorter = random.below(len);
        random.pick(&[0, len / 2, len, shorter])
    };
    for _ in 0..2 {
        let input_len = any(random, case.row_len()).unwrap_or_default();
        let rows = any(random, case.conv.kernel()).unwrap_or_default();
        let window = RowWindow::new(padded.chunks(input_len.max(1)).take(rows));
        let out_len = any(random, row_len).unwrap_or_default() + random.below(2);
        let scratch_len = any(random, scratch_len).unwrap_or_default();
        let (out_part, scratch_part) = (out.part(1, out_len), scratch.part(0, scratch_len));
        let (Some(out_part), Some(scratch_part)) = (out_part, scratch_part) else {
            return Err(Fault::Refused);
        };
        (kernels.conv.conv2d_row)(conv2d, &window, out_part, scratch_part);
        unbreached(out, 1, out_len)?;
        unbreached(scratch, 0, scratch_len)?;
    }
    Ok(())
}

/// Returns an error where something around a part was written to.
pub(crate) fn unbreached<const LEN: usize>(
    guarded: &Guarded<LEN>,
    offset: usize,
    len: usize,
) -> Result<(), Fault> {
    match guarded.breach(offset, len) {
        Some(offset) => Err(Fault::OutOfBounds { offset }),
        None => Ok(()),
    }
}

/// Compares a row `[1, W, channels]`.
pub(crate) fn compare(expected: &[u8], got: &[u8], y: usize, channels: usize) -> Result<(), Fault> {
    if expected.len() != got.len() {
        return Err(Fault::Refused);
    }
    let differs = expected.iter().zip(got).position(|(expected, got)| expected != got);
    match differs {
        None => Ok(()),
        Some(index) => Err(Fault::Value {
            y,
            x: index / channels.max(1),
            c: index % channels.max(1),
            expected: expected.get(index).copied().unwrap_or_default(),
            got: got.get(index).copied().unwrap_or_default(),
        }),
    }
}
