//! `runs/latest`, by which the newest run is found.
//!
//! It is a folder of links to the files of that run, all but its event file:
//! TensorBoard reads every folder below `runs`, links to folders included, and
//! would show the newest run twice.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Its name in the folder of runs.
pub(super) const LATEST: &str = "latest";

/// The file in it that has the name of the run.
const NAME: &str = "run";

/// The files of a run that it has links to.
const FILES: [&str; 10] = [
    "config.toml",
    "manifest.json",
    "images.jsonl",
    "metrics.jsonl",
    "checkpoint.safetensors",
    "previous.safetensors",
    "checksums.json",
    "best.safetensors",
    "model.lcl",
    "report.html",
];

/// Points `runs/latest` to the run of a name beside it. What else is in that
/// folder stays.
pub(super) fn point(runs: &Path, name: &Path) -> io::Result<()> {
    let latest = runs.join(LATEST);
    if fs::symlink_metadata(&latest).is_ok_and(|metadata| !metadata.is_dir()) {
        // As earlier versions had it.
        fs::remove_file(&latest)?;
    }
    fs::create_dir_all(&latest)?;
    for file in FILES {
        let link = latest.join(file);
        match fs::symlink_metadata(&link) {
            Ok(metadata) if metadata.is_symlink() => fs::remove_file(&link)?,
            // Somebody else's.
            Ok(_) => continue,
            Err(_) => {}
        }
        if symlink(&Path::new("..").join(name).join(file), &link).is_err() {
            // Where links cannot be made, the name alone has to do.
            break;
        }
    }
    fs::write(latest.join(NAME), name.as_os_str().as_encoded_bytes())
}

/// Returns the folder of the run that `path` points to where that is
/// `runs/latest`, otherwise `path` itself.
pub(super) fn resolve(path: &Path) -> PathBuf {
    let name = fs::read_to_string(path.join(NAME));
    match (name, path.parent()) {
        (Ok(name), Some(runs)) if path.file_name() == Some(LATEST.as_ref()) => runs.join(name),
        _ => path.to_owned(),
    }
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_newest_run_is_found_and_its_events_are_not() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let runs = folder.path();
        for name in ["1", "2"] {
            fs::create_dir(runs.join(name))?;
            fs::write(runs.join(name).join("events.out.tfevents.lcl"), b"")?;
        }
        // As earlier versions had it.
        symlink(Path::new("1"), &runs.join(LATEST))?;
        assert_eq!(resolve(&runs.join(LATEST)), runs.join(LATEST));
        for name in ["1", "2"] {
            point(runs, Path::new(name))?;
            fs::write(runs.join(name).join("model.lcl"), name)?;
            assert_eq!(fs::read_to_string(runs.join("latest/model.lcl"))?, name);
            assert_eq!(resolve(&runs.join(LATEST)), runs.join(name));
            fs::write(runs.join("latest/notes.txt"), b"mine")?;
        }
        assert!(runs.join("latest/notes.txt").exists());
        assert!(!runs.join("latest/events.out.tfevents.lcl").exists());
        let entries = fs::read_dir(runs.join(LATEST))?.flatten();
        assert!(entries.map(|entry| entry.path()).all(|path| !path.is_dir()));
        Ok(())
    }
}
