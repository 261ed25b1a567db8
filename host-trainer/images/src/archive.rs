//! Images in tar archives, which are read where they are.

use std::{
    collections::HashMap,
    io::{self, Read, Seek, SeekFrom},
    path::{Component, Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use tar::EntryType;

use super::{passed::PassedOver, shared_file::SharedFile, walk::is_hidden};

/// Archives in archives, at most so deep.
const MOST_DEEP: usize = 4;

/// Links that lead to a file through each other, at most.
const MOST_LINKS: usize = 8;

/// What compressed files begin with, and the name of their format.
const COMPRESSED: [(&[u8], &str); 6] = [
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"PK\x03\x04", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
];

/// A file in an archive.
#[derive(Clone, Debug)]
pub struct Member {
    archive: Arc<SharedFile>,
    /// Path of the archive, then the member's in it.
    pub path: PathBuf,
    start: u64,
    len: u64,
}

impl Member {
    /// Returns the number of the file's bytes.
    pub fn byte_len(&self) -> u64 {
        self.len
    }

    /// Returns when the archive was last changed.
    pub fn modified(&self) -> io::Result<SystemTime> {
        self.archive.modified()
    }

    /// Returns a reader of the file's bytes.
    pub fn reader(&self) -> impl Read + '_ {
        Section { member: self, position: 0 }
    }
}

/// What is in an archive.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// The files that are wanted, in the archive's order.
    pub members: Vec<Member>,
    /// The others.
    pub passed: PassedOver,
}

/// Lists the files in the archive at `path` for which `is_wanted` says so, in
/// the archive's order; archives in it are looked into. Hidden files and folders
/// are left out; links to files of the archive count as these files.
///
/// An archive that was listed before and has not changed since is not read
/// again. `is_wanted` has to be the same each time.
pub fn members(path: &Path, is_wanted: fn(&Path) -> bool) -> io::Result<Arc<Listed>> {
    type Index = HashMap<PathBuf, (u64, SystemTime, Arc<Listed>)>;
    static INDEX: Mutex<Option<Index>> = Mutex::new(None);

    let archive = Arc::new(SharedFile::open(path)?);
    let (len, modified) = (archive.byte_len()?, archive.modified()?);
    let index = || INDEX.lock().unwrap_or_else(PoisonError::into_inner);
    let known = index().as_ref().and_then(|index| index.get(path).cloned());
    if let Some((_, _, listed)) = known.filter(|known| (known.0, known.1) == (len, modified)) {
        return Ok(listed);
    }
    let whole = Member { archive, path: path.to_owned(), start: 0, len };
    let mut listed = Listed::default();
    collect(&whole, is_wanted, MOST_DEEP, &mut listed)?;
    let listed = Arc::new(listed);
    let entry = (len, modified, Arc::clone(&listed));
    index().get_or_insert_default().insert(path.to_owned(), entry);
    Ok(listed)
}

/// Returns whether a name is that of an archive that can be read in place.
pub fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tar"))
}

/// Returns how a file is compressed, by what it begins with.
pub fn compression(mut file: impl Read) -> io::Result<Option<&'static str>> {
    let mut start = Vec::new();
    file.by_ref().take(8).read_to_end(&mut start)?;
    let known = COMPRESSED.into_iter().find(|(magic, _)| start.starts_with(magic));
    Ok(known.map(|(_, name)| name))
}

/// Where the bytes of a file are in its archive.
type Place = (u64, u64);

fn collect(
    archive: &Member,
    is_wanted: fn(&Path) -> bool,
    levels: usize,
    listed: &mut Listed,
) -> io::Result<()> {
    if let Some(format) = compression(archive.reader())? {
        return Err(io::Error::other(format!("it is compressed, {format}; unpack it")));
    }
    let mut places: HashMap<PathBuf, Place> = HashMap::new();
    let mut links = Vec::new();
    let section = Section { member: archive, position: 0 };
    for entry in tar::Archive::new(section).entries_with_seek()? {
        let entry = entry?;
        let name = entry.path()?.into_owned();
        let is_folder = name.as_os_str().as_encoded_bytes().ends_with(b"/");
        if name.components().any(is_hidden_part) || is_folder {
            continue;
        }
        let path = archive.path.join(&name);
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {
                let start = archive.start.checked_add(entry.raw_file_position());
                let place = start.map(|start| (start, entry.size()));
                let end = place.and_then(|(start, len)| start.checked_add(len));
                let (Some(place), Some(end)) = (place, end) else {
                    return Err(io::ErrorKind::InvalidData.into());
                };
                if end > archive.start + archive.len {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                if places.insert(normal(&name), place).is_some() && is_wanted(&name) {
                    listed.passed.twice();
                }
                add(archive, path, place, is_wanted, levels, listed);
            }
            EntryType::Link | EntryType::Symlink => {
                let target = entry.link_name()?.unwrap_or_default().into_owned();
                let folder = match entry.header().entry_type() {
                    EntryType::Symlink => name.parent().unwrap_or(Path::new("")),
                    _ => Path::new(""),
                };
                links.push((normal(&name), path, normal(&folder.join(target))));
            }
            EntryType::Directory | EntryType::XGlobalHeader => {}
            EntryType::GNUSparse => {
                listed.passed.unreadable(&path, "it is stored as a sparse file");
            }
            _ => listed.passed.unreadable(&path, "it is no regular file"),
        }
    }
    let targets: HashMap<PathBuf, PathBuf> =
        links.iter().map(|(name, _, target)| (name.clone(), target.clone())).collect();
    for (_, path, target) in links {
        let mut target = target;
        for _ in 0..MOST_LINKS {
            target = targets.get(&target).cloned().unwrap_or(target);
        }
        if let Some(place) = places.get(&target) {
            add(archive, path, *place, is_wanted, levels, listed);
        } else if !places.keys().any(|name| name.starts_with(&target)) {
            let why = "it is a link to a file that is not in the archive";
            listed.passed.unreadable(&path, why);
        }
    }
    Ok(())
}

/// Adds a file to what is listed, or what is in it where it is an archive.
fn add(
    archive: &Member,
    path: PathBuf,
    (start, len): Place,
    is_wanted: fn(&Path) -> bool,
    levels: usize,
    listed: &mut Listed,
) {
    let member = Member { archive: Arc::clone(&archive.archive), path, start, len };
    if is_archive(&member.path) && levels > 0 {
        if let Err(error) = collect(&member, is_wanted, levels - 1, listed) {
            listed.passed.unreadable(&member.path, &format!("it is not a whole .tar: {error}"));
        }
    } else if is_wanted(&member.path) {
        listed.members.push(member);
    } else {
        listed.passed.other(&member.path);
    }
}

fn is_hidden_part(part: Component<'_>) -> bool {
    matches!(part, Component::Normal(name) if is_hidden(name))
}

/// Returns a path in an archive without `.` and `..`, by its text.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => normal.push(name),
            Component::ParentDir => drop(normal.pop()),
            _ => {}
        }
    }
    normal
}

/// The bytes of a member, as a file of their own.
struct Section<'a> {
    member: &'a Member,
    position: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = self.member.len.saturating_sub(self.position);
        let count = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let bytes = &mut bytes[..count];
        self.member.archive.read_at(bytes, self.member.start + self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Section<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(start) => Some(start),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.member.len.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *bytes).expect("a member");
        }
        builder.into_inner().expect("an archive")
    }

    fn is_wanted(name: &Path) -> bool {
        name.extension().is_some_and(|extension| extension == "jpg")
    }

    fn names(listed: &Listed, path: &Path) -> Vec<String> {
        let within = |member: &Member| member.path.strip_prefix(path).map(Path::to_owned);
        let names = listed.members.iter().map(|member| within(member).expect("within"));
        names.map(|name| name.to_string_lossy().into_owned()).collect()
    }

    fn bytes(member: &Member) -> Vec<u8> {
        let mut bytes = Vec::new();
        member.reader().read_to_end(&mut bytes).expect("readable");
        bytes
    }

    #[test]
    fn members_are_listed_in_order_and_to_any_depth() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("all.tar");
        let long = format!("{}/z.jpg", "folder".repeat(30));
        let inner = tar(&[("b.jpg", b"four"), ("a.jpg", b"five"), ("b.cls", b"7")]);
        let outer = tar(&[
            (&long, b"one"),
            ("n1.tar", &inner),
            (".a.jpg", b"no"),
            (".git/a.jpg", b"no"),
            ("./c.jpg", b""),
        ]);
        std::fs::write(&path, &outer)?;
        let found = members(&path, is_wanted)?;
        let expected = [long.as_str(), "n1.tar/b.jpg", "n1.tar/a.jpg", "c.jpg"];
        assert_eq!(names(&found, &path), expected);
        let bytes: Vec<_> = found.members.iter().map(bytes).collect();
        assert_eq!(bytes, [&b"one"[..], b"four", b"five", b""]);
        assert!(Arc::ptr_eq(&found, &members(&path, is_wanted)?), "listed twice");
        std::fs::write(&path, &outer[..outer.len() / 2])?;
        assert!(members(&path, is_wanted).is_err(), "a truncated archive");
        Ok(())
    }

    #[test]
    fn links_are_the_files_that_they_lead_to() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("links.tar");
        let mut builder = tar::Builder::new(Vec::new());
        let mut add = |name: &str, kind: EntryType, target: &str, bytes: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            if target.is_empty() {
                builder.append_data(&mut header, name, bytes)
            } else {
                builder.append_link(&mut header, name, target)
            }
        };
        add("x/a.jpg", EntryType::Regular, "", b"first")?;
        add("hard.jpg", EntryType::Link, "x/a.jpg", b"")?;
        add("y/soft.jpg", EntryType::Symlink, "../x/a.jpg", b"")?;
        add("chain.jpg", EntryType::Symlink, "y/soft.jpg", b"")?;
        add("away.jpg", EntryType::Symlink, "/photos/a.jpg", b"")?;
        add("loop.jpg", EntryType::Symlink, "loop.jpg", b"")?;
        add("folder", EntryType::Symlink, "x", b"")?;
        add("pipe.jpg", EntryType::Fifo, "", b"")?;
        add("x/a.jpg", EntryType::Regular, "", b"again")?;
        std::fs::write(&path, builder.into_inner()?)?;
        let found = members(&path, is_wanted)?;
        let expected = ["x/a.jpg", "x/a.jpg", "hard.jpg", "y/soft.jpg", "chain.jpg"];
        assert_eq!(names(&found, &path), expected);
        assert_eq!(bytes(&found.members[4]), b"again", "as unpacking leaves it");
        let mut expected = PassedOver::default();
        expected.unreadable(&path.join("pipe.jpg"), "it is no regular file");
        expected.twice();
        for name in ["away.jpg", "loop.jpg"] {
            let why = "it is a link to a file that is not in the archive";
            expected.unreadable(&path.join(name), why);
        }
        assert_eq!(found.passed, expected);
        Ok(())
    }

    #[test]
    fn sizes_beyond_all_bounds_are_an_error() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("huge.tar");
        let mut header = tar::Header::new_gnu();
        header.set_path("a.jpg")?;
        header.set_size(u64::MAX - 100);
        header.set_cksum();
        std::fs::write(&path, [header.as_bytes(), &[0; 1024][..]].concat())?;
        assert!(members(&path, is_wanted).is_err());
        Ok(())
    }
}
