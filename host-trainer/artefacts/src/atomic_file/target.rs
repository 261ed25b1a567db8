//! Where the bytes of a file go, given the path that a user names.

use std::{
    fs::{self, Metadata, Permissions},
    io,
    path::{Path, PathBuf},
};

use super::STANDARD_OUTPUT;

/// Links that are followed from one to the next; Linux has the same limit.
const MOST_LINKS: usize = 40;

/// Where the bytes go.
#[derive(Debug)]
pub enum Target {
    /// To a file at this path, by renaming; what the file that is there allows.
    File(PathBuf, Option<Permissions>),
    /// Into what is there: a pipe, a device, an open file of this program.
    Stream(PathBuf),
    /// To the standard output.
    StandardOutput,
}

impl Target {
    /// Follows the links at `path` and looks at what is at their end.
    pub fn of(path: &Path) -> io::Result<Self> {
        if path == Path::new(STANDARD_OUTPUT) {
            return Ok(Self::StandardOutput);
        }
        if path.file_name().is_none() || ends_with_separator(path) {
            return Err(refused("it is the name of a folder; name a file in it"));
        }
        let mut end = path.to_owned();
        for _ in 0..MOST_LINKS {
            if is_descriptor(&end) {
                return Ok(Self::Stream(end));
            }
            match fs::symlink_metadata(&end) {
                Ok(found) if found.is_symlink() => {
                    let next = fs::read_link(&end)?;
                    end = end.parent().unwrap_or(Path::new("")).join(next);
                }
                Ok(found) => return Self::there(end, &found),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Self::absent(end);
                }
                Err(error) => return Err(error),
            }
        }
        Err(refused("it is a link that leads to itself"))
    }

    fn there(path: PathBuf, found: &Metadata) -> io::Result<Self> {
        if found.is_dir() {
            return Err(refused("it is a folder; name a file in it"));
        }
        if found.is_file() {
            let permissions = found.permissions();
            if permissions.readonly() {
                return Err(refused("there is a file that may not be written; name another"));
            }
            return Ok(Self::File(path, Some(permissions)));
        }
        if is_disk(found) {
            return Err(refused("it is a disk; name a file"));
        }
        Ok(Self::Stream(path))
    }

    fn absent(path: PathBuf) -> io::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let found = fs::metadata(folder.unwrap_or(Path::new(".")))?;
        if !found.is_dir() {
            return Err(refused("its folder is no folder"));
        }
        Ok(Self::File(path, None))
    }
}

fn refused(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

fn ends_with_separator(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().last().is_some_and(|last| *last == b'/')
}

/// Returns whether the path is one under which a process finds what it has
/// open, such as `/dev/fd/3`: to rename there is to write where nobody looks.
fn is_descriptor(path: &Path) -> bool {
    let Some(folder) = path.parent().and_then(|folder| fs::canonicalize(folder).ok()) else {
        return false;
    };
    folder.starts_with("/proc") && folder.ends_with("fd")
}

#[cfg(unix)]
fn is_disk(found: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;

    found.file_type().is_block_device()
}

#[cfg(not(unix))]
fn is_disk(_: &Metadata) -> bool {
    false
}
