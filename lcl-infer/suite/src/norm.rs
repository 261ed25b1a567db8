//! Divisive normalisation against the reference.

use lcl_infer::kernels::{self, Kernels, RowWindow};
use lcl_infer::packing::pack_weights;
use lcl_infer::parameters::{CHANNEL_WORDS, MAX_NORM_MULTIPLIER, Norm, NormChannel};
use lcl_infer::shape::{Border, NormGeometry, reflect};
use lcl_infer::{ImageSize, reference};

use crate::conv::{ConvCase, MAX_OFFSET, compare, pad_rows, unbreached};
use crate::draw::{Style, Values};
use crate::memory::{CHANNELS_LEN, Memory};
use crate::mismatch::{Fault, Shape};
use crate::random::Random;

/// Most multiply-accumulates of a case that is drawn.
const MAX_MACS: u64 = 60_000;

/// Channels around which kernels go over to another loop.
const FAVOURITES: [usize; 9] = [1, 2, 3, 4, 5, 15, 16, 17, 64];

/// A divisive normalisation and the size of its map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NormCase {
    pub(crate) norm: NormGeometry,
    pub(crate) size: ImageSize,
    pub(crate) values: Values,
}

/// What a channel's place holds before it is drawn.
pub(crate) const NO_CHANNEL: NormChannel = NormChannel { bias: 1, multiplier: 0 };

/// Draws a normalisation of so many channels.
pub(crate) fn draw(random: &mut Random, channels: usize) -> Option<NormGeometry> {
    let kernel = random.pick(&[1, 1, 3, 5])?;
    NormGeometry::new(channels, kernel, random.pick(&Border::ALL)?)
}

/// Fills weights, `[C, kernel, kernel, C]` (OHWI), and what each channel adds,
/// `[C]`: denominators fit 32 bits and none is 0.
pub fn fill_norm(
    random: &mut Random,
    norm: NormGeometry,
    weights: &mut [i8],
    channels: &mut [NormChannel],
) {
    let mask = random.pick(&[0x7f, 0x7f, 0x0f, 0x01, 0x00]).unwrap_or(0x7f);
    for weight in &mut *weights {
        *weight = i8::try_from(random.byte() & mask).unwrap_or_default();
    }
    let filters = weights.chunks_exact(norm.conv().taps());
    for (channel, filter) in channels.iter_mut().zip(filters) {
        let sum: i32 = filter.iter().map(|&weight| i32::from(weight)).sum();
        let (usual, room) = (128 * sum, i32::MAX - 255 * sum);
        let near = random.between(1, 2 * usual + 1000);
        let bias = random.pick(&[1, near, near, usual.max(1), room]).unwrap_or(1).min(room);
        let fitted = random.between(0, bias.saturating_add(usual).saturating_mul(2));
        let largest = random.pick(&[fitted, fitted, fitted, MAX_NORM_MULTIPLIER, 0, 1]);
        let multiplier = largest.unwrap_or_default().min(MAX_NORM_MULTIPLIER);
        *channel = NormChannel { bias, multiplier };
    }
}

impl NormCase {
    /// Draws a case that the suite has room for.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let values = [Values::Any, Values::Any, Values::Tiny, Values::Largest, Values::Extreme];
        let values = random.pick(&values).unwrap_or(Values::Any);
        loop {
            let channels = random.count(40, &FAVOURITES);
            let Some(norm) = draw(random, channels) else { continue };
            let least = norm.conv().min_side();
            let size =
                ImageSize { width: least + random.below(9), height: least + random.below(3) };
            let case = Self { norm, size, values };
            if norm.conv().macs(size) <= MAX_MACS && case.as_conv().has_room() {
                return case;
            }
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        Shape::Norm { norm: self.norm, size: self.size }
    }

    /// Returns the convolution of the denominators.
    fn as_conv(&self) -> ConvCase {
        let [style, ..] = Style::EDGES;
        ConvCase { conv: self.norm.conv(), size: self.size, style }
    }
}

/// Normalises a map row by row, and returns the number of bytes compared.
pub(crate) fn check(
    kernels: &Kernels,
    memory: &mut Memory,
    case: &NormCase,
    random: &mut Random,
) -> Result<usize, Fault> {
    let NormCase { norm: geometry, size, values } = *case;
    let (conv, as_conv) = (geometry.conv(), case.as_conv());
    if !as_conv.has_room() {
        return Err(Fault::Refused);
    }
    let weights = memory.weights.get_mut(..conv.weights_len()).ok_or(Fault::Refused)?;
    let mut channels = [NO_CHANNEL; CHANNELS_LEN];
    let channels = channels.get_mut(..conv.out_c()).ok_or(Fault::Refused)?;
    fill_norm(random, geometry, weights, channels);
    let packed = memory.packed.get_mut(..conv.packed_len()).ok_or(Fault::Refused)?;
    pack_weights(conv, weights, packed);
    let words =
        memory.words.get_mut(..CHANNEL_WORDS * conv.padded_out_c()).ok_or(Fault::Refused)?;
    let filled = channels.iter().chain(core::iter::repeat(&NO_CHANNEL));
    for (words, channel) in words.chunks_exact_mut(CHANNEL_WORDS).zip(filled) {
        words.copy_from_slice(&[channel.bias, channel.multiplier, 0, 0]);
    }
    let norm = Norm::new(geometry, packed, words).ok_or(Fault::Refused)?;
    let map_len = size.width * size.height * conv.in_c();
    let input = memory.input.get_mut(..map_len).ok_or(Fault::Refused)?;
    values.fill(random, input);
    let expected = memory.expected.get_mut(..map_len).ok_or(Fault::Refused)?;
    reference::norm_ref(&norm, size, input, expected);

    let row_len = as_conv.row_len();
    let padded = memory.padded.get_mut(..row_len * (size.height + 1)).ok_or(Fault::Refused)?;
    pad_rows(&as_conv, input, padded);
    let padded = &*padded;
    let out_len = size.width * conv.out_c();
    let scratch_len = kernels::norm_scratch_len(&conv);
    for (y, expected) in expected.chunks_exact(out_len).enumerate() {
        let rows = (0..conv.kernel()).map(|ky| {
            let y = match conv.border() {
                Border::Reflect => reflect(y + ky, conv.padding(), size.height),
                Border::Zero => (y + ky).wrapping_sub(conv.padding()).min(size.height),
            };
            padded.get(y * row_len..(y + 1) * row_len).unwrap_or_default()
        });
        let window = RowWindow::new(rows);
        let offset = random.below(1 + MAX_OFFSET);
        let out = memory.out.part(offset, out_len).ok_or(Fault::Refused)?;
        for (out, &expected) in out.iter_mut().zip(expected) {
            *out = !expected;
        }
        let scratch = memory.scratch.part(0, scratch_len).ok_or(Fault::Refused)?;
        scratch.fill(random.byte());
        (kernels.norm.norm_row)(&norm, &window, out, scratch);
        unbreached(&memory.out, offset, out_len)?;
        unbreached(&memory.scratch, 0, scratch_len)?;
        compare(expected, memory.out.written(offset, out_len), y, conv.out_c())?;
    }
    // Slices that do not fit each other: it may write anything, but nowhere else.
    for _ in 0..2 {
        let window = RowWindow::new(padded.chunks(1 + random.below(row_len)).take(random.below(6)));
        let (len, scratch_len) = (random.below(out_len + 2), random.below(scratch_len + 1));
        let out = memory.out.part(1, len).ok_or(Fault::Refused)?;
        let scratch = memory.scratch.part(0, scratch_len).ok_or(Fault::Refused)?;
        (kernels.norm.norm_row)(&norm, &window, out, scratch);
        unbreached(&memory.out, 1, len)?;
        unbreached(&memory.scratch, 0, scratch_len)?;
    }
    Ok(map_len)
}
