//! The files in a folder, to any depth.

use std::{
    collections::HashSet,
    fs::{self, FileType},
    io,
    path::{Path, PathBuf},
};

use super::{pack, passed::PassedOver};

/// Lists the regular files in a folder, to any depth, sorted by their paths.
///
/// Hidden files and folders are left out. Links are followed; a folder that can
/// be reached in several ways is read once, by its own path if it has one in
/// `folder`. Packs are left out and counted, and what cannot be read is named
/// in `passed`.
///
/// # Errors
///
/// When `folder` itself cannot be read.
pub fn files(folder: &Path, passed: &mut PassedOver) -> io::Result<Vec<PathBuf>> {
    let mut walk = Walk { visited: HashSet::new(), links: Vec::new(), files: Vec::new(), passed };
    walk.folder(folder)?;
    while !walk.links.is_empty() {
        let mut links = std::mem::take(&mut walk.links);
        links.sort();
        for link in &links {
            walk.below(link);
        }
    }
    walk.files.sort();
    Ok(walk.files)
}

/// Returns what a file is that is neither regular nor a folder, as the end of a
/// sentence.
#[must_use]
pub fn kind_of(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;

        if kind.is_fifo() {
            return "it is a named pipe";
        } else if kind.is_socket() {
            return "it is a socket";
        } else if kind.is_block_device() || kind.is_char_device() {
            return "it is a device";
        }
    }
    let _ = kind;
    "it is no regular file"
}

/// Returns whether a name hides a file or a folder.
pub fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

struct Walk<'a> {
    /// Folders that were read, by their true paths.
    visited: HashSet<PathBuf>,
    /// Links to folders, which come after the folders themselves.
    links: Vec<PathBuf>,
    files: Vec<PathBuf>,
    passed: &'a mut PassedOver,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path) -> io::Result<()> {
        if !self.visited.insert(folder.canonicalize()?) {
            return Ok(());
        }
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if is_hidden(&entry.file_name()) {
                continue;
            }
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_symlink() => self.link(path),
                Ok(kind) => self.entry(path, kind),
                Err(error) => self.passed.unreadable(&path, &error.to_string()),
            }
        }
        Ok(())
    }

    fn link(&mut self, path: PathBuf) {
        match fs::metadata(&path) {
            Ok(target) if target.is_dir() => self.links.push(path),
            Ok(target) => self.entry(path, target.file_type()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.passed.unreadable(&path, "it is a link to a file that is not there");
            }
            Err(error) => self.passed.unreadable(&path, &error.to_string()),
        }
    }

    fn entry(&mut self, path: PathBuf, kind: FileType) {
        if kind.is_dir() {
            self.below(&path);
        } else if kind.is_file() {
            self.files.push(path);
        } else {
            self.passed.unreadable(&path, kind_of(kind));
        }
    }

    fn below(&mut self, folder: &Path) {
        if pack::is_pack(folder) {
            self.passed.pack();
        } else if let Err(error) = self.folder(folder) {
            self.passed.unreadable(folder, &error.to_string());
        }
    }
}
