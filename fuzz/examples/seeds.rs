//! Writes the bytes that fuzzing starts from: `seeds FOLDER` fills
//! `FOLDER/open`, `FOLDER/stream` and `FOLDER/watch`.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use lcl_infer_fuzz::{opening_seed, streaming_seed, watching_seed};

/// Seeds of each target.
const COUNT: u8 = 24;

fn main() -> io::Result<()> {
    let missing = || io::Error::other("pass the folder to fill, such as fuzz/corpus");
    let folder = env::args_os().nth(1).map(PathBuf::from).ok_or_else(missing)?;
    write(&folder.join("open"), opening_seed)?;
    write(&folder.join("stream"), streaming_seed)?;
    write(&folder.join("watch"), watching_seed)
}

fn write(folder: &Path, seed: fn(u8) -> Vec<u8>) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for index in 0..COUNT {
        fs::write(folder.join(format!("seed-{index}")), seed(index))?;
    }
    Ok(())
}
