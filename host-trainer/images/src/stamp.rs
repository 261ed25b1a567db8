//! What tells whether the file of an image was changed since it was packed.

use std::{
    fs, io,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{archive::Member, pack::Packed};

/// What tells whether the file of an image was changed: its length and the time
/// of its last change, of a member of an archive the archive's time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// As packs keep it; empty where nothing is known.
    pub text: String,
    /// When the file was last changed, where that can be known.
    pub modified: Option<SystemTime>,
}

impl Stamp {
    /// Returns the stamp of a file.
    #[must_use]
    pub fn of_file(path: &Path) -> Self {
        let metadata = fs::metadata(path);
        metadata.and_then(|data| Self::new(data.len(), data.modified())).unwrap_or_default()
    }

    /// Returns the stamp of a member of an archive.
    #[must_use]
    pub fn of_member(member: &Member) -> Self {
        Self::new(member.byte_len(), member.modified()).unwrap_or_default()
    }

    /// Returns the stamp of a centre in a pack, its checksum.
    #[must_use]
    pub fn of_packed(packed: &Packed) -> Self {
        let text = packed.crc32().map(|crc32| format!("crc32:{crc32:08x}"));
        Self { text: text.unwrap_or_default(), modified: None }
    }

    /// Returns the stamp of a built-in image, which never changes.
    #[must_use]
    pub fn built_in() -> Self {
        Self { text: "built-in".to_owned(), modified: Some(UNIX_EPOCH) }
    }

    fn new(bytes: u64, modified: io::Result<SystemTime>) -> io::Result<Self> {
        let modified = modified?;
        let since = modified.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
        let text = format!("{bytes}:{}.{:09}", since.as_secs(), since.subsec_nanos());
        Ok(Self { text, modified: Some(modified) })
    }
}
