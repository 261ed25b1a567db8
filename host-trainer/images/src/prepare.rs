//! Making packs.

use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use super::{
    CENTRE_SIDE, Damage, DataError, ImageSet, Listing, MostlyDamaged, Source,
    pack::{
        FORMAT, MANIFEST, Manifest, Shard, ShardFile, centre_bytes, is_pack, is_side, shard_name,
    },
    packing::{Kept, NewShard},
    walk::is_hidden,
};
use lcl_artefacts::{
    atomic_file::{self, WriteError},
    printed::printed,
};

/// Bytes of one shard at most; so many are in memory at a time. These are 4,096
/// centres of 112 pixels.
const SHARD_BYTES: usize = 4096 * centre_bytes(CENTRE_SIDE);

/// A pack cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The images cannot be had.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Most images cannot be used.
    #[error(transparent)]
    MostlyDamaged(#[from] MostlyDamaged),
    /// The folder cannot be made.
    #[error("cannot make {}: {cause}; choose another folder with --out", printed(path))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The folder holds a pack of something else.
    #[error(
        "{} holds a pack of other images; choose another folder with --out, or remove it",
        printed(path)
    )]
    OtherImages {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds a pack of centres of another side.
    #[error(
        "{} holds a pack of {kept}x{kept} pixels of each image; choose another folder with --out, \
         or remove it",
        printed(path)
    )]
    OtherSide {
        /// The folder.
        path: PathBuf,
        /// Side of its centres.
        kept: u32,
    },
    /// No pack keeps centres of that side.
    #[error("a pack cannot keep {side}x{side} pixels of each image: the side is even, 16 to 224")]
    Side {
        /// The side asked for.
        side: u32,
    },
    /// The folder holds something else.
    #[error("{} holds files that are no pack; choose another folder with --out", printed(path))]
    OtherFiles {
        /// The folder.
        path: PathBuf,
    },
    /// The folder is one of the sources.
    #[error("{} is where the images come from; choose another folder with --out", printed(path))]
    IsSource {
        /// The folder.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// How far a pack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Images that are done.
    pub done: usize,
    /// Images in all.
    pub images: usize,
}

/// Decodes the images of `sources` in parallel and keeps their centres, of
/// `side`×`side` pixels, as a pack in the folder `out`.
///
/// Of a pack that is there already a centre is kept while the file of its image
/// has the same length and time of change; the others are made anew, and what
/// was skipped is tried again.
///
/// # Errors
///
/// When the images cannot be had, most are damaged, or the folder cannot be
/// written or holds another pack or other files, or for a side that is odd or
/// not 16 to 224.
pub fn prepare(
    sources: &[Source],
    side: u32,
    out: &Path,
    progress: &(dyn Fn(Prepared) + Sync),
) -> Result<Manifest, PrepareError> {
    if !is_side(side) {
        return Err(PrepareError::Side { side });
    }
    prepare_shards(sources, side, out, SHARD_BYTES / centre_bytes(side), progress)
}

fn prepare_shards(
    sources: &[Source],
    side: u32,
    out: &Path,
    shard_images: usize,
    progress: &(dyn Fn(Prepared) + Sync),
) -> Result<Manifest, PrepareError> {
    check_place(sources, out)?;
    let first = ShardFile::open(&out.join(shard_name(0))).ok();
    if let Some(kept) = first.map(|shard| shard.side).filter(|&kept| kept != side) {
        return Err(PrepareError::OtherSide { path: out.to_owned(), kept });
    }
    let set = open_as_packed(sources, out, shard_images)?;
    set.check_side(side)?;
    fs::create_dir_all(out)
        .map_err(|cause| PrepareError::Folder { path: out.to_owned(), cause })?;
    let mut manifest = Manifest {
        format: FORMAT.to_owned(),
        version: 1,
        side,
        sources: sources.iter().map(ToString::to_string).collect(),
        images: set.len(),
        count: 0,
        skipped: Vec::new(),
        shards: Vec::new(),
    };
    let (damage, done) = (Damage::default(), AtomicUsize::new(0));
    let count = || {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        progress(Prepared { done, images: set.len() });
    };
    for (number, range) in shards(set.len(), shard_images).enumerate() {
        let file = shard_name(number);
        let path = out.join(&file);
        let kept = Kept::open(&path, range.clone());
        let shard = NewShard::make(&set, side, range, kept.as_ref(), &damage, &count);
        damage.check()?;
        if !kept.is_some_and(|kept| kept.is(&shard)) {
            // Until all is done again, the manifest would say what is not there.
            remove_if_there(&out.join(MANIFEST))?;
            shard.write(&path)?;
        }
        manifest.count += shard.len();
        manifest.shards.push(Shard { file, count: shard.len(), crc32: shard.crc32() });
        manifest.skipped.extend(shard.into_skipped());
    }
    let text = serde_json::to_string_pretty(&manifest).map_err(io::Error::from);
    let path = out.join(MANIFEST);
    let text = text.map_err(|cause| WriteError::new(&path, cause))?;
    atomic_file::write(&path, &[text.as_bytes(), b"\n"])?;
    Ok(manifest)
}

/// Returns the images of each shard.
fn shards(images: usize, shard_images: usize) -> impl Iterator<Item = Range<usize>> {
    (0..images).step_by(shard_images).map(move |first| first..(first + shard_images).min(images))
}

/// Checks that a pack in `out` would neither lie among other files nor be made
/// from itself.
fn check_place(sources: &[Source], out: &Path) -> Result<(), PrepareError> {
    let path = out.to_owned();
    let is_out = |source: &Source| {
        let Source::Path(source) = source else { return false };
        source
            .canonicalize()
            .ok()
            .is_some_and(|source| out.canonicalize().is_ok_and(|out| out == source))
    };
    if sources.iter().any(is_out) {
        return Err(PrepareError::IsSource { path });
    }
    let is_other = |entry: fs::DirEntry| {
        let name = entry.file_name();
        let is_shard = name.as_encoded_bytes().starts_with(b"shard-");
        !is_hidden(&name) && !is_shard && name != MANIFEST
    };
    let mut entries = fs::read_dir(out).into_iter().flatten().flatten();
    if !is_pack(out) && entries.any(is_other) {
        return Err(PrepareError::OtherFiles { path });
    }
    Ok(())
}

/// Lists the images in the order of the pack in `out`, where there is one: older
/// packs ordered names by their text.
fn open_as_packed(
    sources: &[Source],
    out: &Path,
    shard_images: usize,
) -> Result<ImageSet, PrepareError> {
    for listing in [Listing::Numbers, Listing::Text] {
        let set = ImageSet::open_listed(sources, listing)?;
        let ranges = shards(set.len(), shard_images);
        let mut kept = ranges.enumerate().filter_map(|(number, range)| {
            Some((Kept::open(&out.join(shard_name(number)), range.clone())?, range))
        });
        let is_packed = kept.all(|(kept, range)| kept.has_images_of(&set, range));
        let more = out.join(shard_name(shards(set.len(), shard_images).count()));
        if is_packed && !more.exists() {
            return Ok(set);
        }
    }
    Err(PrepareError::OtherImages { path: out.to_owned() })
}

fn remove_if_there(path: &Path) -> Result<(), WriteError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(WriteError::new(path, cause)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
