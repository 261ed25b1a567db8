//! What a board is to send: features and events of a host's own computation.
//!
//! `expected MODEL KIND SIDE FRAMES OUT` reads whole frames as a sensor sends them
//! (`yuyv`, 640 by 480, or `grey`, 324 by 324) or images of the model's format
//! (`image`), takes them through [`Window`] and the engine, and writes the records that a
//! board sends: rows of V1 and V2, and an event for each frame that is one.
#![allow(clippy::print_stderr)]

#[path = "../../shared/tests/silent_log/mod.rs"]
mod silent_log;

use std::process::ExitCode;
use std::{env, fs};

use lcl_infer::{
    Blob, FeatureRow, Frontend, ImageSize, PixelFormat, V2, WatchSettings, Watcher,
};
use sensor::Window;
use shared::{record_area, record_header, watch_memory_len};

const EVENT_AREA: usize = 3;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [model, kind, side, frames, out] = arguments.as_slice() else {
        eprintln!("usage: expected MODEL yuyv|grey|image SIDE FRAMES OUT");
        return ExitCode::from(2);
    };
    match run(model, kind, side, frames).and_then(|records| write(out, &records)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(path: &str, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("cannot write {path}: {error}"))
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read {path}: {error}"))
}

fn run(model: &str, kind: &str, side: &str, frames: &str) -> Result<Vec<u8>, String> {
    let side: usize = side.parse().map_err(|_| format!("{side} is no side"))?;
    let (sensor, pixels) = match kind {
        "yuyv" => (Some(ImageSize { width: 640, height: 480 }), PixelFormat::Yuyv),
        "grey" => (Some(ImageSize::square(324)), PixelFormat::Gray8),
        "image" => (None, PixelFormat::Rgb8),
        _ => return Err(format!("{kind} is no kind of frame: yuyv, grey or image")),
    };
    let bytes = read(model)?;
    let blob = Blob::open(&bytes).map_err(|error| format!("{model}: {error}"))?;
    let pixels = if sensor.is_some() { pixels } else { blob.input().into() };
    let size = ImageSize::square(side);
    let mut memory = vec![0; watch_memory_len(side)];
    let (memory, watcher_memory) = memory.split_at_mut(blob.memory_len(side));
    let frontend = Frontend::new(&blob, size, memory).map_err(|refused| refused.error.to_string())?;
    let mut frontend = frontend.with_pixels(pixels).map_err(|refused| refused.error.to_string())?;
    let map = frontend.map_size(V2).ok_or("the model hands out no V2")?;
    let channels = frontend.map_channels(V2).ok_or("the model hands out no V2")?;
    let mut watcher = Watcher::new(map, channels, WatchSettings::default(), watcher_memory)
        .map_err(|error| error.to_string())?;
    let mut window = match sensor {
        Some(sensor) => Some(Window::new(sensor, pixels, side).map_err(|_| "no such side")?),
        None => None,
    };
    let line_len = |width| pixels.row_len(width).ok_or("the width is odd");
    let frame_len = match sensor {
        Some(sensor) => line_len(sensor.width)? * sensor.height,
        None => line_len(side)? * side,
    };
    let mut records = Vec::new();
    for frame in read(frames)?.chunks_exact(frame_len) {
        for y in 0..side {
            let mut row = vec![0; frontend.row_len()];
            match (&mut window, sensor) {
                (Some(window), Some(sensor)) => {
                    let len = line_len(sensor.width)?;
                    window.lines(y).for_each(|line| window.add(&frame[line * len..][..len]));
                    window.take(&mut row);
                }
                _ => row.copy_from_slice(&frame[y * frontend.row_len()..][..frontend.row_len()]),
            }
            let mut watched = Ok(());
            let pushed = frontend.push_row_with(&row, |features| {
                record(&mut records, &features);
                watched = watched.clone().and_then(|()| watcher.push(&features));
            });
            pushed.map_err(|error| error.to_string())?;
            watched.map_err(|error| error.to_string())?;
        }
        frontend.finish().map_err(|error| error.to_string())?;
        let novelty = watcher.finish().map_err(|error| error.to_string())?;
        if novelty.is_event() {
            let mut bytes = [0; lcl_infer::Novelty::MAX_LEN];
            let len = novelty.emit(&mut bytes).ok_or("an event has no room")?;
            records.extend(record_header([EVENT_AREA, 0, len]));
            records.extend(&bytes[..len]);
        }
    }
    Ok(records)
}

fn record(records: &mut Vec<u8>, features: &FeatureRow<'_>) {
    let header = [record_area(features.tap), features.y, features.values.len()];
    records.extend(record_header(header));
    records.extend(features.values);
}
