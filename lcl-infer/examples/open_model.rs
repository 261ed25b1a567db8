//! Opens a blob as a board would, and says what is wrong with it, or which cargo
//! features of lcl-infer a program needs for it, each on a line.
//!
//! `cargo run --release --package lcl-infer --example open_model -- M.lcl`

use std::{env, fs, path::Path, process::ExitCode};

use lcl_infer::{Blob, Part};

fn main() -> ExitCode {
    match env::args_os().nth(1).map(|path| open(path.as_ref())) {
        Some(Ok(parts)) => {
            for part in parts {
                println!("{part}");
            }
            ExitCode::SUCCESS
        }
        Some(Err(error)) => failed(&error),
        None => failed("usage: open_model M.lcl"),
    }
}

fn open(path: &Path) -> Result<Vec<Part>, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let mut aligned = vec![0_u128; bytes.len().div_ceil(size_of::<u128>())];
    let aligned = &mut bytemuck::cast_slice_mut(&mut aligned)[..bytes.len()];
    aligned.copy_from_slice(&bytes);
    let blob = Blob::open(aligned).map_err(|error| error.to_string())?;
    let needs = |part: &Part| blob.layers().any(|layer| layer.part() == Some(*part));
    Ok(Part::ALL.into_iter().filter(needs).collect())
}

fn failed(error: &str) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}
