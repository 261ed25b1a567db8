//! Times tract on ONNX models: `tract-baseline FOLDER SECONDS` runs
//! `qlinear-SIZE.onnx` for that long at each size, and prints a line of words
//! between tabs for each, with the least milliseconds of a run.

use std::env;
use std::path::Path;
use std::time::{Duration, Instant};

use tract_onnx::prelude::*;

/// Release that Cargo.toml asks for.
const VERSION: &str = "0.23";

/// Widths and heights of the images.
const SIZES: [usize; 2] = [96, 224];

fn main() -> TractResult<()> {
    let arguments: Vec<String> = env::args().collect();
    let [_, folder, seconds] = arguments.as_slice() else {
        return Err(TractError::msg("usage: tract-baseline FOLDER SECONDS"));
    };
    let seconds: f64 = seconds.parse()?;
    for size in SIZES {
        let best = measure(&Path::new(folder).join(format!("qlinear-{size}.onnx")), size, seconds)?;
        println!("baseline\t{size}\ttract {VERSION}\t{:.4}", best.as_secs_f64() * 1e3);
    }
    Ok(())
}

fn measure(model: &Path, size: usize, seconds: f64) -> TractResult<Duration> {
    let model = onnx()
        .model_for_path(model)?
        .with_input_fact(0, u8::fact([1, 3, size, size]).into())?
        .into_optimized()?
        .into_runnable()?;
    let image: Tensor = tract_ndarray::Array4::from_shape_fn((1, 3, size, size), |(_, c, y, x)| {
        u8::try_from((c * 31 + y * 7 + x * 13) % 256).unwrap_or_default()
    })
    .into();
    let start = Instant::now();
    let mut best = Duration::MAX;
    while start.elapsed().as_secs_f64() < seconds {
        let run = Instant::now();
        model.run(tvec!(image.clone().into()))?;
        best = best.min(run.elapsed());
    }
    Ok(best)
}
