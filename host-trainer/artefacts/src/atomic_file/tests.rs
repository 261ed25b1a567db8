use super::*;

fn named(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    folder.path().join(name)
}

fn files(folder: &tempfile::TempDir) -> usize {
    fs::read_dir(folder.path()).expect("readable").count()
}

#[track_caller]
fn refused(path: &Path, expected: &str) {
    let error = write(path, &[b"x"]).expect_err("refused").to_string();
    assert!(error.contains(expected), "{error}");
    assert!(check(path).is_err());
}

#[test]
fn replaces_a_file_and_leaves_no_other() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = named(&folder, "file");
    write(&path, &[b"old"]).map_err(io::Error::other)?;
    write(&path, &[b"ne", b"w"]).map_err(io::Error::other)?;
    assert_eq!(fs::read(&path)?, b"new");
    assert_eq!(files(&folder), 1);
    Ok(())
}

#[test]
fn a_failure_names_the_file_and_leaves_nothing() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let target = named(&folder, "taken");
    fs::create_dir(&target)?;
    refused(&target, "taken");
    refused(&target, "folder");
    refused(&folder.path().join("new/"), "folder");
    refused(&named(&folder, "no/file"), "create its folder first");
    let mut read_only = fs::metadata(&target)?.permissions();
    let kept = named(&folder, "kept");
    write(&kept, &[b"kept"]).map_err(io::Error::other)?;
    read_only.set_readonly(true);
    fs::set_permissions(&kept, read_only)?;
    refused(&kept, "may not be written");
    assert_eq!(fs::read(&kept)?, b"kept");
    assert_eq!(files(&folder), 2);
    Ok(())
}

#[test]
fn names_as_long_as_file_systems_allow() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    for name in ["n".repeat(240), "n".repeat(255), "ß".repeat(120)] {
        write(&named(&folder, &name), &[b"x"]).map_err(io::Error::other)?;
        assert_eq!(fs::read(named(&folder, &name))?, b"x");
    }
    assert_eq!(files(&folder), 3);
    // Two long names that begin alike have two names beside them.
    let [one, two] = ["a", "b"].map(|end| beside(Path::new(&("n".repeat(240) + end))));
    assert_ne!(one, two);
    assert!(write(&named(&folder, &"n".repeat(300)), &[b"x"]).is_err());
    assert_eq!(files(&folder), 3);
    Ok(())
}

#[test]
fn what_is_not_committed_leaves_nothing() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = named(&folder, "file");
    write(&path, &[b"old"]).map_err(io::Error::other)?;
    let mut file = AtomicFile::create(&path).map_err(io::Error::other)?;
    file.file().write_all(b"half")?;
    assert_eq!(fs::read(&path)?, b"old");
    assert!(files(&folder) <= 2);
    drop(file);
    assert_eq!((fs::read(&path)?.as_slice(), files(&folder)), (&b"old"[..], 1));
    let mut file = AtomicFile::create(&path).map_err(io::Error::other)?;
    file.file().write_all(b"whole")?;
    file.commit().map_err(io::Error::other)?;
    assert_eq!((fs::read(&path)?.as_slice(), files(&folder)), (&b"whole"[..], 1));
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_gets_a_name_when_it_is_whole() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = named(&folder, "file");
    // Left by a program of the same number.
    fs::write(beside(&path), b"stale")?;
    let Ok(mut file) = nameless::create(folder.path()) else {
        return Ok(());
    };
    file.write_all(b"whole")?;
    assert_eq!(files(&folder), 1);
    nameless::name(&file, &beside(&path))?;
    assert_eq!(fs::read(beside(&path))?, b"whole");
    let mut file = AtomicFile::create(&path).map_err(io::Error::other)?;
    file.file().write_all(b"streamed")?;
    file.commit().map_err(io::Error::other)?;
    let alone = write(&named(&folder, "other"), &[b"x"]);
    alone.map_err(io::Error::other)?;
    let modes =
        [&path, &named(&folder, "other")].map(|path| fs::metadata(path).map(|m| m.permissions()));
    let [streamed, written] = modes;
    assert_eq!((fs::read(&path)?, streamed?), (b"streamed".to_vec(), written?));
    assert_eq!(files(&folder), 2);
    Ok(())
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_stay() -> io::Result<()> {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = tempfile::tempdir()?;
    let target = named(&folder, "target");
    write(&target, &[b"old"]).map_err(io::Error::other)?;
    fs::set_permissions(&target, Permissions::from_mode(0o640))?;
    symlink("target", named(&folder, "near"))?;
    symlink(named(&folder, "near"), named(&folder, "far"))?;
    symlink("not there", named(&folder, "dangling"))?;
    symlink("round", named(&folder, "round"))?;
    write(&named(&folder, "far"), &[b"new"]).map_err(io::Error::other)?;
    assert_eq!(fs::read(&target)?, b"new");
    assert_eq!(fs::metadata(&target)?.permissions().mode() & 0o777, 0o640, "what it allows");
    write(&named(&folder, "dangling"), &[b"made"]).map_err(io::Error::other)?;
    assert_eq!(fs::read(named(&folder, "not there"))?, b"made");
    for link in ["near", "far", "dangling", "round"] {
        assert!(fs::symlink_metadata(named(&folder, link))?.is_symlink(), "{link}");
    }
    refused(&named(&folder, "round"), "leads to itself");
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn devices_and_pipes_are_written_into_and_stay() -> io::Result<()> {
    use std::{io::Read, os::unix::fs::FileTypeExt};

    let null = Path::new("/dev/null");
    write(null, &[b"x"]).map_err(io::Error::other)?;
    AtomicFile::create(null).and_then(AtomicFile::commit).map_err(io::Error::other)?;
    assert!(fs::metadata(null)?.file_type().is_char_device());
    let error = write(Path::new("/dev/full"), &[b"x"]).expect_err("full").to_string();
    assert!(error.contains("space"), "{error}");

    let folder = tempfile::tempdir()?;
    let pipe = named(&folder, "pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status()?.success());
    for streamed in [false, true] {
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || {
                let mut read = Vec::new();
                File::open(pipe)?.read_to_end(&mut read)?;
                io::Result::Ok(read)
            }
        });
        if streamed {
            let mut file = AtomicFile::create(&pipe).map_err(io::Error::other)?;
            file.file().write_all(b"through")?;
            file.commit().map_err(io::Error::other)?;
        } else {
            write(&pipe, &[b"thr", b"ough"]).map_err(io::Error::other)?;
        }
        assert_eq!(reader.join().expect("read")?, b"through");
    }
    assert!(fs::symlink_metadata(&pipe)?.file_type().is_fifo());
    assert_eq!(files(&folder), 1);

    // Process substitution, and what a program has open.
    let opened = tempfile::NamedTempFile::new()?;
    (&opened).write_all(b"before ")?;
    let number = std::os::fd::AsRawFd::as_raw_fd(opened.as_file());
    write(Path::new(&format!("/dev/fd/{number}")), &[b"here"]).map_err(io::Error::other)?;
    assert_eq!(fs::read(opened.path())?, b"before here");
    Ok(())
}
