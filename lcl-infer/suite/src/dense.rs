//! Dense layers against the reference.

use lcl_infer::kernels::Kernels;
use lcl_infer::parameters::{CHANNEL_WORDS, Channel, ChannelTable, Dense};
use lcl_infer::reference;
use lcl_infer::shape::{DenseGeometry, Sums};

use crate::conv::{compare, unbreached};
use crate::draw::{NO_CHANNEL, Style, fill_parameters};
use crate::memory::{CHANNELS_LEN, INPUT_LEN, Memory, OUT_LEN, WEIGHTS_LEN};
use crate::mismatch::{Fault, Operation, Shape};
use crate::random::Random;

/// Numbers of inputs around which kernels go over to another loop.
const FAVOURITES: [usize; 10] = [1, 3, 4, 15, 16, 17, 31, 33, 64, 256];

/// A dense layer and the row that it is run on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DenseCase {
    pub(crate) dense: DenseGeometry,
    pub(crate) width: usize,
    pub(crate) style: Style,
}

/// Draws a layer of so many inputs.
pub(crate) fn draw(random: &mut Random, inputs: usize) -> Option<DenseGeometry> {
    let outputs = 1 + random.below(12);
    DenseGeometry::new(inputs, outputs, random.pick(&Sums::ALL)?)
}

impl DenseCase {
    /// Draws a case that the suite has room for.
    pub(crate) fn draw(random: &mut Random) -> Self {
        loop {
            let inputs = random.count(300, &FAVOURITES);
            let Some(dense) = draw(random, inputs) else { continue };
            let case = Self { dense, width: 1 + random.below(4), style: Style::draw(random) };
            if case.has_room() {
                return case;
            }
        }
    }

    /// Iterates over cases at the edges.
    pub(crate) fn edges() -> impl Iterator<Item = Option<Self>> {
        let sizes = [[1, 1], [16, 4], [17, 5], [300, 3]];
        let layers = Sums::ALL.into_iter().flat_map(move |sums| {
            sizes.map(|[inputs, outputs]| DenseGeometry::new(inputs, outputs, sums))
        });
        layers.flat_map(|dense| {
            Style::EDGES.map(|style| Some(Self { dense: dense?, width: 2, style }))
        })
    }

    pub(crate) fn shape(&self) -> Shape {
        Shape::Dense { dense: self.dense, width: self.width }
    }

    fn has_room(&self) -> bool {
        self.dense.weights_len() <= WEIGHTS_LEN
            && self.dense.padded_outputs() <= CHANNELS_LEN
            && self.width * self.dense.inputs() <= INPUT_LEN
            && self.dense.row_len(self.width) <= OUT_LEN
    }
}

/// The operation of such cases.
pub(crate) const OPERATION: Operation = Operation::DenseRow;

/// Runs a row, and returns the number of bytes compared.
pub(crate) fn check(
    kernels: &Kernels,
    memory: &mut Memory,
    case: &DenseCase,
    random: &mut Random,
) -> Result<usize, Fault> {
    let DenseCase { dense, width, style } = *case;
    if !case.has_room() {
        return Err(Fault::Refused);
    }
    let (inputs, outputs) = (dense.inputs(), dense.outputs());
    let weights = memory.weights.get_mut(..inputs * outputs).ok_or(Fault::Refused)?;
    let mut channels = [NO_CHANNEL; CHANNELS_LEN];
    let channels = channels.get_mut(..outputs).ok_or(Fault::Refused)?;
    fill_parameters(random, style, weights, channels);
    let packed = memory.packed.get_mut(..dense.weights_len()).ok_or(Fault::Refused)?;
    packed.fill(0);
    let rows = packed.chunks_exact_mut(dense.padded_inputs());
    for (row, filter) in rows.zip(weights.chunks_exact(inputs)) {
        row.get_mut(..inputs).ok_or(Fault::Refused)?.copy_from_slice(filter);
    }
    let words_len = CHANNEL_WORDS * dense.padded_outputs();
    let words = memory.words.get_mut(..words_len).ok_or(Fault::Refused)?;
    fill_words(words, channels);
    let table = ChannelTable::new(words, outputs).ok_or(Fault::Refused)?;
    let layer = Dense::new(dense, packed, table).ok_or(Fault::Refused)?;

    let values = memory.input.get_mut(..width * inputs).ok_or(Fault::Refused)?;
    style.values.fill(random, values);
    let row_len = dense.row_len(width);
    let expected = memory.expected.get_mut(..row_len).ok_or(Fault::Refused)?;
    reference::dense_ref(&layer, width, values, expected);

    let offset = random.below(16);
    let out = memory.out.part(offset, row_len).ok_or(Fault::Refused)?;
    for (out, &expected) in out.iter_mut().zip(&*expected) {
        *out = !expected;
    }
    (kernels.dense.row)(&layer, values, out);
    unbreached(&memory.out, offset, row_len)?;
    compare(expected, memory.out.written(offset, row_len), 0, dense.out_bytes())?;
    // Slices that do not fit each other: it may write anything, but nowhere else.
    let len = random.below(row_len + 2);
    let out = memory.out.part(1, len).ok_or(Fault::Refused)?;
    let values = values.get(..random.below(width * inputs + 1)).unwrap_or_default();
    (kernels.dense.row)(&layer, values, out);
    unbreached(&memory.out, 1, len)?;
    Ok(row_len)
}

/// Fills the words of a table; nothing reads its sums of weights here.
fn fill_words(words: &mut [i32], channels: &[Channel]) {
    for entry in words.chunks_exact_mut(CHANNEL_WORDS) {
        entry.copy_from_slice(&ChannelTable::PADDING);
    }
    for (entry, channel) in words.chunks_exact_mut(CHANNEL_WORDS).zip(channels) {
        let Channel { bias, requant } = *channel;
        entry.copy_from_slice(&[bias, requant.multiplier(), requant.shift().into(), 0]);
    }
}
