//! One layer of a header.

use super::OpenError;
use super::reader::Reader;
use super::section::Section;
use crate::contract::Contract;
use crate::layers::LayerKind;
use crate::layers::dense::DenseHeader;
use crate::layers::norm::NormHeader;
use crate::layers::opponent::Opponent;
use crate::layers::readout::ReadoutHeader;
use crate::layers::resample::ResampleHeader;
use crate::layers::retina::Retina;
use crate::layers::window_pool::WindowPool;
use crate::name::Name;
use crate::parameters::{CHANNEL_WORDS, ChannelTable, Conv2d, ConvParameters, Scales};
use crate::parameters::{LayerParameters, Operation};
use crate::parts::{Components, If, Population, Recognition, Switch, Transforms};
use crate::shape::{Border, ConvGeometry, DenseGeometry, PoolOrder, Sums};
use crate::toom::{Pair, ToomConv2d, ToomGeometry, Transform};

/// Number of the kind [`LayerKind::Conv`].
pub(crate) const KIND_CONV: u32 = 0;

/// Number of the kind [`LayerKind::Pool`].
pub(crate) const KIND_POOL: u32 = 1;

/// Number of weights that are not transformed.
pub(crate) const TRANSFORM_DIRECT: u32 = 0;

/// Number of the one thing that becomes of a convolution's sums: bytes, clamped
/// at 0.
pub(crate) const SUMS_TO_BYTES: u8 = 0;

/// Numbers of the kinds that this crate runs.
const KNOWN: [u32; 9] = [
    KIND_CONV,
    KIND_POOL,
    WindowPool::KIND,
    NormHeader::KIND,
    ResampleHeader::KIND,
    Retina::KIND,
    Opponent::KIND,
    DenseGeometry::KIND,
    ReadoutHeader::KIND,
];

/// One layer, as it is encoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LayerHeader<'a> {
    pub(crate) name: Name,
    pub(crate) tap: Option<Name>,
    /// CRC-32 of the golden image's rows, with a tap.
    pub(crate) golden_crc32: u32,
    pub(crate) body: Body<'a>,
}

/// What a layer of each kind has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body<'a> {
    Conv(ConvHeader<'a>),
    Pool(PoolOrder),
    WindowPool(If<Recognition, WindowPool>),
    Dense(If<Recognition, DenseHeader<'a>>),
    Norm(If<Components, NormHeader<'a>>),
    Resample(If<Components, ResampleHeader>),
    Retina(If<Components, Retina>),
    Opponent(If<Components, Opponent>),
    Readout(If<Population, ReadoutHeader<'a>>),
}

/// Geometry, tables and output scale of a convolution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConvHeader<'a> {
    pub(crate) geometry: ConvGeometry,
    /// The geometry with the transform of the weights, if they are transformed.
    toom: Option<If<Transforms, ToomGeometry>>,
    /// i8, packed, or transformed.
    pub(crate) weights: Section,
    /// Four i32 a channel: bias, multiplier, shift, sum of weights.
    pub(crate) channels: Section,
    /// One f32 a channel, little-endian.
    pub(crate) output_scale: &'a [u8],
}

impl<'a> LayerHeader<'a> {
    /// Reads the layer of that index.
    #[inline(never)]
    pub(crate) fn parse(reader: &mut Reader<'a>, index: u32) -> Result<Self, OpenError> {
        let kind = reader.number();
        let name = parse_name(reader)?;
        let tap = match reader.byte() {
            0 => None,
            1 => Some(parse_name(reader)?),
            _ => return Err(OpenError::Header),
        };
        let golden_crc32 = if tap.is_some() { reader.number() } else { 0 };
        let contract = reader.number();
        let transform = reader.number();
        reader.whole()?;
        if !KNOWN.contains(&kind) {
            return Err(OpenError::UnknownLayer { index, layer: name, kind });
        }
        if transform != TRANSFORM_DIRECT && kind != KIND_CONV {
            return Err(OpenError::Transform { layer: name, got: transform });
        }
        let body = match kind {
            KIND_CONV => Body::Conv(ConvHeader::parse(reader, name, transform)?),
            KIND_POOL => Body::Pool(reader.one_of(&PoolOrder::ALL)),
            DenseGeometry::KIND => {
                Body::Dense(Recognition::read(name, || DenseHeader::parse(reader, name))?)
            }
            ReadoutHeader::KIND => {
                Body::Readout(read::<Population, _>(name, || ReadoutHeader::parse(reader))?)
            }
            NormHeader::KIND => {
                Body::Norm(read::<Components, _>(name, || NormHeader::parse(reader))?)
            }
            ResampleHeader::KIND => {
                Body::Resample(read::<Components, _>(name, || ResampleHeader::parse(reader))?)
            }
            Retina::KIND => Body::Retina(read::<Components, _>(name, || Retina::parse(reader))?),
            Opponent::KIND => {
                Body::Opponent(read::<Components, _>(name, || Opponent::parse(reader))?)
            }
            _ => Body::WindowPool(read::<Recognition, _>(name, || WindowPool::parse(reader))?),
        };
        reader.whole()?;
        let layer = Self { name, tap, golden_crc32, body };
        let expected = layer.contract().number();
        if contract == expected {
            Ok(layer)
        } else {
            Err(OpenError::LayerContract { layer: name, expected, got: contract })
        }
    }

    /// Returns what the layer does, without its weights.
    pub(crate) fn kind(&self) -> LayerKind {
        match self.body {
            Body::Conv(conv) => LayerKind::Conv(conv.geometry),
            Body::Pool(order) => LayerKind::Pool(order),
            Body::WindowPool(pool) => LayerKind::WindowPool(Recognition::get(pool)),
            Body::Readout(readout) => LayerKind::Readout(readout.geometry),
            Body::Dense(dense) => LayerKind::Dense(dense.geometry),
            Body::Norm(norm) => LayerKind::Norm(norm.geometry),
            Body::Resample(header) => LayerKind::Resample(header.resample),
            Body::Retina(retina) => LayerKind::Retina(Components::get(retina)),
            Body::Opponent(retina) => LayerKind::Opponent(Components::get(retina)),
        }
    }

    /// Returns the geometry with the transform of the weights, if they are
    /// transformed.
    pub(crate) fn toom(&self) -> Option<ToomGeometry> {
        match self.body {
            Body::Conv(conv) => conv.toom(),
            _ => None,
        }
    }

    /// Returns whether it hands out sums, which no layer takes.
    pub(crate) fn hands_out_sums(&self) -> bool {
        matches!(self.body, Body::Dense(dense) if dense.geometry.sums() == Sums::Words)
    }

    /// Returns the contract that the layer asks for.
    pub(crate) fn contract(&self) -> Contract {
        self.kind().contract()
    }

    /// Returns the sections of its tables, in their order; none of a layer
    /// without.
    pub(crate) fn sections(&self) -> [Option<Section>; 2] {
        match self.body {
            Body::Conv(conv) => [Some(conv.weights), Some(conv.channels)],
            Body::Dense(dense) => [Some(dense.weights), Some(dense.channels)],
            Body::Readout(readout) => [Some(readout.weights), Some(readout.neurons)],
            Body::Norm(norm) => [Some(norm.weights), Some(norm.channels)],
            Body::Resample(resample) => [Some(resample.table), None],
            Body::Pool(_) | Body::WindowPool(_) | Body::Retina(_) | Body::Opponent(_) => {
                [None, None]
            }
        }
    }

    /// Returns the layer with its tables in the payload.
    pub(crate) fn in_place(&self, payload: &'a [u8]) -> Option<LayerParameters<'a>> {
        let operation = match self.body {
            Body::Conv(conv) => Operation::Conv(conv.in_place(payload)?),
            Body::Pool(order) => Operation::Pool(order),
            Body::WindowPool(pool) => Operation::WindowPool(pool),
            Body::Dense(dense) => {
                Operation::Dense(Recognition::try_map(dense, |dense| dense.in_place(payload))?)
            }
            Body::Norm(norm) => {
                Operation::Norm(Components::try_map(norm, |norm| norm.in_place(payload))?)
            }
            Body::Resample(resample) => {
                Operation::Resample(Components::try_map(resample, |it| it.in_place(payload))?)
            }
            Body::Retina(retina) => Operation::Retina(retina),
            Body::Opponent(retina) => Operation::Opponent(retina),
            Body::Readout(readout) => {
                Operation::Readout(Population::try_map(readout, |it| it.in_place(payload))?)
            }
        };
        let Self { name, tap, golden_crc32, .. } = *self;
        Some(LayerParameters { name, tap, golden_crc32, operation })
    }
}

/// Returns what is read, or the error of a geometry that the engine cannot run or of
/// a part that is not built in.
fn read<P: Switch, T>(
    layer: Name,
    parse: impl FnOnce() -> Option<T>,
) -> Result<If<P, T>, OpenError> {
    P::read(layer, || parse().ok_or(OpenError::Geometry { layer }))
}

fn parse_name(reader: &mut Reader<'_>) -> Result<Name, OpenError> {
    let bytes = reader.bytes();
    reader.whole()?;
    Name::from_bytes(bytes).ok_or(OpenError::Name)
}

impl<'a> ConvHeader<'a> {
    fn parse(reader: &mut Reader<'a>, layer: Name, transform: u32) -> Result<Self, OpenError> {
        let [in_c, out_c] = [reader.short(), reader.short()].map(usize::from);
        let [kernel, stride, padding] =
            [reader.byte(), reader.byte(), reader.byte()].map(usize::from);
        let border = reader.one_of(&Border::ALL);
        let sums = reader.byte();
        reader.whole()?;
        if sums != SUMS_TO_BYTES {
            return Err(OpenError::Sums { layer, got: sums });
        }
        let geometry = ConvGeometry::new(in_c, out_c, kernel, stride, padding)
            .ok_or(OpenError::Geometry { layer })?;
        let geometry = geometry.with_border(border);
        let toom = match transform {
            TRANSFORM_DIRECT => None,
            number => {
                let error = OpenError::Transform { layer, got: number };
                let transform = Transform::from_number(number).ok_or(error)?;
                Some(Transforms::read(layer, || {
                    ToomGeometry::new(geometry, transform).ok_or(error)
                })?)
            }
        };
        Ok(Self {
            geometry,
            toom,
            weights: Section::parse(reader),
            channels: Section::parse(reader),
            output_scale: reader.bytes(),
        })
    }

    /// Returns the geometry with the transform of the weights, if they are
    /// transformed.
    pub(crate) fn toom(&self) -> Option<ToomGeometry> {
        self.toom.map(Transforms::get)
    }

    /// Returns the packed weights.
    pub(crate) fn packed<'p>(&self, payload: &'p [u8]) -> Option<&'p [i8]> {
        bytemuck::try_cast_slice(self.weights.of(payload)?).ok()
    }

    /// Returns the transformed weights.
    pub(crate) fn transformed<'p>(&self, payload: &'p [u8]) -> Option<&'p [Pair]> {
        bytemuck::try_cast_slice(self.weights.of(payload)?).ok()
    }

    /// Returns the words of the channels.
    pub(crate) fn words<'p>(&self, payload: &'p [u8]) -> Option<&'p [i32]> {
        bytemuck::try_cast_slice(self.channels.of(payload)?).ok()
    }

    fn in_place(&self, payload: &'a [u8]) -> Option<ConvParameters<'a>> {
        let channels = ChannelTable::new(self.words(payload)?, self.geometry.out_c())?;
        let conv = match self.toom() {
            None => Conv2d::new(self.geometry, self.packed(payload)?, channels)?.into(),
            Some(toom) => ToomConv2d::new(toom, self.transformed(payload)?, channels)?.into(),
        };
        Some(ConvParameters { conv, output_scale: Scales::from_le_bytes(self.output_scale) })
    }

    /// Returns the bytes that the geometry asks for: of the weights and of the
    /// words of the channels.
    pub(crate) const fn lens(geometry: &ConvGeometry, toom: Option<ToomGeometry>) -> [usize; 2] {
        let weights = match toom {
            None => geometry.packed_len(),
            Some(toom) => toom.weights_len() * size_of::<Pair>(),
        };
        [weights, 4 * CHANNEL_WORDS * geometry.padded_out_c()]
    }
}
