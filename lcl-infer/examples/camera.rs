//! Runs a blob on rows that a camera sends while the image is still exposed.
//!
//! The camera is a thread that draws a drifting grating and sends it as most
//! webcams do, YUV 4:2:2, a row at a time. Between it and the features there is
//! no frame buffer: the first row of V1 is there long before the last row of
//! the image.

#[path = "shared/blob.rs"]
mod blob;

use std::{
    env,
    error::Error,
    process::ExitCode,
    sync::mpsc::{Receiver, sync_channel},
    thread,
    time::Instant,
};

use blob::BlobFile;
use lcl_infer::{Blob, Frontend, FrontendError, ImageSize, PixelFormat, V1, V2};

const USAGE: &str = "\
usage: cargo run --release -p lcl-infer --example camera -- MODEL.lcl [FRAMES]
MODEL.lcl is a blob: `cargo xtask train` writes runs/latest/model.lcl
FRAMES is how many images to take, 8 without it";

/// Width and height of the camera's images, in pixels.
const SIDE: u16 = 96;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (model, frames) = match arguments.as_slice() {
        [model] => (model, Ok(8)),
        [model, frames] => (model, frames.parse()),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let Ok(frames) = frames else {
        eprintln!("FRAMES is a whole number\n{USAGE}");
        return ExitCode::from(2);
    };
    if let Err(error) = run(model, frames) {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn run(model: &str, frames: u16) -> Result<(), Box<dyn Error>> {
    let file = BlobFile::read(model)?;
    let blob = Blob::open(file.bytes()).map_err(|error| format!("{model}: {error}"))?;
    let size = ImageSize::square(SIDE.into());
    let mut memory = vec![0; blob.memory_len(size.width)];
    let frontend = Frontend::new(&blob, size, &mut memory).map_err(FrontendError::from)?;
    let mut frontend = frontend.with_pixels(PixelFormat::Yuyv).map_err(FrontendError::from)?;
    let camera = camera(frames);
    for frame in 0..frames {
        let start = Instant::now();
        let (mut first_v1, mut sums) = (None, [0_usize; 2]);
        for y in 0..size.height {
            let row = camera.recv().map_err(|_| "the camera stopped within an image")?;
            frontend.push_row(&row)?;
            while let Some(row) = frontend.next() {
                first_v1.get_or_insert(y);
                sums[usize::from(row.tap == V2)] +=
                    row.values.iter().map(|&byte| usize::from(byte)).sum::<usize>();
            }
        }
        frontend.finish()?;
        let [v1, v2] = [(V1, sums[0]), (V2, sums[1])]
            .map(|(tap, sum)| sum as f64 / frontend.features_len(tap) as f64);
        println!(
            "image {frame}: {} bytes a row, first features after row {}, mean byte of V1 {v1:.1}, \
             of V2 {v2:.1}, {:.1} ms",
            frontend.row_len(),
            first_v1.unwrap_or_default(),
            1e3 * start.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

/// Starts the camera, which waits where nobody takes its rows.
fn camera(frames: u16) -> Receiver<Vec<u8>> {
    let (sender, receiver) = sync_channel(2);
    thread::spawn(move || {
        for frame in 0..frames {
            for y in 0..SIDE {
                if sender.send(row(frame, y)).is_err() {
                    return;
                }
            }
        }
    });
    receiver
}

/// Returns one row, `Y0 U Y1 V` for two pixels: a reddish grating that drifts.
fn row(frame: u16, y: u16) -> Vec<u8> {
    let luma = |x: u16| {
        let phase = (x + y / 2 + 4 * frame) % 16;
        let triangle = if phase < 8 { phase } else { 15 - phase };
        u8::try_from(40 + 24 * triangle).unwrap_or(u8::MAX)
    };
    (0..SIDE).step_by(2).flat_map(|x| [luma(x), 110, luma(x + 1), 150]).collect()
}
