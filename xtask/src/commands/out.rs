//! Where the results of a board go: looked at before the board runs, and
//! written whole or not at all.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, Result, bail};

/// Most links that are followed from one to the next.
const LINKS: usize = 40;

/// Refuses a place that nothing can be written to, or that is one of `inputs`.
pub fn check(out: &Path, inputs: &[&Path]) -> Result<()> {
    if out == Path::new("-") {
        bail!("standard output has the log: name a file with --out");
    }
    let end = end_of_links(out);
    match fs::metadata(&end) {
        Ok(there) if there.is_dir() => {
            bail!("{} is a folder: name a file in it with --out", out.display());
        }
        Ok(there) if !there.is_file() => return Ok(()),
        _ => {}
    }
    if let Some(input) = inputs.iter().find(|input| is_same(input, &end)) {
        bail!("--out is {}, which is read too: name another file", input.display());
    }
    let folder = folder_of(&end);
    if !folder.is_dir() {
        bail!("cannot write {}: there is no folder {}", out.display(), folder.display());
    }
    let beside = beside(&end);
    File::create(&beside).with_context(|| format!("cannot write {}", out.display()))?;
    fs::remove_file(&beside).ok();
    Ok(())
}

/// Writes a file, whole or not at all; what is there and is no file, such as a
/// pipe, is written into.
pub fn write(bytes: &[u8], out: &Path) -> Result<()> {
    let end = end_of_links(out);
    let context = || format!("cannot write {}", out.display());
    if fs::metadata(&end).is_ok_and(|there| !there.is_file()) {
        let file = File::options().write(true).open(&end);
        return file.and_then(|mut file| file.write_all(bytes)).with_context(context);
    }
    let beside = beside(&end);
    let written = File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &end)
    });
    if written.is_err() {
        fs::remove_file(&beside).ok();
    }
    written.with_context(context)
}

/// Returns where links lead to, whether or not something is there.
fn end_of_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = fs::read_link(&path) else { break };
        path = folder_of(&path).join(target);
    }
    path
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str() != OsStr::new("") => parent,
        _ => Path::new("."),
    }
}

/// Returns a name beside the file, however long the file's own is.
fn beside(path: &Path) -> PathBuf {
    folder_of(path).join(format!(".lcl-{}.partial", process::id()))
}

fn is_same(one: &Path, other: &Path) -> bool {
    let [one, other] = [one, other].map(fs::canonicalize);
    one.is_ok_and(|one| other.is_ok_and(|other| one == other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::temporary_folder;

    fn refused(out: &Path, inputs: &[&Path]) -> String {
        check(out, inputs).expect_err("it is refused").to_string()
    }

    #[test]
    fn places_that_cannot_be_written_are_refused_first() {
        let folder = temporary_folder().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("m.lcl"), "blob").expect("written");
        assert!(check(&path("new"), &[]).is_ok());
        assert!(check(Path::new("new-in-this-folder"), &[]).is_ok());
        assert!(check(&path("m.lcl"), &[&path("other")]).is_ok());
        assert!(refused(Path::new("-"), &[]).contains("standard output has the log"));
        assert!(refused(folder.path(), &[]).contains("is a folder"));
        assert!(refused(&path("none/new"), &[]).contains("there is no folder"));
        assert!(refused(&path("m.lcl/new"), &[]).contains("there is no folder"));
        assert!(refused(&path("m.lcl"), &[&path("m.lcl")]).contains("which is read too"));
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1, "left over");
        let error = write(b"x", folder.path()).expect_err("a folder").to_string();
        assert!(error.starts_with("cannot write "), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn files_of_any_name_are_replaced_whole_and_links_and_devices_stay() {
        use std::os::unix::fs::{FileTypeExt, symlink};

        let folder = temporary_folder().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let long = "e".repeat(240);
        symlink("target", path("link")).expect("linked");
        // The link leads nowhere at first.
        for (name, file) in [("e", "e"), (&long, &long), ("link", "target")] {
            for bytes in [&b"first"[..], b"2"] {
                check(&path(name), &[]).expect("it can be written");
                write(bytes, &path(name)).expect("written");
                assert_eq!(fs::read(path(file)).expect("it is there"), bytes);
            }
        }
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 4, "left over");
        assert!(fs::symlink_metadata(path("link")).is_ok_and(|link| link.is_symlink()));
        assert!(refused(&path("link"), &[&path("target")]).contains("which is read too"));
        symlink("/dev/null", path("null")).expect("linked");
        write(b"gone", &path("null")).expect("written");
        assert!(fs::metadata("/dev/null").is_ok_and(|null| null.file_type().is_char_device()));
    }
}
