//! Whole images, streamed with the kernels, against the reference.

use lcl_infer::blob::Golden;
use lcl_infer::blob::write::{
    BlobSpec, ConvSpec, DenseSpec, LayerSpec, NormSpec, OperationSpec, ResampleSpec,
};
use lcl_infer::kernels::Kernels;
use lcl_infer::toom::{Pair, TRANSFORMS, ToomGeometry};
use lcl_infer::{
    Architecture, Blob, ConvGeometry, Frontend, ImageSize, InputFormat, Layer, LayerKind,
    MAX_LAYERS, Name, PoolOrder, fast_memory_len, memory_len, reference,
};

use lcl_infer::shape::{DenseGeometry, Sums};

use crate::conv::compare;
use crate::draw::{NO_CHANNEL, Style, Values, fill_parameters};
use crate::memory::{BLOB_LEN, CHANNELS_LEN, FRONTEND_LEN, INPUT_LEN, Memory, OUT_LEN};
use crate::mismatch::{Fault, Shape};
use crate::norm::{NO_CHANNEL as NO_NORM_CHANNEL, fill_norm};
use crate::random::Random;
use crate::resample::{MAX_RUN_WEIGHTS, MAX_RUNS, fill_runs};

/// Most multiply-accumulates of a case that is drawn.
const MAX_MACS: u64 = 150_000;

/// Most layers of a case that is drawn.
const MOST_LAYERS: usize = 6;

/// A chain of layers and the size of an image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameCase {
    pub(crate) architecture: Architecture,
    pub(crate) size: ImageSize,
    /// Which transforms the convolutions have: 0 for none.
    transforms: usize,
    /// How many tiles of them the memory has room for.
    tiles: usize,
}

/// Names of the layers, which are those of their taps.
const NAMES: [&str; MAX_LAYERS] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"];

/// Returns the chain of layers, of which those are tapped that `taps` has a bit
/// for, and the last.
pub(crate) fn architecture(kinds: &[LayerKind], taps: u32) -> Option<Architecture> {
    let name = Name::new("-")?;
    let kind = LayerKind::Pool(PoolOrder::Max);
    let mut layers = [Layer { name, tap: None, kind }; MAX_LAYERS];
    for (index, ((layer, name), kind)) in layers.iter_mut().zip(NAMES).zip(kinds).enumerate() {
        let name = Name::new(name)?;
        let tapped = (taps >> index) & 1 == 1 || index + 1 == kinds.len();
        *layer = Layer { name, tap: tapped.then_some(name), kind: *kind };
    }
    Architecture::new(InputFormat::Rgb888, layers.get(..kinds.len())?)
}

impl FrameCase {
    /// Makes a case without transforms.
    pub(crate) const fn direct(architecture: &Architecture, size: ImageSize) -> Self {
        Self { architecture: *architecture, size, transforms: 0, tiles: 1 }
    }

    /// Draws a case that the suite has room and time for.
    pub(crate) fn draw(random: &mut Random) -> Self {
        loop {
            let Some(architecture) = draw(random) else { continue };
            let smallest = architecture.min_image_side();
            let largest = architecture.max_image_side();
            let size = ImageSize {
                width: smallest.saturating_add(random.below(14)).min(largest),
                height: smallest.saturating_add(random.below(10)).min(largest),
            };
            let (transforms, tiles) = (random.below(6).saturating_sub(2), 1 + random.below(3));
            let case = Self { architecture, size, transforms, tiles };
            if smallest <= MAX_SIDE && case.has_rows() && case.macs() <= MAX_MACS && case.has_room()
            {
                return case;
            }
        }
    }

    /// Returns the transform of a convolution, if it has one.
    fn transform(&self, conv: ConvGeometry) -> Option<ToomGeometry> {
        let takes = || TRANSFORMS.into_iter().filter_map(|it| ToomGeometry::new(conv, it));
        let which = self.transforms.checked_sub(1)?.checked_rem(takes().count())?;
        takes().nth(which)
    }

    fn memory_len(&self) -> usize {
        if self.transforms == 0 {
            memory_len(&self.architecture, self.size.width)
        } else {
            fast_memory_len(&self.architecture, self.size.width, self.tiles)
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        let mut layers = [None; MAX_LAYERS];
        for (place, layer) in layers.iter_mut().zip(self.architecture.layers()) {
            *place = Some(layer.kind);
        }
        Shape::Chain { layers, size: self.size }
    }

    /// Iterates over the layers with the size and channels of their input.
    fn layers(&self) -> impl Iterator<Item = (Layer, ImageSize, usize)> + '_ {
        let (mut size, mut channels) = (self.size, self.architecture.input().channels());
        self.architecture.layers().iter().map(move |&layer| {
            let item = (layer, size, channels);
            (size, channels) = (out_size(&layer.kind, size), layer.kind.out_c(channels));
            item
        })
    }

    /// Returns whether the layers take the image.
    fn has_rows(&self) -> bool {
        self.layers().all(|(layer, size, _)| area(out_size(&layer.kind, size)) > 0)
    }

    fn macs(&self) -> u64 {
        let macs = self.layers().map(|(layer, size, channels)| match layer.kind {
            LayerKind::Conv(conv) => conv.macs(size),
            LayerKind::Dense(dense) => {
                (area(size) * dense.inputs()).saturating_mul(dense.outputs()) as u64
            }
            LayerKind::Norm(norm) => norm.conv().macs(size),
            // The reference starts each mean anew.
            LayerKind::Opponent(_) => (1000 * area(size)) as u64,
            LayerKind::Retina(_) => (area(size) * area(size) * channels) as u64,
            _ => 0,
        });
        macs.sum()
    }

    fn has_room(&self) -> bool {
        let mut weights = 0;
        let (mut channels_len, mut packed, mut runs_len) = (0, 1024, 0);
        let layers_fit = self.layers().all(|(layer, size, channels)| {
            let (kind, out) = (layer.kind, out_size(&layer.kind, size));
            let fits = match kind {
                LayerKind::Conv(conv) => {
                    weights += conv.weights_len();
                    channels_len += conv.out_c();
                    let toom = self.transform(conv);
                    packed += toom
                        .map_or(conv.packed_len(), |toom| toom.weights_len() * size_of::<Pair>());
                    packed += 8 * conv.padded_out_c() * 4;
                    Memory::holds(&conv)
                }
                LayerKind::Dense(dense) => {
                    weights += dense.inputs() * dense.outputs();
                    channels_len += dense.outputs();
                    packed += dense.weights_len() + 8 * dense.padded_outputs() * 4;
                    dense.padded_outputs() <= CHANNELS_LEN
                }
                LayerKind::Norm(norm) => {
                    let conv = norm.conv();
                    weights += conv.weights_len();
                    channels_len += conv.out_c();
                    packed += conv.packed_len() + 8 * conv.padded_out_c() * 4;
                    Memory::holds(&conv)
                }
                LayerKind::Resample(_) => {
                    runs_len += MAX_RUNS;
                    packed += 6 * MAX_RUNS + MAX_RUN_WEIGHTS;
                    true
                }
                _ => true,
            };
            fits && area(size) * channels <= INPUT_LEN
                && area(out) * kind.out_c(channels) <= OUT_LEN.min(INPUT_LEN)
        });
        layers_fit
            && runs_len <= RUNS_LEN
            && weights <= crate::memory::WEIGHTS_LEN
            && channels_len <= CHANNELS_LEN
            && packed <= BLOB_LEN
            && self.memory_len() + MAX_OFFSET <= FRONTEND_LEN
    }
}

/// Draws a chain whose layers fit each other.
fn draw(random: &mut Random) -> Option<Architecture> {
    let order = random.pick(&PoolOrder::ALL)?;
    let mut kinds = [LayerKind::Pool(order); MOST_LAYERS];
    let len = 1 + random.below(MOST_LAYERS);
    let mut channels = InputFormat::Rgb888.channels();
    for (index, kind) in kinds.iter_mut().take(len).enumerate() {
        let is_pool = if index == 0 { random.below(8) == 0 } else { random.below(2) == 0 };
        if is_pool {
            *kind = match random.below(8) {
                0..=2 => LayerKind::WindowPool(crate::window_pool::draw(random)?),
                3 => LayerKind::Norm(crate::norm::draw(random, channels)?),
                4 => LayerKind::Resample(crate::resample::draw(random)?),
                6 if channels == 3 => LayerKind::Opponent(crate::opponent::draw(random)?),
                5 if channels <= 8 => LayerKind::Retina(crate::retina::draw(random)?),
                _ => *kind,
            };
        } else {
            let largest_kernel = if index == 0 { 11 } else { 5 };
            *kind = LayerKind::Conv(conv(random, channels, largest_kernel)?);
        }
        // Sums are handed out by the last layer alone.
        if random.below(6) == 0 {
            let drawn = crate::dense::draw(random, channels)?;
            let last = index + 1 == len;
            let sums = if last { drawn.sums() } else { Sums::Bytes };
            *kind = LayerKind::Dense(DenseGeometry::new(channels, drawn.outputs(), sums)?);
        }
        channels = kind.out_c(channels);
    }
    let taps = u32::from(random.byte());
    architecture(kinds.get(..len)?, taps)
}

fn conv(random: &mut Random, in_c: usize, largest_kernel: usize) -> Option<ConvGeometry> {
    let out_c = 1 + random.below(10);
    let kernel = 1 + random.below(largest_kernel);
    let any = random.below(kernel.div_ceil(2));
    let padding = random.pick(&[(kernel - 1) / 2, any])?;
    let border = random.pick(&lcl_infer::shape::Border::ALL)?;
    let conv = ConvGeometry::new(in_c, out_c, kernel, 1 + random.below(4), padding)?;
    Some(conv.with_border(border))
}

/// Largest of the smallest sides of cases that are drawn.
const MAX_SIDE: usize = 64;

/// Runs of the resamplings of one case, which are those of two at most.
const RUNS_LEN: usize = 2 * MAX_RUNS;

/// What a step of each byte is worth, which is of no account to the integers.
static SCALES: [f32; CHANNELS_LEN] = [1.0; CHANNELS_LEN];

/// The front-end's memory starts up to so many bytes past an aligned address.
const MAX_OFFSET: usize = 15;

fn out_size(kind: &LayerKind, size: ImageSize) -> ImageSize {
    ImageSize { width: kind.out_side(size.width), height: kind.out_height(size.height) }
}

const fn area(size: ImageSize) -> usize {
    size.width * size.height
}

/// Streams an image and compares every row of every tap with what the reference
/// makes of whole maps, and returns the number of bytes compared.
///
/// The image is streamed once for each tap, whose map is what the suite has
/// room for; all rows are counted.
pub(crate) fn check(
    kernels: &'static Kernels,
    memory: &mut Memory,
    case: &FrameCase,
    random: &mut Random,
) -> Result<usize, Fault> {
    let FrameCase { size, .. } = *case;
    if !case.has_room() {
        return Err(Fault::Refused);
    }
    let Memory { input, padded, weights, expected, frontend, blob, .. } = memory;
    let len = emit(case, random, weights, &mut **blob)?;
    let blob = blob.get(..len).and_then(|bytes| Blob::open(bytes).ok()).ok_or(Fault::Refused)?;
    let seed = random.bits();
    let memory_len = case.memory_len();
    let offset = random.below(1 + MAX_OFFSET);
    let row_count: usize =
        case.layers().filter(|(layer, ..)| layer.tap.is_some()).map(height).sum();
    let (mut compared, mut above) = (0, 0);
    for tapped in case.layers().filter(|(layer, ..)| layer.tap.is_some()) {
        let row_len = 3 * size.width;
        let len = whole_map(case, &blob, tapped.0.name, seed, [input, &mut **padded], expected)?;
        let expected = expected.get(..len).ok_or(Fault::Refused)?;
        let part = frontend.part(offset, memory_len).ok_or(Fault::Refused)?;
        Values::Any.fill(random, part);
        let mut engine =
            Frontend::with_kernels(&blob, size, part, kernels).map_err(|_| Fault::Refused)?;
        let (mut rows, mut of_tap) = (0, 0);
        let image = input.get_mut(..row_len * size.height).ok_or(Fault::Refused)?;
        Values::Any.fill(&mut Random::new(seed), image);
        for row in image.chunks_exact(row_len) {
            engine.push_row(row).map_err(|_| Fault::Refused)?;
            while let Some(row) = engine.next() {
                rows += 1;
                if Some(row.tap) != tapped.0.tap {
                    continue;
                }
                let expected = expected.chunks_exact(row.values.len().max(1)).nth(of_tap);
                let expected = expected.unwrap_or_default();
                compare(expected, row.values, above + of_tap, row.channels)?;
                if row.y != of_tap {
                    return Err(Fault::RowCount { expected: of_tap, got: row.y });
                }
                of_tap += 1;
            }
        }
        if rows != row_count || of_tap != height(tapped) {
            return Err(Fault::RowCount { expected: row_count, got: rows });
        }
        crate::conv::unbreached(frontend, offset, memory_len)?;
        compared += len;
        above += of_tap;
    }
    Ok(compared)
}

/// Returns the rows that a layer writes.
fn height((layer, size, _): (Layer, ImageSize, usize)) -> usize {
    layer.kind.out_height(size.height)
}

/// Computes the map of a layer with the reference into `out`, and returns its
/// length.
fn whole_map(
    case: &FrameCase,
    blob: &Blob<'_>,
    name: Name,
    seed: u64,
    maps: [&mut [u8]; 2],
    out: &mut [u8],
) -> Result<usize, Fault> {
    let [mut from, mut to] = maps;
    let image_len = 3 * area(case.size);
    let image = from.get_mut(..image_len).ok_or(Fault::Refused)?;
    Values::Any.fill(&mut Random::new(seed), image);
    for ((layer, size, channels), parameters) in case.layers().zip(blob.layers()) {
        let len = area(out_size(&layer.kind, size)) * layer.kind.out_c(channels);
        let map = to.get_mut(..len).ok_or(Fault::Refused)?;
        reference::layer_ref(&parameters.operation, size, channels, from, map);
        if layer.name == name {
            out.get_mut(..len).ok_or(Fault::Refused)?.copy_from_slice(map);
            return Ok(len);
        }
        core::mem::swap(&mut from, &mut to);
    }
    Err(Fault::Refused)
}

/// Draws the parameters of the layers and writes the blob.
fn emit(
    case: &FrameCase,
    random: &mut Random,
    mut weights: &mut [i8],
    blob: &mut [u8],
) -> Result<usize, Fault> {
    let mut channels = [NO_CHANNEL; CHANNELS_LEN];
    let mut channels = &mut channels[..];
    let mut norm_channels = [NO_NORM_CHANNEL; CHANNELS_LEN];
    let mut norm_channels = &mut norm_channels[..];
    let (mut runs, mut run_weights) = ([[0; 2]; RUNS_LEN], [0; 2 * MAX_RUN_WEIGHTS]);
    let (mut runs, mut run_weights) = (&mut runs[..], &mut run_weights[..]);
    let mut layers = [LayerSpec {
        name: Name::new("-").ok_or(Fault::Refused)?,
        tap: None,
        golden_crc32: 0,
        operation: OperationSpec::Pool(PoolOrder::Max),
    }; MAX_LAYERS];
    for (spec, layer) in layers.iter_mut().zip(case.architecture.layers()) {
        (spec.name, spec.tap) = (layer.name, layer.tap);
        spec.operation = match layer.kind {
            LayerKind::Pool(order) => OperationSpec::Pool(order),
            LayerKind::WindowPool(pool) => OperationSpec::WindowPool(pool),
            LayerKind::Retina(retina) => OperationSpec::Retina(retina),
            LayerKind::Opponent(retina) => OperationSpec::Opponent(retina),
            LayerKind::Resample(resample) => {
                let (taken, given) = (resample.taken_side(), resample.given_side());
                let (own, rest) =
                    core::mem::take(&mut runs).split_at_mut_checked(given).ok_or(Fault::Refused)?;
                runs = rest;
                let all = core::mem::take(&mut run_weights);
                let (_, len) = fill_runs(taken, given, own, all).ok_or(Fault::Refused)?;
                let (own_weights, rest) = all.split_at_mut_checked(len).ok_or(Fault::Refused)?;
                run_weights = rest;
                OperationSpec::Resample(ResampleSpec { resample, runs: own, weights: own_weights })
            }
            LayerKind::Norm(norm) => {
                let (own, rest) = core::mem::take(&mut weights)
                    .split_at_mut_checked(norm.conv().weights_len())
                    .ok_or(Fault::Refused)?;
                weights = rest;
                let (own_channels, rest) = core::mem::take(&mut norm_channels)
                    .split_at_mut_checked(norm.channels())
                    .ok_or(Fault::Refused)?;
                norm_channels = rest;
                fill_norm(random, norm, own, own_channels);
                OperationSpec::Norm(NormSpec {
                    norm,
                    weights: own,
                    channels: own_channels,
                    output_scale: SCALES.get(..norm.channels()).ok_or(Fault::Refused)?,
                })
            }
            LayerKind::Conv(conv) => {
                let (own, rest) = core::mem::take(&mut weights)
                    .split_at_mut_checked(conv.weights_len())
                    .ok_or(Fault::Refused)?;
                weights = rest;
                let (own_channels, rest) = core::mem::take(&mut channels)
                    .split_at_mut_checked(conv.out_c())
                    .ok_or(Fault::Refused)?;
                channels = rest;
                fill_parameters(random, Style::EDGES[0], own, own_channels);
                OperationSpec::Conv(ConvSpec {
                    conv,
                    transform: case.transform(conv).map(|toom| toom.transform()),
                    weights: own,
                    channels: own_channels,
                    output_scale: SCALES.get(..conv.out_c()).ok_or(Fault::Refused)?,
                })
            }
            LayerKind::Dense(dense) => {
                let (own, rest) = core::mem::take(&mut weights)
                    .split_at_mut_checked(dense.inputs() * dense.outputs())
                    .ok_or(Fault::Refused)?;
                weights = rest;
                let (own_channels, rest) = core::mem::take(&mut channels)
                    .split_at_mut_checked(dense.outputs())
                    .ok_or(Fault::Refused)?;
                channels = rest;
                fill_parameters(random, Style::EDGES[0], own, own_channels);
                OperationSpec::Dense(DenseSpec {
                    dense,
                    weights: own,
                    channels: own_channels,
                    output_scale: SCALES.get(..dense.outputs()).ok_or(Fault::Refused)?,
                })
            }
            _ => return Err(Fault::Refused),
        };
    }
    let side = u16::try_from(case.architecture.min_image_side()).map_err(|_| Fault::Refused)?;
    let layers = layers.get(..case.architecture.layers().len()).ok_or(Fault::Refused)?;
    let golden = Golden { seed: 0, side };
    let spec = BlobSpec { input: InputFormat::Rgb888, golden, layers, sections: &[] };
    spec.emit(blob).map_err(|_| Fault::Refused)
}
