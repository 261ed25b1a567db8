//! `lcl inspect`: what is in a blob.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::Result;
use lcl_infer::{
    Blob,
    parameters::{ConvParameters, LayerParameters, NormParameters, Operation, Scales},
    shape::{Border, MAX_IMAGE_SIDE, Sums},
};
use serde_json::{Value, json};

use host_trainer::{
    blob_file::BlobFile,
    say,
    tensor_file::{self, NamedTensor, Values},
};

use super::{names, output::Output};

/// Widths of images for which the memory is shown.
const WIDTHS: [usize; 3] = [48, 96, 224];

/// Shows what is in a blob
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lcl inspect runs/latest/model.lcl
  lcl inspect model.lcl --json
  lcl inspect model.lcl --dump tensors.safetensors")]
pub struct Args {
    /// The blob
    #[arg(value_name = "M.lcl")]
    blob: PathBuf,
    /// Prints one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Writes weights, biases, multipliers, shifts and scales to a safetensors file
    #[arg(long, value_name = "T.safetensors", value_parser = names::output())]
    dump: Option<Output>,
}

/// Runs the command.
///
/// # Errors
///
/// When the blob cannot be opened or the dump cannot be written.
pub fn run(args: &Args) -> Result<()> {
    let to = args.dump.as_ref().map(|output| output.claim(&[&args.blob])).transpose()?;
    let file = BlobFile::read(&args.blob)?;
    let blob = file.open()?;
    if let Some(path) = to {
        dump(&blob, path)?;
    }
    if args.json {
        say!("{}", describe(&blob, file.bytes().len()));
    } else {
        print_table(&blob, &args.blob.display().to_string(), file.bytes().len());
        if let Some(path) = &args.dump {
            say!("wrote    {}", path.display());
        }
    }
    Ok(())
}

fn describe(blob: &Blob<'_>, len: usize) -> Value {
    let golden = blob.golden();
    let layers: Vec<Value> = blob.layers().map(|layer| describe_layer(&layer)).collect();
    let memory: Vec<Value> =
        WIDTHS.map(|width| json!({ "width": width, "bytes": blob.memory_len(width) })).into();
    let mut described = json!({ "seed": golden.seed, "side": golden.side });
    for layer in blob.layers() {
        if let Some(tap) = layer.tap {
            described[format!("{}_crc32", tap.as_str().to_lowercase())] = layer.golden_crc32.into();
        }
    }
    json!({
        "bytes": len,
        "contract": blob.contract().id(),
        "input": blob.input().name(),
        "golden": described,
        "smallest_image": blob.min_image_side(),
        "largest_image": blob.max_image_side(),
        "memory": memory,
        "layers": layers,
    })
}

fn describe_layer(layer: &LayerParameters<'_>) -> Value {
    let mut described = json!({
        "name": layer.name.as_str(),
        "tap": layer.tap.map(|tap| tap.to_string()),
        "kind": layer.kind().name(),
        "contract": layer.kind().contract().id(),
    });
    let fields = match layer.operation {
        Operation::Conv(parameters) => {
            let conv = parameters.conv.geometry();
            let (narrowest, widest) = scale_range(parameters.output_scale);
            json!({
                "in_c": conv.in_c(),
                "out_c": conv.out_c(),
                "kernel": conv.kernel(),
                "stride": conv.stride(),
                "padding": conv.padding(),
                "border": conv.border().name(),
                "weights": conv.weights_len(),
                "transform": parameters.conv.toom().map(|toom| toom.transform().name()),
                "weights_bytes": parameters.conv.weights().len(),
                "output_scale_min": narrowest,
                "output_scale_max": widest,
            })
        }
        Operation::Pool(order) => json!({ "order": order.name() }),
        Operation::WindowPool(pool) => json!({
            "operation": pool.operation().name(),
            "window": pool.side(),
            "stride": pool.stride(),
            "padding": pool.padding(),
        }),
        Operation::Dense(parameters) => {
            let dense = parameters.dense.geometry();
            let (narrowest, widest) = scale_range(parameters.output_scale);
            json!({
                "inputs": dense.inputs(),
                "outputs": dense.outputs(),
                "sums": dense.sums() == Sums::Words,
                "weights": dense.inputs() * dense.outputs(),
                "output_scale_min": narrowest,
                "output_scale_max": widest,
            })
        }
        Operation::Norm(NormParameters { norm, output_scale }) => {
            let (narrowest, widest) = scale_range(output_scale);
            json!({
                "channels": norm.geometry().channels(),
                "kernel": norm.geometry().kernel(),
                "border": norm.geometry().border().name(),
                "weights": norm.geometry().conv().weights_len(),
                "output_scale_min": narrowest,
                "output_scale_max": widest,
            })
        }
        Operation::Resample(table) => json!({
            "in_side": table.resample().taken_side(),
            "out_side": table.resample().given_side(),
            "overlap": table.resample().overlap(),
        }),
        Operation::Retina(retina) => json!({
            "output": retina.output().name(),
            "shift": retina.shift(),
            "gain": retina.gain(),
            "offset": retina.offset(),
        }),
        Operation::Opponent(retina) => json!({
            "gain": retina.gain(),
            "offset": retina.offset(),
        }),
        Operation::Readout(parameters) => json!({
            "in_c": parameters.readout.geometry().in_c(),
            "neurons": parameters.readout.geometry().neurons(),
        }),
        _ => json!({}),
    };
    for (name, value) in fields.as_object().into_iter().flatten() {
        described[name] = value.clone();
    }
    described
}

fn scale_range(scales: Scales<'_>) -> (f32, f32) {
    let scales = scales.iter();
    (scales.clone().fold(f32::INFINITY, f32::min), scales.fold(0.0, f32::max))
}

fn print_table(blob: &Blob<'_>, name: &str, len: usize) {
    let golden = blob.golden();
    say!("blob     {name}, {len} bytes, contract {}", blob.contract().id());
    let (least, most) = (blob.min_image_side(), blob.max_image_side());
    let upto = if most < MAX_IMAGE_SIDE { format!(" to {most}") } else { String::new() };
    say!("input    {}, images from {least}{upto} pixels", blob.input().name());
    let crc32 = blob.layers().filter_map(|layer| Some((layer.tap?, layer.golden_crc32)));
    let crc32: Vec<String> = crc32.map(|(tap, crc32)| format!("of {tap} {crc32:08x}")).collect();
    say!(
        "golden   {side}×{side}, seed {}, CRC-32 {}",
        golden.seed,
        crc32.join(", "),
        side = golden.side,
    );
    for layer in blob.layers() {
        let tap = layer.tap.map_or_else(String::new, |tap| format!(", tap {tap}"));
        say!("{:<8} {}{tap}", layer.name, described(&layer));
    }
    let memory = WIDTHS.map(|width| format!("{} bytes at width {width}", blob.memory_len(width)));
    say!("memory   {}", memory.join(", "));
}

/// Returns one line about a layer.
fn described(layer: &LayerParameters<'_>) -> String {
    match layer.operation {
        Operation::Conv(parameters) => {
            let conv = parameters.conv.geometry();
            let (narrowest, widest) = scale_range(parameters.output_scale);
            let border = if conv.border() == Border::Zero { "zeros" } else { "reflect" };
            let transform = parameters
                .conv
                .toom()
                .map_or_else(String::new, |toom| format!(" through {}", toom.transform().name()));
            format!(
                "{} → {}, {kernel}×{kernel}, stride {}, {border} {}, {} weights{transform}, a \
                 byte is worth {narrowest:.2e} to {widest:.2e}",
                conv.in_c(),
                conv.out_c(),
                conv.stride(),
                conv.padding(),
                conv.weights_len(),
                kernel = conv.kernel(),
            )
        }
        Operation::Pool(order) => format!("pool {}", order.name()),
        Operation::WindowPool(pool) => format!(
            "{} of {side}×{side}, stride {}, zeros {}",
            pool.operation().name(),
            pool.stride(),
            pool.padding(),
            side = pool.side(),
        ),
        Operation::Readout(parameters) => {
            let geometry = parameters.readout.geometry();
            format!("{} neurons over {} channels", geometry.neurons(), geometry.in_c())
        }
        Operation::Dense(parameters) => {
            let dense = parameters.dense.geometry();
            let (narrowest, widest) = scale_range(parameters.output_scale);
            let step = if dense.sums() == Sums::Words { "sum" } else { "byte" };
            format!(
                "dense {} → {}, {} weights, a {step} is worth {narrowest:.2e} to {widest:.2e}",
                dense.inputs(),
                dense.outputs(),
                dense.inputs() * dense.outputs(),
            )
        }
        Operation::Norm(NormParameters { norm, output_scale }) => {
            let (narrowest, widest) = scale_range(output_scale);
            format!(
                "divisive normalisation of {} channels, {kernel}×{kernel}, a byte is worth \
                 {narrowest:.2e} to {widest:.2e}",
                norm.geometry().channels(),
                kernel = norm.geometry().kernel(),
            )
        }
        Operation::Resample(table) => format!(
            "resampling of {side}×{side} pixels to {out}×{out}, a row in up to {} runs",
            table.resample().overlap(),
            side = table.resample().taken_side(),
            out = table.resample().given_side(),
        ),
        Operation::Opponent(retina) => format!(
            "colour-opponent retina, contrast 1 is byte {}, offset {}/65280",
            retina.gain(),
            retina.offset(),
        ),
        Operation::Retina(retina) => format!(
            "retina {}, a mean over some {} pixels, contrast 1 is byte {}, offset {}/256",
            retina.output().name(),
            1 << retina.shift(),
            retina.gain(),
            retina.offset(),
        ),
        _ => layer.kind().name().to_owned(),
    }
}

/// Writes the tensors of all layers. Those of convolutions are called `stage1`,
/// `stage2`, as before there were other layers; others go by their layer's name.
fn dump(blob: &Blob<'_>, path: &std::path::Path) -> Result<()> {
    let components: Vec<Component> = blob.layers().filter_map(|layer| component(&layer)).collect();
    let tables: Vec<Tables> = blob.convolutions().map(|conv| Tables::of(&conv)).collect();
    // Wide values first, so that all of them are aligned in the file.
    let mut tensors = Vec::new();
    for (tables, number) in tables.iter().zip(1..) {
        let out_c = vec![tables.bias.len()];
        let named = |name: &str, values| NamedTensor {
            name: format!("stage{number}.{name}"),
            shape: out_c.clone(),
            values,
        };
        tensors.push(named("bias", Values::I32(&tables.bias)));
        tensors.push(named("multiplier", Values::I32(&tables.multiplier)));
        tensors.push(named("output_scale", Values::F32(&tables.output_scale)));
    }
    let of_components = || components.iter().flat_map(|component| &component.tensors);
    let wide =
        |tensor: &&(String, Vec<usize>, Owned)| matches!(tensor.2, Owned::I32(_) | Owned::F32(_));
    tensors.extend(of_components().filter(wide).map(named_tensor));
    tensors.extend(of_components().filter(|tensor| !wide(tensor)).map(named_tensor));
    for ((tables, conv), number) in tables.iter().zip(blob.convolutions()).zip(1..) {
        let conv = conv.conv.geometry();
        tensors.push(NamedTensor {
            name: format!("stage{number}.weight"),
            shape: vec![conv.out_c(), conv.kernel(), conv.kernel(), conv.in_c()],
            values: Values::I8(&tables.weights),
        });
        tensors.push(NamedTensor {
            name: format!("stage{number}.shift"),
            shape: vec![conv.out_c()],
            values: Values::U8(&tables.shift),
        });
    }
    let mut metadata = BTreeMap::from([("contract".to_owned(), blob.contract().id().to_owned())]);
    let layers: Vec<Value> = blob.layers().map(|layer| describe_layer(&layer)).collect();
    metadata.insert("layers".to_owned(), Value::from(layers).to_string());
    let pools = blob.layers().filter_map(|layer| match layer.operation {
        Operation::Pool(order) => Some(order),
        _ => None,
    });
    for (order, number) in pools.zip(1..) {
        metadata.insert(format!("stage{number}.pool"), order.name().to_owned());
    }
    Ok(tensor_file::write(path, &tensors, &metadata)?)
}

/// Values that a tensor of a component has.
enum Owned {
    I32(Vec<i32>),
    F32(Vec<f32>),
    I8(Vec<i8>),
    U8(Vec<u8>),
}

/// The tensors of a layer that is no convolution: name, shape, values.
struct Component {
    tensors: Vec<(String, Vec<usize>, Owned)>,
}

fn named_tensor((name, shape, values): &(String, Vec<usize>, Owned)) -> NamedTensor<'_> {
    let values = match values {
        Owned::I32(values) => Values::I32(values),
        Owned::F32(values) => Values::F32(values),
        Owned::I8(values) => Values::I8(values),
        Owned::U8(values) => Values::U8(values),
    };
    NamedTensor { name: name.clone(), shape: shape.clone(), values }
}

/// Returns the tensors of a normalisation or a resampling.
fn component(layer: &LayerParameters<'_>) -> Option<Component> {
    let named = |name: &str, shape, values| (format!("{}.{name}", layer.name), shape, values);
    let tensors = match layer.operation {
        Operation::Norm(NormParameters { norm, output_scale }) => {
            let (c, kernel) = (norm.geometry().channels(), norm.geometry().kernel());
            let weights = (0..c).flat_map(|channel| norm.filter(channel)).collect();
            let bias = norm.channels().map(|channel| channel.bias).collect();
            let multiplier = norm.channels().map(|channel| channel.multiplier).collect();
            vec![
                named("bias", vec![c], Owned::I32(bias)),
                named("multiplier", vec![c], Owned::I32(multiplier)),
                named("output_scale", vec![c], Owned::F32(output_scale.iter().collect())),
                named("weight", vec![c, kernel, kernel, c], Owned::I8(weights)),
            ]
        }
        Operation::Resample(table) => {
            let runs = table.runs().flat_map(|(run, _)| [run.start.into(), run.len.into()]);
            let weights: Vec<u8> = table.runs().flat_map(|(_, weights)| weights).copied().collect();
            vec![
                named("runs", vec![table.resample().given_side(), 2], Owned::I32(runs.collect())),
                named("run_weight", vec![weights.len()], Owned::U8(weights)),
            ]
        }
        _ => return None,
    };
    Some(Component { tensors })
}

/// The tables of a convolution, one array each.
struct Tables {
    bias: Vec<i32>,
    multiplier: Vec<i32>,
    shift: Vec<u8>,
    output_scale: Vec<f32>,
    /// OHWI.
    weights: Vec<i8>,
}

impl Tables {
    fn of(layer: &ConvParameters<'_>) -> Self {
        let channels = layer.conv.channels();
        let out_c = layer.conv.geometry().out_c();
        Self {
            weights: (0..out_c).flat_map(|oc| layer.conv.filter(oc)).collect(),
            bias: channels.iter().map(|channel| channel.bias).collect(),
            multiplier: channels.iter().map(|channel| channel.requant.multiplier()).collect(),
            shift: channels.iter().map(|channel| channel.requant.shift()).collect(),
            output_scale: layer.output_scale.iter().collect(),
        }
    }
}
