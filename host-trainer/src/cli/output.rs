//! The files that commands write: never over what they read.

use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    fs,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use host_trainer::{
    atomic_file::{self, STANDARD_OUTPUT},
    console::{Speech, set_speech},
    data::Source,
    evaluate::ModelChoice,
};

/// A file to write, or `-`, the standard output.
#[derive(Clone, Debug)]
pub struct Output {
    named: PathBuf,
}

impl From<OsString> for Output {
    fn from(name: OsString) -> Self {
        Self { named: name.into() }
    }
}

impl Output {
    /// Returns the path to write to, having checked that something can be
    /// written there and that it is none of the inputs. Where it is the standard
    /// output, what the program says goes to standard error.
    pub fn claim(&self, inputs: &[&Path]) -> Result<&Path> {
        if self.named.as_os_str() != "-" {
            check(&self.named, inputs)?;
            return Ok(&self.named);
        }
        if io::stdout().is_terminal() {
            bail!("the standard output is a terminal, which shows no such file; send it elsewhere");
        }
        set_speech(Speech::Elsewhere);
        Ok(Path::new(STANDARD_OUTPUT))
    }

    /// Returns how messages call it.
    pub fn display(&self) -> std::path::Display<'_> {
        self.named.display()
    }

    /// Returns its path as it was named.
    pub fn path(&self) -> &Path {
        &self.named
    }
}

/// Returns the paths among sources of images.
pub fn paths<'a>(sources: impl IntoIterator<Item = &'a Source>) -> Vec<&'a Path> {
    let path = |source: &'a Source| match source {
        Source::Path(path) => Some(path.as_path()),
        _ => None,
    };
    sources.into_iter().filter_map(path).collect()
}

/// Returns the file of a model that is one.
pub fn model(model: &ModelChoice) -> Option<&Path> {
    match model {
        ModelChoice::File(path) => Some(path),
        _ => None,
    }
}

/// Endings of files that are in a folder of images and are none.
const NO_IMAGES: [&str; 9] =
    ["bin", "csv", "html", "json", "lcl", "npy", "npz", "safetensors", "toml"];

/// The file that makes a folder a pack, all of whose files are read.
const MANIFEST: &str = "manifest.json";

/// Checks that a file can be written at `output` and that it is none of the
/// inputs, by whatever name or link, nor in a folder among them.
pub fn check(output: &Path, inputs: &[&Path]) -> Result<()> {
    atomic_file::check(output)?;
    let is_file = |path: &Path| fs::metadata(path).is_ok_and(|found| found.is_file());
    if !is_file(output) {
        return Ok(());
    }
    let Some(identity) = Identity::of(output) else {
        return Ok(());
    };
    for input in inputs {
        if identity.is_at(input) || identity.is_in(input, &mut HashSet::new()) {
            bail!(
                "{} is read, as {}, and would be overwritten; give another name",
                output.display(),
                input.display()
            );
        }
    }
    Ok(())
}

/// Checks that a folder to be filled with what is read in the inputs is neither
/// one of them nor in one, nor holds one: it would be read for images itself.
pub fn check_folder(folder: &Path, inputs: &[&Path]) -> Result<()> {
    let folder_end = real(folder);
    for input in inputs {
        let input_end = real(input);
        if folder_end.starts_with(&input_end) || input_end.starts_with(&folder_end) {
            bail!(
                "{} is not apart from {}, which is read; choose a folder beside it with --out",
                folder.display(),
                input.display()
            );
        }
    }
    Ok(())
}

/// Returns a path without links, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut missing = Vec::new();
    let mut there = path.as_path();
    loop {
        match (fs::canonicalize(there), there.parent(), there.file_name()) {
            (Err(_), Some(parent), Some(name)) => {
                missing.push(name);
                there = parent;
            }
            (found, ..) => {
                let mut real = found.unwrap_or_else(|_| there.to_owned());
                real.extend(missing.into_iter().rev());
                return real;
            }
        }
    }
}

/// Which file it is, whatever its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Identity(#[cfg(unix)] (u64, u64), #[cfg(not(unix))] PathBuf);

impl Identity {
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;

        fs::metadata(path).ok().map(|found| Self((found.dev(), found.ino())))
    }

    #[cfg(not(unix))]
    fn of(path: &Path) -> Option<Self> {
        fs::canonicalize(path).ok().map(Self)
    }

    fn is_at(&self, path: &Path) -> bool {
        Self::of(path).as_ref() == Some(self)
    }

    /// Returns whether the file is somewhere below a folder and read there. What
    /// is looked at of each file is its number, which a listing has; links alone
    /// are followed.
    fn is_in(&self, folder: &Path, visited: &mut HashSet<Self>) -> bool {
        if !Self::of(folder).is_some_and(|identity| visited.insert(identity)) {
            return false;
        }
        let is_pack = folder.join(MANIFEST).exists();
        fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| {
            let Ok(kind) = entry.file_type() else {
                return false;
            };
            let path = entry.path();
            if kind.is_dir() || (kind.is_symlink() && path.is_dir()) {
                return self.is_in(&path, visited);
            }
            let is_read = is_pack || !path.extension().is_some_and(is_no_image);
            is_read && (kind.is_symlink() || self.may_be(&entry)) && self.is_at(&path)
        })
    }

    #[cfg(unix)]
    fn may_be(&self, entry: &fs::DirEntry) -> bool {
        use std::os::unix::fs::DirEntryExt;

        entry.ino() == self.0.1
    }

    #[cfg(not(unix))]
    fn may_be(&self, _: &fs::DirEntry) -> bool {
        true
    }
}

fn is_no_image(extension: &OsStr) -> bool {
    NO_IMAGES.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_apart_from_what_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("photos/more")).expect("a folder");
        fs::write(path("a.tar"), b"a").expect("a file");
        let (photos, archive) = (path("photos"), path("a.tar"));
        let inputs = [photos.as_path(), archive.as_path()];
        for apart in ["pack", "photos2", "new/photos", "photos/../pack"] {
            assert!(check_folder(&path(apart), &inputs).is_ok(), "{apart}");
        }
        for within in ["photos", "photos/pack", "photos/more/new", ".", "./photos/../photos"] {
            let error = check_folder(&path(within), &inputs).expect_err(within).to_string();
            assert!(error.contains("not apart from"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_input_is_known_by_every_name() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("photos/more")).expect("a folder");
        fs::write(path("photos/more/a.png"), b"a").expect("a file");
        fs::write(path("other"), b"b").expect("a file");
        fs::hard_link(path("photos/more/a.png"), path("hard")).expect("a link");
        symlink(path("hard"), path("soft")).expect("a link");
        symlink(path("photos"), path("photos/more/round")).expect("a link");
        let photos = path("photos");
        for name in ["photos/more/a.png", "hard", "soft", "photos/../hard"] {
            for input in ["photos", "photos/more/a.png", "hard", "soft"] {
                let refused = check(&path(name), &[&path("other"), &path(input)]);
                let error = refused.expect_err(name).to_string();
                assert!(error.contains("would be overwritten"), "{error}");
            }
        }
        for free in ["other", "new", "photos/new"] {
            assert!(check(&path(free), &[&photos, &path("hard"), &path("none")]).is_ok(), "{free}");
        }
        // A file of features beside the images may be made anew, a shard not.
        fs::write(path("photos/f.safetensors"), b"f").expect("a file");
        assert!(check(&path("photos/f.safetensors"), &[&photos]).is_ok());
        fs::write(path("photos/manifest.json"), b"{}").expect("a file");
        assert!(check(&path("photos/f.safetensors"), &[&photos]).is_err());
        // What is no file is overwritten by nobody.
        assert!(check(Path::new("/dev/null"), &[Path::new("/dev/null")]).is_ok());
    }
}
