//! What a model makes of light that changes: the cosine of its V2 before and
//! after on the built-in film `light`, and the false events of a watcher.
//!
//! `cargo run --release --package lcl-images --example light -- M.lcl [SIZE]`
//!
//! An emulated board watches the same film, with the same events, by `cargo xtask
//! emulate --board mps2-an386 --example watch --image light --size 96 --model M.lcl`.

use std::{env, error::Error, sync::Arc};

use lcl_artefacts::{
    blob_file::BlobFile, integer_features::integer_features, sized_image::SizedImage,
    watch::watch_images,
};
use lcl_images::{DataError, ImageSet, Light, Source, images_at_size};
use lcl_infer::{V2, WatchSettings};

/// Frames of the film.
const FRAMES: usize = 128;

/// Least cosine that is aimed at.
const AIM: f64 = 0.98;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).ok_or("usage: light M.lcl [SIZE]")?;
    let size: u32 = env::args().nth(2).map_or(Ok(96), |size| size.parse())?;
    let file = BlobFile::read(path.as_ref())?;
    let blob = file.open()?;
    let sources = [Source::Light { frames: FRAMES, seed: 0 }];
    let set = Arc::new(ImageSet::open(&sources)?);
    let images: Vec<SizedImage> =
        images_at_size(Arc::clone(&set), size).collect::<Result<_, DataError>>()?;
    let pixels: Vec<_> = images.into_iter().map(|image| image.pixels).collect();
    let [_, v2] = integer_features(&blob, &pixels)?;
    let features = v2.dequantise(&blob, V2);
    let maps: Vec<&[f32]> = features.images().collect();

    println!("| light | least cosine of V2 to that before |\n|---|---|");
    let film = |frame: usize| Light { seed: 0, frame: frame as u64, frames: FRAMES as u64 };
    let mut least = 1.0_f64;
    for stop in [-3, -2, -1, 0, 1, 2, 3] {
        let shown = (0..FRAMES * 3 / 4).filter(|&frame| film(frame).stop() == stop);
        let cosine = shown.map(|frame| cosine(maps[0], maps[frame])).fold(1.0, f64::min);
        println!("| ×{} | {cosine:.4} |", 2_f64.powi(stop));
        least = least.min(cosine);
    }
    let shadow = (FRAMES * 3 / 4..FRAMES).map(|frame| cosine(maps[0], maps[frame]));
    let shadow = shadow.fold(1.0, f64::min);
    println!("| a shadow | {shadow:.4} |");
    let mut events = 0;
    let images = images_at_size(set, size);
    watch_images(&blob, size as usize, WatchSettings::default(), images, |said| {
        events += usize::from(!said.event.is_empty());
    })?;
    let verdict = if least.min(shadow) >= AIM { "reached" } else { "missed" };
    println!("\nthe aim of {AIM} is {verdict}; {events} false events in {FRAMES} frames, aim 0");
    Ok(())
}

/// Returns the cosine of the angle between two maps, 0 for one of zeros.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    };
    let size = (dot(a, a) * dot(b, b)).sqrt();
    if size > 0.0 { dot(a, b) / size } else { 0.0 }
}
