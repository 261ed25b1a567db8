//! What each layer of a checkpoint's blob keeps of the float network, components
//! of V1 too: SQNR on built-in photographs that did not calibrate it.
//!
//! `cargo run --release -p lcl-evaluate --example layers -- C.safetensors [SIZE]`

use std::{env, error::Error, sync::Arc};

use lcl_artefacts::checkpoint::Checkpoint;
use lcl_images::{ImageSet, Source, images_at_size};
use lcl_infer::InputFormat;
use lcl_quantise::{
    FoldedNetwork, architecture,
    passes::{calibrate, compare_layers},
    quantise,
};

/// Photographs that calibrate, and as many others that are compared.
const IMAGES: usize = 64;

/// One in so many of the built-in photographs is used, of either.
const EVERY: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).ok_or("usage: layers C.safetensors [SIZE]")?;
    let size: u32 = env::args().nth(2).map_or(Ok(96), |size| size.parse())?;
    let checkpoint = Checkpoint::read(path.as_ref())?;
    let architecture = architecture(&checkpoint, InputFormat::Rgb888)?;
    let network = FoldedNetwork::new(&checkpoint)?;
    let all = ImageSet::open(&[Source::Photographs])?;
    let of = |first: usize| {
        let images = Arc::new(all.subset((0..IMAGES).map(|at| EVERY * at + first)));
        move || images_at_size(Arc::clone(&images), size)
    };
    let calibration = calibrate(&network, architecture, of(0))?;
    let model = quantise(&checkpoint, &calibration)?;
    let blob = model.to_blob()?;
    println!("| layer | SQNR in dB |\n|---|---|");
    for (layer, found) in compare_layers(&network, &blob.open()?, of(1)())? {
        println!("| `{layer}` | {:.1} |", found.sqnr_db);
    }
    Ok(())
}
