//! Runs a blob on a picture and prints how active V1 and V2 are.

#[path = "shared/blob.rs"]
mod blob;
#[path = "shared/pnm.rs"]
mod pnm;

use std::{env, error::Error, process::ExitCode};

use blob::BlobFile;
use lcl_infer::{Blob, Frontend, FrontendError};
use pnm::Picture;

const USAGE: &str = "\
usage: cargo run --release -p lcl-infer --example picture -- MODEL.lcl PICTURE.ppm
MODEL.lcl is a blob: `cargo xtask train` writes runs/latest/model.lcl
PICTURE is a binary PPM (colour) or PGM (grey); `magick cat.png cat.ppm` makes one";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [model, picture] = arguments.as_slice() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if let Err(error) = run(model, picture) {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn run(model: &str, picture: &str) -> Result<(), Box<dyn Error>> {
    let file = BlobFile::read(model)?;
    let blob = Blob::open(file.bytes()).map_err(|error| format!("{model}: {error}"))?;
    let picture = Picture::read(picture)?;

    let mut memory = vec![0; blob.memory_len(picture.size.width)];
    let frontend = Frontend::new(&blob, picture.size, &mut memory).map_err(FrontendError::from)?;
    let mut frontend = frontend.with_pixels(picture.pixels).map_err(FrontendError::from)?;
    let mut maps: Vec<_> =
        blob.taps().map(|tap| (tap, vec![0; frontend.features_len(tap)])).collect();
    frontend.run_frame(&picture.bytes, |row| {
        for (_, map) in maps.iter_mut().filter(|(tap, _)| *tap == row.tap) {
            row.copy_to(map);
        }
    })?;

    for (tap, features) in &maps {
        let (Some(size), Some(channels)) = (frontend.map_size(*tap), frontend.map_channels(*tap))
        else {
            continue;
        };
        let scales = blob.output_scale(*tap).unwrap_or_default();
        let mut means = vec![0.0; channels];
        for pixel in features.chunks_exact(channels) {
            for ((mean, &byte), scale) in means.iter_mut().zip(pixel).zip(scales.iter()) {
                *mean += scale * f32::from(byte) / (size.width * size.height) as f32;
            }
        }
        println!("{tap}: {}×{} pixels, {channels} channels", size.width, size.height);
        let mut order: Vec<usize> = (0..channels).collect();
        order.sort_by(|&a, &b| means[b].total_cmp(&means[a]));
        for &channel in order.iter().take(5) {
            println!("  channel {channel:3}: mean {:.3}", means[channel]);
        }
    }
    Ok(())
}
