//! Packs: the centres of images, decoded once.
//!
//! A pack is a folder with a manifest, `manifest.json`, and shards,
//! safetensors files with the tensors `centres`, u8 `[N, side, side, 3]`, and
//! `crc32`, u32 `[N]`, the CRC-32 of each centre's bytes; older packs have the
//! first alone, and are read unchecked. The side is [`CENTRE_SIDE`], which is all
//! that LCL-V2 needs, or any even one up to [`SHORTER_SIDE`]. Images that could not be used keep their
//! place in the order, so that training from a pack sees what training from its
//! sources saw.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{CENTRE_SIDE, Content, SHORTER_SIDE, shared_file::SharedFile};
use lcl_artefacts::printed::{printed, text};

/// What the manifest and every shard say they are.
pub const FORMAT: &str = "lcl-pack";

/// Name of the manifest in its folder.
pub const MANIFEST: &str = "manifest.json";

/// Name of the tensor in a shard that holds the centres.
pub const TENSOR: &str = "centres";

/// Name of the tensor in a shard that holds the checksum of each.
pub const CHECKSUMS: &str = "crc32";

/// Least side of a centre, in pixels.
const LEAST_SIDE: u32 = 16;

/// Returns whether a pack may keep centres of that side, in pixels: even, so that
/// its middle is the middle of the image, and 16 to 224.
#[must_use]
pub fn is_side(side: u32) -> bool {
    side % 2 == 0 && (LEAST_SIDE..=SHORTER_SIDE).contains(&side)
}

/// Returns the bytes of one centre, `[side, side, 3]`.
#[must_use]
pub const fn centre_bytes(side: u32) -> usize {
    3 * side as usize * side as usize
}

fn side_of_older_packs() -> u32 {
    CENTRE_SIDE
}

/// Bytes of the longest header of a shard that is looked at.
const MOST_HEADER_BYTES: u64 = 1 << 28;

/// What is in a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// `lcl-pack`.
    pub format: String,
    /// Version of the format, 1.
    pub version: u32,
    /// Side of its centres, in pixels; older packs, which do not say it, have 112.
    #[serde(default = "side_of_older_packs")]
    pub side: u32,
    /// The sources that it was made from.
    pub sources: Vec<String>,
    /// Images of the sources.
    pub images: usize,
    /// Images of which the pack has the centre.
    pub count: usize,
    /// The others.
    pub skipped: Vec<Skipped>,
    /// The files, in the order of their images.
    pub shards: Vec<Shard>,
}

impl Manifest {
    /// Reads the manifest at `path`.
    ///
    /// # Errors
    ///
    /// When there is none, or it is of another format.
    pub fn read(path: &Path) -> Result<Self, PackError> {
        let path = path.to_owned();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(cause) => return Err(PackError::Io { path, cause }),
        };
        match serde_json::from_str::<Self>(&text) {
            Ok(manifest) if (manifest.format.as_str(), manifest.version) == (FORMAT, 1) => {
                Ok(manifest)
            }
            Ok(_) => Err(PackError::Shard { path, what: "its manifest is of another format" }),
            Err(cause) => Err(PackError::Manifest { path, cause }),
        }
    }
}

/// An image that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Its place among the images of all sources, from 0.
    pub index: usize,
    /// Its path or name.
    pub name: String,
    /// What was wrong with it.
    pub reason: String,
}

/// A file of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Its name in the folder.
    pub file: String,
    /// Centres in it.
    pub count: usize,
    /// CRC-32 of the centres' bytes, in hexadecimal.
    pub crc32: String,
}

/// A pack cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// A file is missing or cannot be read.
    #[error(
        "cannot read {} of a pack: {cause}; make the pack again with `lcl prepare`",
        printed(path)
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A manifest cannot be understood.
    #[error(
        "{} is not a pack's manifest: {cause}; make the pack again with `lcl prepare`",
        printed(path)
    )]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
    /// A shard is not what it should be.
    #[error(
        "{} is not a whole shard of a pack: {what}; make the pack again with `lcl prepare`",
        printed(path)
    )]
    Shard {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// What a shard's header has to say; a shard has no other tensor.
#[derive(Debug, Deserialize)]
struct Header {
    #[serde(rename = "__metadata__", default)]
    metadata: HashMap<String, String>,
    centres: TensorHeader,
    #[serde(default)]
    crc32: Option<TensorHeader>,
}

#[derive(Debug, Deserialize)]
struct TensorHeader {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// A shard, open for reading.
#[derive(Debug)]
pub struct ShardFile {
    file: Arc<SharedFile>,
    start: u64,
    /// Side of its centres, in pixels.
    pub side: u32,
    /// CRC-32 of each centre; none in an older pack.
    checksums: Option<Vec<u32>>,
    /// Names of the images whose centres are in it.
    pub names: Vec<String>,
    /// The strings in its header.
    pub metadata: HashMap<String, String>,
}

impl ShardFile {
    /// Opens the shard at `path`; of the centres nothing is read.
    ///
    /// # Errors
    ///
    /// When it is no shard, or not as long as its header says.
    pub fn open(path: &Path) -> Result<Self, PackError> {
        let io = |cause| PackError::Io { path: path.to_owned(), cause };
        let wrong = |what| PackError::Shard { path: path.to_owned(), what };
        let file = SharedFile::open(path).map_err(io)?;
        let mut header_len = [0; 8];
        file.read_at(&mut header_len, 0).map_err(|_| wrong("it is too short"))?;
        let header_len = u64::from_le_bytes(header_len);
        let file_len = file.byte_len().map_err(io)?;
        if header_len > MOST_HEADER_BYTES.min(file_len) {
            return Err(wrong("its header does not fit"));
        }
        let start = 8 + header_len;
        let mut header = vec![0; usize::try_from(header_len).unwrap_or_default()];
        file.read_at(&mut header, 8).map_err(|_| wrong("its header is cut off"))?;
        let header: Header =
            serde_json::from_slice(&header).map_err(|_| wrong("it has no tensor `centres`"))?;
        let Header { metadata, centres, crc32 } = header;
        let not_centres = || wrong("its tensor is not u8 [N, side, side, 3] of an even side");
        let [count, h, w, 3] = centres.shape[..] else {
            return Err(not_centres());
        };
        let side = u32::try_from(h).ok().filter(|&side| is_side(side)).ok_or_else(not_centres)?;
        let bytes = count.saturating_mul(centre_bytes(side));
        if (w, centres.dtype.as_str()) != (h, "U8") || centres.data_offsets != [0, bytes] {
            return Err(not_centres());
        }
        let checksum_bytes = if crc32.is_some() { 4 * count } else { 0 };
        if file_len != start + bytes as u64 + checksum_bytes as u64 {
            return Err(wrong("its length is not that of its centres"));
        }
        let is_expected = |tensor: &TensorHeader| {
            tensor.dtype == "U32"
                && tensor.shape == [count]
                && tensor.data_offsets == [bytes, bytes + checksum_bytes]
        };
        if !crc32.as_ref().is_none_or(is_expected) {
            return Err(wrong("its checksums are not u32 [N]"));
        }
        let checksums = crc32.map(|_| read_words(&file, start + bytes as u64, count)).transpose();
        let checksums = checksums.map_err(io)?;
        let names = metadata.get("images").and_then(|json| serde_json::from_str(json).ok());
        let name = text(path.as_os_str());
        let unnamed = || (0..count).map(|at| format!("{name}/{at:06}")).collect();
        let names: Vec<String> = names.unwrap_or_else(unnamed);
        if names.len() != count {
            return Err(wrong("it has another number of names than of centres"));
        }
        Ok(Self { file: Arc::new(file), start, side, checksums, names, metadata })
    }

    /// Returns where a centre is.
    #[must_use]
    pub fn centre(&self, at: usize) -> Packed {
        let side = self.side;
        let start = self.start + (at * centre_bytes(side)) as u64;
        let crc32 = self.checksums.as_ref().map(|checksums| checksums[at]);
        Packed { shard: Arc::clone(&self.file), name: self.names[at].clone(), start, side, crc32 }
    }

    /// Returns whether it has a checksum of each centre.
    #[must_use]
    pub fn has_checksums(&self) -> bool {
        self.checksums.is_some()
    }

    /// Computes the CRC-32 of all centres, and checks that of each.
    ///
    /// # Errors
    ///
    /// When they cannot be read, or one is not what it was.
    pub fn crc32(&self) -> io::Result<u32> {
        let mut hasher = crc32fast::Hasher::new();
        let mut bytes = vec![0; centre_bytes(self.side)];
        for at in 0..self.names.len() {
            let centre = self.centre(at);
            centre.read_into(&mut bytes)?;
            if !centre.is_sound(&bytes) {
                return Err(io::ErrorKind::InvalidData.into());
            }
            hasher.update(&bytes);
        }
        Ok(hasher.finalize())
    }
}

/// Reads little-endian words.
fn read_words(file: &SharedFile, start: u64, count: usize) -> io::Result<Vec<u32>> {
    let mut bytes = vec![0; 4 * count];
    file.read_at(&mut bytes, start)?;
    let words = bytes.chunks_exact(4).filter_map(|word| word.first_chunk());
    Ok(words.copied().map(u32::from_le_bytes).collect())
}

/// A centre in a shard.
#[derive(Clone, Debug)]
pub struct Packed {
    shard: Arc<SharedFile>,
    /// Name of the image.
    pub name: String,
    start: u64,
    /// Side of the centre, in pixels.
    pub side: u32,
    crc32: Option<u32>,
}

impl Packed {
    /// Reads the centre, RGB8 `[side, side, 3]`, unchecked.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is shorter than it was.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; centre_bytes(self.side)];
        self.read_into(&mut bytes)?;
        Ok(bytes)
    }

    /// Returns whether these are the bytes that the pack was made with; of an
    /// older pack nothing is known.
    #[must_use]
    pub fn is_sound(&self, bytes: &[u8]) -> bool {
        self.crc32.is_none_or(|expected| crc32fast::hash(bytes) == expected)
    }

    /// Returns the checksum that the pack keeps of it, if it keeps one.
    #[must_use]
    pub fn crc32(&self) -> Option<u32> {
        self.crc32
    }

    /// Returns the path of the file that it is in.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.shard.path()
    }

    fn read_into(&self, bytes: &mut [u8]) -> io::Result<()> {
        self.shard.read_at(bytes, self.start)
    }
}

/// An image of a pack.
#[derive(Clone, Debug)]
pub enum PackEntry {
    /// One whose centre is there.
    Packed(Packed),
    /// One that could not be used.
    Skipped(Arc<Skipped>),
}

/// Returns whether a folder holds a pack, or what there is of one that is not
/// finished.
#[must_use]
pub fn is_pack(folder: &Path) -> bool {
    folder.join(MANIFEST).is_file() || folder.join(shard_name(0)).is_file()
}

/// Returns the name of shard `number`.
#[must_use]
pub fn shard_name(number: usize) -> String {
    format!("shard-{number:05}.safetensors")
}

/// Lists the images of the pack in `folder`, in the order of its sources.
///
/// # Errors
///
/// When the pack is not finished, or a file is missing or damaged.
pub fn open(folder: &Path) -> Result<Vec<PackEntry>, PackError> {
    let path = folder.join(MANIFEST);
    let manifest = Manifest::read(&path)?;
    let mut packed = Vec::with_capacity(manifest.count);
    for shard in &manifest.shards {
        let path = folder.join(&shard.file);
        let file = ShardFile::open(&path)?;
        if file.names.len() != shard.count {
            return Err(PackError::Shard { path, what: "the manifest says another number" });
        }
        if file.side != manifest.side {
            return Err(PackError::Shard { path, what: "the manifest says another side" });
        }
        packed.extend((0..shard.count).map(|at| PackEntry::Packed(file.centre(at))));
    }
    let mut packed = packed.into_iter();
    let mut skipped = manifest.skipped.into_iter().peekable();
    let mut entries = Vec::with_capacity(manifest.images);
    for index in 0..manifest.images {
        let entry = match skipped.next_if(|skipped| skipped.index == index) {
            Some(skipped) => Some(PackEntry::Skipped(Arc::new(skipped))),
            None => packed.next(),
        };
        let what = "its manifest counts more images than there are";
        entries.push(entry.ok_or_else(|| PackError::Shard { path: path.clone(), what })?);
    }
    Ok(entries)
}

/// Lists what a pack, or one shard of a pack, says of its parts: for each shard
/// its checksum, and the images that were skipped.
///
/// # Errors
///
/// When it is damaged.
pub fn parts(path: &Path) -> Result<Vec<(String, Content)>, PackError> {
    if path.is_file() {
        let file = ShardFile::open(path)?;
        let crc32 = file.metadata.get("crc32").cloned().unwrap_or_default();
        let content = Content::Shard { centres: file.names.len(), crc32 };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(vec![(name, content)]);
    }
    let manifest = Manifest::read(&path.join(MANIFEST))?;
    let shards = manifest
        .shards
        .into_iter()
        .map(|Shard { file, count, crc32 }| (file, Content::Shard { centres: count, crc32 }));
    let skipped = manifest.skipped.into_iter();
    let skipped = skipped.map(|Skipped { name, index, .. }| (name, Content::Skipped { index }));
    Ok(shards.chain(skipped).collect())
}

/// Lists the images of one shard.
///
/// # Errors
///
/// When it is damaged.
pub fn open_shard(path: &Path) -> Result<Vec<PackEntry>, PackError> {
    let file = ShardFile::open(path)?;
    Ok((0..file.names.len()).map(|at| PackEntry::Packed(file.centre(at))).collect())
}
