//! Blobs whose every number is drawn from bytes.

use arbitrary::{Result, Unstructured};
use lcl_infer::blob::write::{
    BlobSpec, ConvSpec, DenseSpec, LayerSpec, NormSpec, OperationSpec, ResampleSpec,
};
use lcl_infer::blob::{Golden, SECTION_LABELS};
use lcl_infer::parameters::{Channel, MIN_MULTIPLIER, MIN_SHIFT, NormChannel, Requant};
use lcl_infer::shape::{
    Border, DenseGeometry, MAX_CHANNELS, NormGeometry, Opponent, Resample, Retina, RetinaOutput,
    Sums, WindowOperation, WindowPool,
};
use lcl_infer::toom::{TRANSFORMS, ToomGeometry, Transform};
use lcl_infer::{Architecture, Blob, ConvGeometry, InputFormat, Layer, LayerKind, Name, PoolOrder};
use lcl_infer_suite::{Random, Style, fill_norm, fill_parameters, fill_runs};

use crate::aligned::Aligned;

/// Most weights of one convolution.
const MAX_WEIGHTS: usize = 20_000;

/// Most layers of a chain that is drawn.
const MOST_LAYERS: usize = 6;

/// Largest of the smallest sides of images of chains that are drawn.
const MAX_SIDE: usize = 64;

/// The tables of one layer.
#[derive(Default)]
struct Weights {
    transform: Option<&'static Transform>,
    filters: Vec<i8>,
    channels: Vec<Channel>,
    norm_channels: Vec<NormChannel>,
    output_scale: Vec<f32>,
    runs: Vec<[u16; 2]>,
    shares: Vec<u8>,
}

/// Draws a blob that opens, or returns `None` if the chain that was drawn has
/// none.
pub fn draw(input: &mut Unstructured<'_>) -> Result<Option<Aligned>> {
    let format = *input.choose(&InputFormat::ALL)?;
    let mut random = Random::new(input.arbitrary()?);
    let count = input.int_in_range(1..=MOST_LAYERS)?;
    let mut channels = format.channels();
    let mut layers = Vec::new();
    for index in 0..count {
        let Some(mut kind) = kind(input, channels)? else {
            return Ok(None);
        };
        if let LayerKind::Dense(dense) = kind {
            // Sums are for the last layer.
            let last = DenseGeometry::new(dense.inputs(), dense.outputs(), Sums::Words);
            if let Some(last) = last.filter(|_| index + 1 == count) {
                kind = if input.arbitrary()? { LayerKind::Dense(last) } else { kind };
            }
        }
        channels = kind.out_c(channels);
        if channels > MAX_CHANNELS {
            return Ok(None);
        }
        let name = Name::new(&format!("layer{index}")).expect("a name");
        let tapped = index + 1 == count || input.arbitrary()?;
        layers.push(Layer { name, tap: tapped.then_some(name), kind });
    }
    let architecture = Architecture::new(format, &layers).expect("the layers fit each other");
    let side = architecture.min_image_side();
    let out = architecture.layers().iter().fold(side, |side, layer| layer.kind.out_side(side));
    if side > MAX_SIDE || out == 0 {
        return Ok(None);
    }
    Ok(Some(emit(&architecture, &mut random, None)))
}

fn kind(input: &mut Unstructured<'_>, in_c: usize) -> Result<Option<LayerKind>> {
    if input.ratio(1_u8, 4)? {
        return Ok(Some(LayerKind::Pool(*input.choose(&PoolOrder::ALL)?)));
    }
    if input.ratio(1_u8, 4)? {
        let side: usize = input.int_in_range(1..=15)?;
        let padding = input.int_in_range(0..=(side - 1) / 2)?;
        let operation = *input.choose(&WindowOperation::ALL)?;
        let pool = WindowPool::new(operation, side, input.int_in_range(1..=8)?, padding);
        return Ok(pool.map(LayerKind::WindowPool));
    }
    if input.ratio(1_u8, 6)? {
        // Bytes: sums are for a last layer.
        let dense = DenseGeometry::new(in_c, input.int_in_range(1..=40)?, Sums::Bytes);
        return Ok(dense.map(LayerKind::Dense));
    }
    match input.int_in_range(0..=10_u8)? {
        3 if in_c == 3 => {
            let (gain, offset) = (input.arbitrary()?, input.arbitrary()?);
            return Ok(Opponent::new(gain, offset).map(LayerKind::Opponent));
        }
        0 => {
            let kernel = *input.choose(&[1, 3, 5])?;
            let norm = NormGeometry::new(in_c, kernel, *input.choose(&Border::ALL)?);
            let norm = norm.filter(|norm| norm.conv().weights_len() <= MAX_WEIGHTS);
            return Ok(norm.map(LayerKind::Norm));
        }
        1 => {
            let (taken, given) = (input.int_in_range(1..=60)?, input.int_in_range(1..=60)?);
            return Ok(runs(taken, given).map(|(resample, ..)| LayerKind::Resample(resample)));
        }
        2 => {
            let output = *input.choose(&RetinaOutput::ALL)?;
            let (shift, gain) = (input.int_in_range(1..=7)?, input.arbitrary()?);
            return Ok(Retina::new(output, shift, gain, input.arbitrary()?).map(LayerKind::Retina));
        }
        _ => {}
    }
    let out_c = input.int_in_range(1..=40)?;
    let kernel: usize = input.int_in_range(1..=15)?;
    let stride = input.int_in_range(1..=8)?;
    let padding = input.int_in_range(0..=(kernel - 1) / 2)?;
    let border = *input.choose(&Border::ALL)?;
    let conv = ConvGeometry::new(in_c, out_c, kernel, stride, padding);
    let conv = conv.filter(|conv| conv.weights_len() <= MAX_WEIGHTS);
    Ok(conv.map(|conv| LayerKind::Conv(conv.with_border(border))))
}

/// Draws the runs of a resampling, which the sides are the seed of.
fn runs(taken: usize, given: usize) -> Option<(Resample, Vec<[u16; 2]>, Vec<u8>)> {
    let (mut runs, mut weights) = (vec![[0; 2]; given], vec![0; 2000]);
    let (overlap, len) = fill_runs(taken, given, &mut runs, &mut weights)?;
    weights.truncate(len);
    Some((Resample::new(taken, given, overlap)?, runs, weights))
}

/// Writes the blob of an architecture with weights that are drawn, in one style
/// or each in one of its own.
fn emit(architecture: &Architecture, random: &mut Random, style: Option<Style>) -> Aligned {
    let weights = architecture.layers().iter().map(|layer| {
        let (weights_len, outputs) = match layer.kind {
            LayerKind::Conv(conv) => (conv.weights_len(), conv.out_c()),
            LayerKind::Dense(dense) => (dense.inputs() * dense.outputs(), dense.outputs()),
            LayerKind::Norm(norm) => {
                let mut filters = vec![0; norm.conv().weights_len()];
                let mut norm_channels =
                    vec![NormChannel { bias: 1, multiplier: 0 }; norm.channels()];
                fill_norm(random, norm, &mut filters, &mut norm_channels);
                let output_scale = vec![0.5; norm.channels()];
                return Weights { filters, norm_channels, output_scale, ..Weights::default() };
            }
            LayerKind::Resample(resample) => {
                let drawn = runs(resample.taken_side(), resample.given_side());
                let (_, runs, shares) = drawn.expect("it was drawn");
                return Weights { runs, shares, ..Weights::default() };
            }
            _ => return Weights::default(),
        };
        let requant = Requant::new(MIN_MULTIPLIER, MIN_SHIFT).expect("within the ranges");
        let mut weights = vec![0; weights_len];
        let mut channels = vec![Channel { bias: 0, requant }; outputs];
        let style = style.unwrap_or_else(|| Style::draw(random));
        fill_parameters(random, style, &mut weights, &mut channels);
        // Whichever comes first of those that it takes, or none.
        let mut takes = TRANSFORMS.into_iter().skip(random.below(2 * TRANSFORMS.len()));
        let transform = takes.find(|transform| match layer.kind {
            LayerKind::Conv(conv) => ToomGeometry::new(conv, transform).is_some(),
            _ => false,
        });
        Weights {
            transform,
            filters: weights,
            channels,
            output_scale: vec![0.5; outputs],
            ..Weights::default()
        }
    });
    let weights: Vec<_> = weights.collect();
    let layers = architecture.layers().iter().zip(&weights).map(|(layer, weights)| LayerSpec {
        name: layer.name,
        tap: layer.tap,
        golden_crc32: 0,
        operation: match layer.kind {
            LayerKind::Conv(conv) => OperationSpec::Conv(ConvSpec {
                conv,
                transform: weights.transform,
                weights: &weights.filters,
                channels: &weights.channels,
                output_scale: &weights.output_scale,
            }),
            LayerKind::Pool(order) => OperationSpec::Pool(order),
            LayerKind::WindowPool(pool) => OperationSpec::WindowPool(pool),
            LayerKind::Dense(dense) => OperationSpec::Dense(DenseSpec {
                dense,
                weights: &weights.filters,
                channels: &weights.channels,
                output_scale: &weights.output_scale,
            }),
            LayerKind::Norm(norm) => OperationSpec::Norm(NormSpec {
                norm,
                weights: &weights.filters,
                channels: &weights.norm_channels,
                output_scale: &weights.output_scale,
            }),
            LayerKind::Resample(resample) => OperationSpec::Resample(ResampleSpec {
                resample,
                runs: &weights.runs,
                weights: &weights.shares,
            }),
            LayerKind::Retina(retina) => OperationSpec::Retina(retina),
            LayerKind::Opponent(retina) => OperationSpec::Opponent(retina),
            kind => panic!("{kind:?} is not drawn"),
        },
    });
    let layers: Vec<_> = layers.collect();
    let side = u16::try_from(architecture.min_image_side()).expect("at most GOLDEN_MAX_SIDE");
    let labels: &[(u32, &[u8])] = &[(SECTION_LABELS, b"cat\ndog\n")];
    let spec = BlobSpec {
        input: architecture.input(),
        golden: Golden { seed: 1, side },
        layers: &layers,
        sections: if random.below(2) == 0 { labels } else { &[] },
    };
    let mut bytes = vec![0; spec.max_len()];
    let len = spec.emit(&mut bytes).expect("max_len is enough");
    let bytes = Aligned::copy_of(&bytes[..len]);
    Blob::open(bytes.as_slice()).expect("what was drawn opens");
    bytes
}

/// Returns a blob of a few hundred bytes: two convolutions with their pools.
pub fn tiny(pool: PoolOrder, seed: u64) -> Aligned {
    let name = |text: &str| Name::new(text).expect("a name");
    let layer =
        |text: &str, tap: Option<&str>, kind| Layer { name: name(text), tap: tap.map(name), kind };
    let conv = |in_c, out_c| {
        LayerKind::Conv(ConvGeometry::new(in_c, out_c, 3, 1, 1).expect("the engine runs it"))
    };
    let layers = [
        layer("conv1", None, conv(3, 2)),
        layer("pool1", Some("V1"), LayerKind::Pool(pool)),
        layer("conv2", None, conv(2, 3)),
        layer("pool2", Some("V2"), LayerKind::Pool(pool)),
    ];
    let architecture = Architecture::new(InputFormat::Rgb888, &layers).expect("they fit");
    emit(&architecture, &mut Random::new(seed), Some(Style::EDGES[0]))
}
