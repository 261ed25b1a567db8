//! `lcl inspect`: what is in a blob.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::Result;
use lcl_infer::{Blob, CONTRACT, StageParameters, memory_len_of, min_image_side};
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
    let stages: Vec<Value> = blob.stages().iter().map(describe_stage).collect();
    let memory: Vec<Value> = WIDTHS
        .map(|width| json!({ "width": width, "bytes": memory_len_of(&blob.convolutions(), width) }))
        .into();
    json!({
        "bytes": len,
        "contract": CONTRACT,
        "input": blob.input().name(),
        "golden": {
            "seed": golden.seed,
            "side": golden.side,
            "v1_crc32": golden.v1_crc32,
            "v2_crc32": golden.v2_crc32,
        },
        "smallest_image": min_image_side(&blob.convolutions()),
        "memory": memory,
        "stages": stages,
    })
}

fn describe_stage(stage: &StageParameters<'_>) -> Value {
    let conv = stage.conv.geometry();
    let (narrowest, widest) = scale_range(stage);
    json!({
        "in_c": conv.in_c(),
        "out_c": conv.out_c(),
        "kernel": conv.kernel(),
        "stride": conv.stride(),
        "padding": conv.padding(),
        "pool": stage.pool.name(),
        "weights": conv.weights_len(),
        "output_scale_min": narrowest,
        "output_scale_max": widest,
    })
}

fn scale_range(stage: &StageParameters<'_>) -> (f32, f32) {
    let scales = stage.output_scale.iter();
    (scales.clone().fold(f32::INFINITY, f32::min), scales.fold(0.0, f32::max))
}

fn print_table(blob: &Blob<'_>, name: &str, len: usize) {
    let golden = blob.golden();
    say!("blob     {name}, {len} bytes, contract {CONTRACT}");
    say!("input    {}, images from {} pixels", blob.input().name(), {
        min_image_side(&blob.convolutions())
    });
    say!(
        "golden   {side}×{side}, seed {}, CRC-32 of V1 {:08x}, of V2 {:08x}",
        golden.seed,
        golden.v1_crc32,
        golden.v2_crc32,
        side = golden.side,
    );
    for (stage, index) in blob.stages().iter().zip(1..) {
        let conv = stage.conv.geometry();
        let (narrowest, widest) = scale_range(stage);
        say!(
            "stage {index}  {} → {}, {kernel}×{kernel}, stride {}, reflect {}, pool {}, {} \
             weights, a byte is worth {narrowest:.2e} to {widest:.2e}",
            conv.in_c(),
            conv.out_c(),
            conv.stride(),
            conv.padding(),
            stage.pool.name(),
            conv.weights_len(),
            kernel = conv.kernel(),
        );
    }
    let memory = WIDTHS.map(|width| {
        format!("{} bytes at width {width}", memory_len_of(&blob.convolutions(), width))
    });
    say!("memory   {}", memory.join(", "));
}

fn dump(blob: &Blob<'_>, path: &std::path::Path) -> Result<()> {
    let tables: Vec<Tables> = blob.stages().iter().map(Tables::of).collect();
    // Wide values first, so that all of them are aligned in the file.
    let mut tensors = Vec::new();
    for (tables, index) in tables.iter().zip(1..) {
        let out_c = vec![tables.bias.len()];
        let named = |name: &str, values| NamedTensor {
            name: format!("stage{index}.{name}"),
            shape: out_c.clone(),
            values,
        };
        tensors.push(named("bias", Values::I32(&tables.bias)));
        tensors.push(named("multiplier", Values::I32(&tables.multiplier)));
        tensors.push(named("output_scale", Values::F32(&tables.output_scale)));
    }
    let weights = blob.stages().each_ref().map(|stage| {
        let filters = (0..stage.conv.geometry().out_c()).flat_map(|oc| stage.conv.filter(oc));
        filters.collect::<Vec<i8>>()
    });
    for (((tables, stage), weights), index) in
        tables.iter().zip(blob.stages()).zip(&weights).zip(1..)
    {
        let conv = stage.conv.geometry();
        tensors.push(NamedTensor {
            name: format!("stage{index}.weight"),
            shape: vec![conv.out_c(), conv.kernel(), conv.kernel(), conv.in_c()],
            values: Values::I8(weights),
        });
        tensors.push(NamedTensor {
            name: format!("stage{index}.shift"),
            shape: vec![conv.out_c()],
            values: Values::U8(&tables.shift),
        });
    }
    let [v1, v2] = blob.stages();
    let metadata = BTreeMap::from([
        ("contract".to_owned(), CONTRACT.to_owned()),
        ("stage1.pool".to_owned(), v1.pool.name().to_owned()),
        ("stage2.pool".to_owned(), v2.pool.name().to_owned()),
    ]);
    Ok(tensor_file::write(path, &tensors, &metadata)?)
}

/// The per-channel tables of a stage, one array each.
struct Tables {
    bias: Vec<i32>,
    multiplier: Vec<i32>,
    shift: Vec<u8>,
    output_scale: Vec<f32>,
}

impl Tables {
    fn of(stage: &StageParameters<'_>) -> Self {
        let channels = stage.conv.channels();
        Self {
            bias: channels.iter().map(|channel| channel.bias).collect(),
            multiplier: channels.iter().map(|channel| channel.requant.multiplier()).collect(),
            shift: channels.iter().map(|channel| channel.requant.shift()).collect(),
            output_scale: stage.output_scale.iter().collect(),
        }
    }
}
