//! Writing a blob, into memory that the caller owns.
//!
//! Programs on chips have no use for it.

use core::fmt;

use serde::Serialize;

use super::ALIGNMENT;
use super::header::Golden;
use super::layer::{ConvHeader, KIND_CONV, KIND_POOL, SUMS_TO_BYTES, TRANSFORM_DIRECT};
use super::preamble::{self, Preamble};
use crate::arithmetic::Channel;
use crate::contract::Contract;
use crate::crc32::Crc32;
use crate::input::InputFormat;
use crate::layers::LayerKind;
use crate::layers::dense::DenseHeader;
use crate::layers::norm::{NormChannel, NormGeometry, NormHeader};
use crate::layers::opponent::Opponent;
use crate::layers::readout::ReadoutHeader;
pub use crate::layers::readout::{NeuronSpec, ReadoutSpec};
use crate::layers::resample::{RUN_WORDS, Resample, ResampleHeader};
use crate::layers::retina::{Retina, RetinaOutput};
use crate::layers::window_pool::WindowPool;
use crate::name::Name;
use crate::packing::pack_weights;
use crate::parameters::{CHANNEL_WORDS, ChannelTable};
use crate::shape::{Border, ConvGeometry, DenseGeometry, PoolOrder, Sums};
use crate::toom::{Pair, ToomGeometry, Transform, transform_weights};

/// Everything that goes into a blob.
#[derive(Clone, Copy, Debug)]
pub struct BlobSpec<'a> {
    /// Format of the image rows.
    pub input: InputFormat,
    /// The golden image.
    pub golden: Golden,
    /// The layers, from the image on.
    pub layers: &'a [LayerSpec<'a>],
    /// What else is in the blob, by kind, in order of kinds: see
    /// [`SECTION_LABELS`](crate::blob::SECTION_LABELS).
    pub sections: &'a [(u32, &'a [u8])],
}

/// Everything that goes into a blob for one layer.
#[derive(Clone, Copy, Debug)]
pub struct LayerSpec<'a> {
    /// What the layer is called.
    pub name: Name,
    /// The name under which its rows are handed out, if they are.
    pub tap: Option<Name>,
    /// CRC-32 of the golden image's rows of the tap;
    /// [`golden_crc32`](crate::golden::golden_crc32) computes it from a blob that was
    /// written with any.
    pub golden_crc32: u32,
    /// What the layer does.
    pub operation: OperationSpec<'a>,
}

/// What a layer does, with its weights.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum OperationSpec<'a> {
    /// See [`LayerKind::Conv`].
    Conv(ConvSpec<'a>),
    /// See [`LayerKind::Pool`].
    Pool(PoolOrder),
    /// See [`LayerKind::WindowPool`].
    WindowPool(WindowPool),
    /// See [`LayerKind::Dense`].
    Dense(DenseSpec<'a>),
    /// See [`LayerKind::Readout`].
    Readout(ReadoutSpec<'a>),
    /// See [`LayerKind::Norm`].
    Norm(NormSpec<'a>),
    /// See [`LayerKind::Resample`].
    Resample(ResampleSpec<'a>),
    /// See [`LayerKind::Retina`].
    Retina(Retina),
    /// See [`LayerKind::Opponent`].
    Opponent(Opponent),
}

/// Everything that goes into a blob for a divisive normalisation.
#[derive(Clone, Copy, Debug)]
pub struct NormSpec<'a> {
    /// Its geometry.
    pub norm: NormGeometry,
    /// Weights of the denominators, `[C, kernel, kernel, C]` (OHWI), in
    /// `[0, 127]`.
    pub weights: &'a [i8],
    /// Bias and multiplier, `[C]`.
    pub channels: &'a [NormChannel],
    /// What one step of each channel's byte is worth, `[C]`.
    pub output_scale: &'a [f32],
}

/// Everything that goes into a blob for a resampling.
#[derive(Clone, Copy, Debug)]
pub struct ResampleSpec<'a> {
    /// Its sides and overlap.
    pub resample: Resample,
    /// Start and length of each run, `[out_side]`.
    pub runs: &'a [[u16; 2]],
    /// The weights of all runs, one after the other; those of each sum to 255.
    pub weights: &'a [u8],
}

/// Everything that goes into a blob for a convolution.
#[derive(Clone, Copy, Debug)]
pub struct ConvSpec<'a> {
    /// Geometry of the convolution.
    pub conv: ConvGeometry,
    /// How the weights are transformed; `None` leaves them as they are.
    pub transform: Option<&'static Transform>,
    /// Weights, `[out_c, kernel, kernel, in_c]` (OHWI), in `[-127, 127]`.
    pub weights: &'a [i8],
    /// Bias and requantisation, `[out_c]`.
    pub channels: &'a [Channel],
    /// What one step of each channel's byte is worth, `[out_c]`.
    pub output_scale: &'a [f32],
}

/// Everything that goes into a blob for a dense layer.
#[derive(Clone, Copy, Debug)]
pub struct DenseSpec<'a> {
    /// Size of the layer.
    pub dense: DenseGeometry,
    /// Weights, `[outputs, inputs]`, in `[-127, 127]`.
    pub weights: &'a [i8],
    /// Bias and requantisation, `[outputs]`; of a layer that hands out its sums
    /// the bias alone counts.
    pub channels: &'a [Channel],
    /// What one step of each output is worth, `[outputs]`.
    pub output_scale: &'a [f32],
}

impl BlobSpec<'_> {
    /// Returns an upper bound of the blob's length in bytes.
    #[must_use]
    pub fn max_len(&self) -> usize {
        let layers = self.layers.iter().map(|layer| layer.operation.max_len());
        let sections =
            self.sections.iter().map(|(_, bytes)| bytes.len().saturating_add(2 * ALIGNMENT));
        layers.chain(sections).fold(preamble::LEN + 64, usize::saturating_add)
    }

    /// Writes the blob to the start of `out` and returns its length in bytes.
    ///
    /// No number is checked here that [`Blob::open`](super::Blob::open) checks:
    /// a writer opens what it wrote.
    ///
    /// # Errors
    ///
    /// Returns an error where a table has another length than its geometry asks
    /// for, and where `out` is too small; [`max_len`](Self::max_len) bytes are
    /// enough.
    pub fn emit(&self, out: &mut [u8]) -> Result<usize, EmitError> {
        for layer in self.layers {
            layer.check_lengths()?;
        }
        let error = EmitError::Space { expected: self.max_len(), got: out.len() };
        let (out_preamble, body) = out.split_first_chunk_mut::<{ preamble::LEN }>().ok_or(error)?;
        let header_len = self.header(body).ok_or(error)?;
        let payload_start = (preamble::LEN + header_len).next_multiple_of(ALIGNMENT);
        let (header, payload) =
            body.split_at_mut_checked(payload_start - preamble::LEN).ok_or(error)?;
        header.get_mut(header_len..).unwrap_or_default().fill(0);
        let payload_len = self.payload(payload).ok_or(error)?;
        let body_len = payload_start - preamble::LEN + payload_len;
        let contracts = self.layers.iter().map(|layer| layer.operation.kind().contract());
        let preamble = Preamble {
            contract: contracts.max().unwrap_or(Contract::V1),
            header_len: u32::try_from(header_len).map_err(|_| error)?,
            payload_len: u32::try_from(payload_len).map_err(|_| error)?,
            crc32: Crc32::of(body.get(..body_len).ok_or(error)?),
        };
        *out_preamble = preamble.emit();
        Ok(preamble::LEN + body_len)
    }

    /// Writes the header and returns its length.
    fn header(&self, out: &mut [u8]) -> Option<usize> {
        let mut out = Out { bytes: out, len: 0 };
        let input = InputFormat::ALL.iter().position(|input| *input == self.input)?;
        out.index(input)?;
        out.put(&self.golden.seed)?;
        out.put(&self.golden.side)?;
        out.index(self.layers.len())?;
        let mut place = Place { offset: 0 };
        for layer in self.layers {
            layer.header(&mut out, &mut place)?;
        }
        out.index(self.sections.len())?;
        for (kind, bytes) in self.sections {
            out.put(kind)?;
            out.section(place.next(bytes.len())?)?;
        }
        Some(out.len)
    }

    /// Writes the payload and returns its length.
    fn payload(&self, out: &mut [u8]) -> Option<usize> {
        let mut out = Out { bytes: out, len: 0 };
        for layer in self.layers {
            match &layer.operation {
                OperationSpec::Conv(conv) => conv.payload(&mut out)?,
                OperationSpec::Dense(dense) => dense.payload(&mut out)?,
                OperationSpec::Readout(readout) => readout.payload(&mut out)?,
                OperationSpec::Norm(norm) => norm.payload(&mut out)?,
                OperationSpec::Resample(resample) => resample.payload(&mut out)?,
                _ => {}
            }
        }
        for (_, bytes) in self.sections {
            out.take(bytes.len())?.copy_from_slice(bytes);
            out.take(bytes.len().next_multiple_of(ALIGNMENT) - bytes.len())?.fill(0);
        }
        Some(out.len)
    }
}

/// Bytes that are written one after the other.
pub(crate) struct Out<'o> {
    bytes: &'o mut [u8],
    len: usize,
}

impl Out<'_> {
    /// Writes a value in postcard's encoding.
    pub(crate) fn put<T: Serialize>(&mut self, value: &T) -> Option<()> {
        let rest = self.bytes.get_mut(self.len..)?;
        self.len += postcard::to_slice(value, rest).ok()?.len();
        Some(())
    }

    /// Writes a number or the index of a variant.
    pub(crate) fn index(&mut self, index: usize) -> Option<()> {
        self.put(&u32::try_from(index).ok()?)
    }

    fn name(&mut self, name: Name) -> Option<()> {
        self.put(&name.as_str())
    }

    pub(crate) fn section(&mut self, [offset, len]: [u32; 2]) -> Option<()> {
        self.put(&offset)?;
        self.put(&len)
    }

    /// Returns the next bytes to be written.
    pub(crate) fn take(&mut self, len: usize) -> Option<&mut [u8]> {
        let part = self.bytes.get_mut(self.len..)?.get_mut(..len)?;
        self.len += len;
        Some(part)
    }
}

/// Where the next section of the payload goes.
pub(crate) struct Place {
    offset: usize,
}

impl Place {
    /// Returns offset and length of the next section.
    pub(crate) fn next(&mut self, len: usize) -> Option<[u32; 2]> {
        let offset = self.offset;
        self.offset = offset.checked_add(len)?.checked_next_multiple_of(ALIGNMENT)?;
        Some([offset.try_into().ok()?, len.try_into().ok()?])
    }
}

impl LayerSpec<'_> {
    fn check_lengths(&self) -> Result<(), EmitError> {
        let tables = match &self.operation {
            OperationSpec::Conv(spec) => {
                if let (Some(transform), None) = (spec.transform, spec.toom()) {
                    let (layer, transform) = (self.name, transform.name());
                    return Err(EmitError::Transform { layer, transform });
                }
                [
                    ("weights", spec.conv.weights_len(), spec.weights.len()),
                    ("channels", spec.conv.out_c(), spec.channels.len()),
                    ("scales", spec.conv.out_c(), spec.output_scale.len()),
                ]
            }
            OperationSpec::Dense(spec) => [
                ("weights", spec.dense.outputs() * spec.dense.inputs(), spec.weights.len()),
                ("channels", spec.dense.outputs(), spec.channels.len()),
                ("scales", spec.dense.outputs(), spec.output_scale.len()),
            ],
            OperationSpec::Norm(spec) => [
                ("weights", spec.norm.conv().weights_len(), spec.weights.len()),
                ("channels", spec.norm.channels(), spec.channels.len()),
                ("scales", spec.norm.channels(), spec.output_scale.len()),
            ],
            OperationSpec::Resample(spec) => [
                ("runs", spec.resample.given_side(), spec.runs.len()),
                ("weights", spec.weights_len(), spec.weights.len()),
                ("overlaps", spec.resample.overlap(), spec.resample.overlap()),
            ],
            OperationSpec::Readout(spec) => spec.lengths(),
            _ => return Ok(()),
        };
        for (table, expected, got) in tables {
            if expected != got {
                return Err(EmitError::TableLen { layer: self.name, table, expected, got });
            }
        }
        Ok(())
    }

    fn header(&self, out: &mut Out<'_>, place: &mut Place) -> Option<()> {
        out.put(&match self.operation {
            OperationSpec::Conv(_) => KIND_CONV,
            OperationSpec::Pool(_) => KIND_POOL,
            OperationSpec::WindowPool(_) => WindowPool::KIND,
            OperationSpec::Dense(_) => DenseGeometry::KIND,
            OperationSpec::Norm(_) => NormHeader::KIND,
            OperationSpec::Resample(_) => ResampleHeader::KIND,
            OperationSpec::Retina(_) => Retina::KIND,
            OperationSpec::Opponent(_) => Opponent::KIND,
            OperationSpec::Readout(_) => ReadoutHeader::KIND,
        })?;
        out.name(self.name)?;
        out.put(&self.tap.is_some())?;
        if let Some(tap) = self.tap {
            out.name(tap)?;
            out.put(&self.golden_crc32)?;
        }
        out.put(&self.operation.kind().contract().number())?;
        out.put(&match &self.operation {
            OperationSpec::Conv(conv) => conv.transform.map_or(TRANSFORM_DIRECT, Transform::number),
            _ => TRANSFORM_DIRECT,
        })?;
        match &self.operation {
            OperationSpec::Conv(conv) => conv.header(out, place),
            OperationSpec::Pool(order) => {
                out.index(PoolOrder::ALL.iter().position(|one| one == order)?)
            }
            OperationSpec::Dense(dense) => dense.header(out, place),
            OperationSpec::WindowPool(pool) => {
                pool.fields().iter().try_for_each(|field| out.put(field))
            }
            OperationSpec::Norm(norm) => norm.header(out, place),
            OperationSpec::Resample(resample) => resample.header(out, place),
            OperationSpec::Retina(retina) => {
                out.index(RetinaOutput::ALL.iter().position(|one| *one == retina.output())?)?;
                out.put(&retina.shift())?;
                out.put(&retina.gain())?;
                out.put(&retina.offset())
            }
            OperationSpec::Opponent(retina) => {
                out.put(&retina.gain())?;
                out.put(&retina.offset())
            }
            OperationSpec::Readout(readout) => readout.header(out, place),
        }
    }
}

impl OperationSpec<'_> {
    /// Returns what the layer does, without its weights.
    #[must_use]
    pub const fn kind(&self) -> LayerKind {
        match self {
            Self::Conv(spec) => LayerKind::Conv(spec.conv),
            Self::Pool(order) => LayerKind::Pool(*order),
            Self::WindowPool(pool) => LayerKind::WindowPool(*pool),
            Self::Dense(spec) => LayerKind::Dense(spec.dense),
            Self::Norm(spec) => LayerKind::Norm(spec.norm),
            Self::Resample(spec) => LayerKind::Resample(spec.resample),
            Self::Retina(retina) => LayerKind::Retina(*retina),
            Self::Opponent(retina) => LayerKind::Opponent(*retina),
            Self::Readout(readout) => LayerKind::Readout(readout.geometry),
        }
    }

    /// Returns an upper bound of the bytes of header and payload.
    fn max_len(&self) -> usize {
        const HEADER_LEN: usize = 64;
        match self {
            Self::Conv(spec) => {
                let tables: usize = spec.lens().iter().sum();
                spec.output_scale.len().saturating_mul(4).saturating_add(tables + HEADER_LEN)
            }
            Self::Dense(spec) => {
                let [weights, channels] = DenseHeader::lens(&spec.dense);
                let tables = weights.saturating_add(channels).saturating_add(HEADER_LEN);
                spec.output_scale.len().saturating_mul(4).saturating_add(tables)
            }
            Self::Readout(spec) => spec.tables_len().saturating_add(HEADER_LEN),
            Self::Norm(spec) => {
                let conv = spec.norm.conv();
                let tables = conv.packed_len() + 4 * CHANNEL_WORDS * conv.padded_out_c();
                spec.output_scale.len().saturating_mul(4).saturating_add(tables + HEADER_LEN)
            }
            Self::Resample(spec) => spec.table_len().saturating_add(HEADER_LEN),
            Self::Pool(_) | Self::WindowPool(_) | Self::Retina(_) | Self::Opponent(_) => HEADER_LEN,
        }
    }
}

impl ConvSpec<'_> {
    /// Returns the geometry with the transform, if there is one for it.
    fn toom(&self) -> Option<ToomGeometry> {
        ToomGeometry::new(self.conv, self.transform?)
    }

    /// Returns the bytes of the weights and of the channels' words.
    fn lens(&self) -> [usize; 2] {
        ConvHeader::lens(&self.conv, self.toom())
    }

    fn header(&self, out: &mut Out<'_>, place: &mut Place) -> Option<()> {
        let conv = &self.conv;
        for channels in [conv.in_c(), conv.out_c()] {
            out.index(channels)?;
        }
        for side in [conv.kernel(), conv.stride(), conv.padding()] {
            out.put(&u8::try_from(side).ok()?)?;
        }
        out.index(Border::ALL.iter().position(|border| *border == conv.border())?)?;
        out.put(&SUMS_TO_BYTES)?;
        for len in self.lens() {
            out.section(place.next(len)?)?;
        }
        let scales: &[u8] = bytemuck::cast_slice(self.output_scale);
        out.put(&scales)
    }

    fn payload(&self, out: &mut Out<'_>) -> Option<()> {
        let [weights_len, channels_len] = self.lens();
        let weights = out.take(weights_len)?;
        match self.toom() {
            None => pack_weights(self.conv, self.weights, bytemuck::cast_slice_mut(weights)),
            Some(toom) => {
                weights.fill(0);
                transform_weights(toom, self.weights, |index, half, value| {
                    let start = index * size_of::<Pair>() + half * size_of::<i16>();
                    let place = weights.get_mut(start..).unwrap_or_default();
                    for (place, byte) in place.iter_mut().zip(value.to_le_bytes()) {
                        *place = byte;
                    }
                });
            }
        }
        let channels = out.take(channels_len)?;
        let bytes = self.words().flat_map(i32::to_le_bytes);
        for (place, byte) in channels.iter_mut().zip(bytes) {
            *place = byte;
        }
        Some(())
    }

    /// Iterates over the words of the channel table.
    fn words(&self) -> impl Iterator<Item = i32> {
        let filters = self.weights.chunks_exact(self.conv.taps());
        let channels = self.channels.iter().zip(filters).map(|(channel, filter)| {
            let weight_sum = filter.iter().copied().map(i32::from).sum();
            let Channel { bias, requant } = *channel;
            [bias, requant.multiplier(), requant.shift().into(), weight_sum]
        });
        let padding = core::iter::repeat(ChannelTable::PADDING);
        channels.chain(padding).take(self.conv.padded_out_c()).flatten()
    }
}

impl DenseSpec<'_> {
    fn header(&self, out: &mut Out<'_>, place: &mut Place) -> Option<()> {
        for values in [self.dense.inputs(), self.dense.outputs()] {
            out.index(values)?;
        }
        let sums = Sums::ALL.iter().position(|sums| *sums == self.dense.sums())?;
        out.put(&u8::try_from(sums).ok()?)?;
        for len in DenseHeader::lens(&self.dense) {
            out.section(place.next(len)?)?;
        }
        let scales: &[u8] = bytemuck::cast_slice(self.output_scale);
        out.put(&scales)
    }

    fn payload(&self, out: &mut Out<'_>) -> Option<()> {
        let [weights, channels] = DenseHeader::lens(&self.dense);
        let rows = out.take(weights)?;
        rows.fill(0);
        let filters = || self.weights.chunks_exact(self.dense.inputs());
        for (row, filter) in rows.chunks_exact_mut(self.dense.padded_inputs()).zip(filters()) {
            for (place, weight) in row.iter_mut().zip(filter) {
                *place = weight.to_le_bytes()[0];
            }
        }
        let words = filters().zip(self.channels).map(|(filter, channel)| {
            let weight_sum = filter.iter().copied().map(i32::from).sum();
            let Channel { bias, requant } = *channel;
            match self.dense.sums() {
                Sums::Bytes => [bias, requant.multiplier(), requant.shift().into(), weight_sum],
                Sums::Words => {
                    let [_, multiplier, shift, _] = ChannelTable::PADDING;
                    [bias, multiplier, shift, weight_sum]
                }
            }
        });
        let padding = core::iter::repeat(ChannelTable::PADDING);
        let words = words.chain(padding).take(self.dense.padded_outputs()).flatten();
        let bytes = words.flat_map(i32::to_le_bytes);
        for (place, byte) in out.take(channels)?.iter_mut().zip(bytes) {
            *place = byte;
        }
        Some(())
    }
}

impl NormSpec<'_> {
    fn channels_len(&self) -> usize {
        4 * CHANNEL_WORDS * self.norm.conv().padded_out_c()
    }

    fn header(&self, out: &mut Out<'_>, place: &mut Place) -> Option<()> {
        out.index(self.norm.channels())?;
        out.put(&u8::try_from(self.norm.kernel()).ok()?)?;
        out.index(Border::ALL.iter().position(|border| *border == self.norm.border())?)?;
        out.section(place.next(self.norm.conv().packed_len())?)?;
        out.section(place.next(self.channels_len())?)?;
        let scales: &[u8] = bytemuck::cast_slice(self.output_scale);
        out.put(&scales)
    }

    fn payload(&self, out: &mut Out<'_>) -> Option<()> {
        let conv = self.norm.conv();
        let weights = out.take(conv.packed_len())?;
        pack_weights(conv, self.weights, bytemuck::cast_slice_mut(weights));
        let filters = self.weights.chunks_exact(conv.taps());
        let channels = self.channels.iter().zip(filters).map(|(channel, filter)| {
            let weight_sum = filter.iter().copied().map(i32::from).sum();
            [channel.bias, channel.multiplier, 0, weight_sum]
        });
        let words = channels.chain(core::iter::repeat(NormChannel::PADDING));
        let bytes = words.take(conv.padded_out_c()).flatten().flat_map(i32::to_le_bytes);
        for (place, byte) in out.take(self.channels_len())?.iter_mut().zip(bytes) {
            *place = byte;
        }
        Some(())
    }
}

impl ResampleSpec<'_> {
    /// Returns the weights that the runs ask for.
    fn weights_len(&self) -> usize {
        self.runs.iter().fold(0, |len, [_, run]| usize::from(*run).saturating_add(len))
    }

    fn table_len(&self) -> usize {
        let runs_len = self.runs.len().saturating_mul(2 * RUN_WORDS);
        let len = runs_len.saturating_add(self.weights.len());
        len.checked_next_multiple_of(ALIGNMENT).unwrap_or(usize::MAX)
    }

    fn header(&self, out: &mut Out<'_>, place: &mut Place) -> Option<()> {
        out.index(self.resample.taken_side())?;
        out.index(self.resample.given_side())?;
        out.put(&u8::try_from(self.resample.overlap()).ok()?)?;
        out.section(place.next(self.table_len())?)
    }

    fn payload(&self, out: &mut Out<'_>) -> Option<()> {
        let table = out.take(self.table_len())?;
        table.fill(0);
        let mut first = 0_u16;
        let (runs, weights) = table.split_at_mut_checked(2 * RUN_WORDS * self.runs.len())?;
        for (place, [start, len]) in runs.chunks_exact_mut(2 * RUN_WORDS).zip(self.runs) {
            let words = [*start, *len, first].map(u16::to_le_bytes);
            place.copy_from_slice(words.as_flattened());
            // What does not fit 16 bits does not open either.
            first = first.wrapping_add(*len);
        }
        weights.get_mut(..self.weights.len())?.copy_from_slice(self.weights);
        Some(())
    }
}

/// Why a blob is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EmitError {
    /// The slice that the blob should go to is too small.
    Space {
        /// Bytes that are enough.
        expected: usize,
        /// Bytes handed over.
        got: usize,
    },
    /// A transform is not for a layer's geometry.
    Transform {
        /// The layer.
        layer: Name,
        /// Name of the transform.
        transform: &'static str,
    },
    /// A table of a layer has another length than its geometry asks for.
    TableLen {
        /// The layer.
        layer: Name,
        /// Which of its tables.
        table: &'static str,
        /// Entries that the geometry asks for.
        expected: usize,
        /// Entries handed over.
        got: usize,
    },
}

impl fmt::Display for EmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Space { expected, got } => write!(
                f,
                "the blob needs up to {expected} bytes and has {got}: size the slice with max_len()"
            ),
            Self::Transform { layer, transform } => {
                write!(f, "the transform {transform} is not for the geometry of layer {layer}")
            }
            Self::TableLen { layer, table, expected, got } => {
                write!(f, "layer {layer} has {got} {table} and its geometry asks for {expected}")
            }
        }
    }
}

impl core::error::Error for EmitError {}
