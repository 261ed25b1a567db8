//! `lcl compare`: quantised against float features.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use serde_json::json;

use host_trainer::{
    blob_file::BlobFile,
    checkpoint::Checkpoint,
    compare::Agreement,
    data::{ImageSet, Source, images_at_size},
    passes,
    quantise::{
        FoldedNetwork,
        budget::{Part, budget},
    },
    say, shipped, tell,
};

use super::images::ImageLimits;
use super::{names, numbers};

/// Compares the features of a blob with those of the checkpoint it came from
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lcl compare --images photos --size 96
  lcl compare --checkpoint best.safetensors --model model.lcl --images photos --size 96
  lcl compare --checkpoint best.safetensors --model model.lcl --images photos --size 96 --json
  lcl compare --budget --images photos --size 96
  lcl compare --layers --images photos --size 96")]
pub struct Args {
    /// The checkpoint [default: with --model left out too, LCL-V2's as it comes
    /// with the program]
    #[arg(long, value_name = "C.safetensors", requires = "model")]
    checkpoint: Option<PathBuf>,
    /// The blob
    #[arg(long, value_name = "M.lcl", requires = "checkpoint")]
    model: Option<PathBuf>,
    /// Images: a folder, a .tar, an image, or synthetic[:N[:SEED]]
    #[arg(long, value_name = "SRC", num_args = 1.., required = true, value_parser = names::source())]
    images: Vec<Source>,
    /// Width and height that the images are fitted to, in pixels
    #[arg(long, value_name = "N", value_parser = numbers::side())]
    size: u32,
    /// Prints one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Shows what each part of the blob costs alone, with all else in floats
    #[arg(long)]
    budget: bool,
    /// Shows every layer, components and convolutions too, and not only V1 and V2
    #[arg(long, conflicts_with = "budget")]
    layers: bool,
    #[command(flatten)]
    limits: ImageLimits,
}

/// Runs the command.
///
/// # Errors
///
/// When a file cannot be read or the images cannot be had.
pub fn run(args: &Args) -> Result<()> {
    args.limits.apply();
    let given = args.checkpoint.as_ref().zip(args.model.as_ref());
    let (checkpoint, file) = if let Some((checkpoint, model)) = given {
        (Checkpoint::read(checkpoint)?, BlobFile::read(model)?)
    } else {
        tell!("note: comparing LCL-V2 as it comes with the program, {}", shipped::FOLDER);
        (shipped::checkpoint()?, shipped::blob()?)
    };
    numbers::check_side(args.size, file.open()?.min_image_side())?;
    let network = FoldedNetwork::new(&checkpoint)?;
    let images = Arc::new(ImageSet::open(&args.images)?);
    let images = images_at_size(images, args.size);
    if args.budget {
        print_budget(&budget(&checkpoint, &file.open()?, images)?, args.json);
        return Ok(());
    }
    if args.layers {
        let layers = passes::compare_layers(&network, &file.open()?, images)?;
        if args.json {
            let layers = layers.iter().map(|(layer, found)| (layer.to_string(), json!(found)));
            say!("{}", json!({ "layers": layers.collect::<serde_json::Map<_, _>>() }));
        } else {
            let layers: Vec<_> =
                layers.iter().map(|(name, found)| (name.as_str(), *found)).collect();
            print_table("layer", &layers);
        }
        return Ok(());
    }
    let [v1, v2] = passes::compare(&network, &file.open()?, images)?;
    if args.json {
        say!("{}", json!({ "v1": v1, "v2": v2 }));
    } else {
        print_table("area", &[("V1", v1), ("V2", v2)]);
    }
    Ok(())
}

/// Prints what each part costs, in dB.
fn print_budget(parts: &[(Part, [Agreement; 2])], json: bool) {
    if json {
        let parts = parts
            .iter()
            .map(|(part, [v1, v2])| json!({ "part": part.to_string(), "v1": v1, "v2": v2 }));
        say!("{}", json!({ "budget": parts.collect::<Vec<_>>() }));
        return;
    }
    say!("SQNR in dB where this alone is the blob's");
    say!("part               V1      V2");
    for (part, [v1, v2]) in parts {
        say!("{part:<15}  {:6.2}  {:6.2}", v1.sqnr_db, v2.sqnr_db);
    }
}

fn print_table(what: &str, rows: &[(&str, Agreement)]) {
    let width = rows.iter().map(|(name, _)| name.len()).fold(what.len(), usize::max);
    say!("{what:<width$}  SQNR dB   cosine  largest error");
    for (name, agreement) in rows {
        say!(
            "{name:<width$}  {:7.2}  {:.5}  {:13.4}",
            agreement.sqnr_db,
            agreement.cosine,
            agreement.max_abs_error
        );
    }
}
