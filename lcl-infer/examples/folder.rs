//! Runs a blob on every picture of a folder and prints a line for each.
//!
//! Pictures of one size share a front-end's memory; no picture is resized.

#[path = "shared/blob.rs"]
mod blob;
#[path = "shared/pnm.rs"]
mod pnm;

use std::{env, error::Error, fs, path::PathBuf, process::ExitCode};

use blob::BlobFile;
use lcl_infer::{Blob, Frontend, FrontendError, V1, V2};
use pnm::Picture;

const USAGE: &str = "\
usage: cargo run --release -p lcl-infer --example folder -- MODEL.lcl FOLDER
MODEL.lcl is a blob: `cargo xtask train` writes runs/latest/model.lcl
FOLDER has pictures as binary .ppm (colour) or .pgm (grey); to convert one of
others: magick mogrify -format ppm FOLDER/*.png";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [model, folder] = arguments.as_slice() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if let Err(error) = run(model, folder) {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn run(model: &str, folder: &str) -> Result<(), Box<dyn Error>> {
    let file = BlobFile::read(model)?;
    let blob = Blob::open(file.bytes()).map_err(|error| format!("{model}: {error}"))?;
    let paths = pictures(folder)?;
    if paths.is_empty() {
        return Err(format!("{folder} has no .ppm and no .pgm\n{USAGE}").into());
    }
    let mut memory = Vec::new();
    for path in paths {
        let path = path.to_string_lossy();
        match describe(&blob, &path, &mut memory) {
            Ok(line) => println!("{path}: {line}"),
            Err(error) => eprintln!("{path}: skipped: {error}"),
        }
    }
    Ok(())
}

/// Returns the pictures of a folder in order of their names.
fn pictures(folder: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let entries =
        fs::read_dir(folder).map_err(|error| format!("cannot read {folder}: {error}\n{USAGE}"))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "ppm" || extension == "pgm") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn describe(blob: &Blob<'_>, path: &str, memory: &mut Vec<u8>) -> Result<String, Box<dyn Error>> {
    let picture = Picture::read(path)?;
    memory.resize(blob.memory_len(picture.size.width), 0);
    let frontend = Frontend::new(blob, picture.size, memory).map_err(FrontendError::from)?;
    let mut frontend = frontend.with_pixels(picture.pixels).map_err(FrontendError::from)?;
    let mut active = [0_usize; 2];
    frontend.run_frame(&picture.bytes, |row| {
        active[usize::from(row.tap == V2)] += row.values.iter().filter(|&&byte| byte > 0).count();
    })?;
    let [v1, v2] = [(V1, active[0]), (V2, active[1])]
        .map(|(tap, active)| 100.0 * active as f64 / frontend.features_len(tap) as f64);
    let size = picture.size;
    Ok(format!("{}×{}, {v1:.1} % of V1 and {v2:.1} % of V2 active", size.width, size.height))
}
