//! Making packs.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use rayon::prelude::*;

use super::{
    CENTRE_SIDE, Damage, DataError, ImageSet, MostlyDamaged, Source,
    pack::{
        CENTRE_BYTES, CHECKSUMS, FORMAT, MANIFEST, Manifest, Shard, ShardFile, Skipped, TENSOR,
        shard_name,
    },
};
use crate::{
    atomic_file::{self, WriteError},
    tensor_file::{self, NamedTensor, Values},
};

/// Images of one shard, 154 MB; so many are in memory at a time.
const SHARD_IMAGES: usize = 4096;

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
    #[error("cannot make {}: {cause}; choose another folder with --out", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The folder holds a pack of something else.
    #[error(
        "{} holds a pack of other images; choose another folder with --out, or remove it",
        path.display()
    )]
    OtherImages {
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

/// Decodes the images of `sources` in parallel and keeps their centres as a pack
/// in the folder `out`. Shards that are there already are checked and kept.
///
/// # Errors
///
/// When the images cannot be had, most are damaged, or the folder cannot be
/// written or holds another pack.
pub fn prepare(
    sources: &[Source],
    out: &Path,
    progress: &(dyn Fn(Prepared) + Sync),
) -> Result<Manifest, PrepareError> {
    prepare_shards(sources, out, SHARD_IMAGES, progress)
}

fn prepare_shards(
    sources: &[Source],
    out: &Path,
    shard_images: usize,
    progress: &(dyn Fn(Prepared) + Sync),
) -> Result<Manifest, PrepareError> {
    let set = ImageSet::open(sources)?;
    fs::create_dir_all(out)
        .map_err(|cause| PrepareError::Folder { path: out.to_owned(), cause })?;
    let mut manifest = Manifest {
        format: FORMAT.to_owned(),
        version: 1,
        sources: sources.iter().map(ToString::to_string).collect(),
        images: set.len(),
        count: 0,
        skipped: Vec::new(),
        shards: Vec::new(),
    };
    let (damage, done) = (Damage::default(), AtomicUsize::new(0));
    let count = |by: usize| {
        let done = done.fetch_add(by, Ordering::Relaxed) + by;
        progress(Prepared { done, images: set.len() });
    };
    for (number, first) in (0..set.len()).step_by(shard_images).enumerate() {
        let file = shard_name(number);
        let path = out.join(&file);
        let range = first..(first + shard_images).min(set.len());
        let shard = if path.exists() { finished(&set, range.clone(), &path, out)? } else { None };
        let (shard, skipped) = match shard {
            Some(finished) => {
                count(range.len());
                finished
            }
            None => make(&set, range, &path, &damage, &count)?,
        };
        damage.check()?;
        manifest.count += shard.count;
        manifest.skipped.extend(skipped);
        manifest.shards.push(Shard { file, ..shard });
    }
    let text = serde_json::to_string_pretty(&manifest).map_err(io::Error::from);
    let path = out.join(MANIFEST);
    let text = text.map_err(|cause| WriteError::new(&path, cause))?;
    atomic_file::write(&path, &[text.as_bytes(), b"\n"])?;
    Ok(manifest)
}

/// Returns what is in a shard that an earlier call made, or nothing where it is
/// damaged and has to be made again.
fn finished(
    set: &ImageSet,
    range: std::ops::Range<usize>,
    path: &Path,
    out: &Path,
) -> Result<Option<(Shard, Vec<Skipped>)>, PrepareError> {
    let Ok(file) = ShardFile::open(path) else {
        return Ok(None);
    };
    let skipped = file.metadata.get("skipped").and_then(|json| serde_json::from_str(json).ok());
    let skipped: Vec<Skipped> = skipped.unwrap_or_default();
    let mut names = file.names.iter();
    let mut left_out = skipped.iter().peekable();
    for index in range {
        let skipped = left_out.next_if(|skipped| skipped.index == index);
        let name = skipped.map(|skipped| &skipped.name).or_else(|| names.next());
        if name.is_none_or(|name| *name != set.name(index)) {
            return Err(PrepareError::OtherImages { path: out.to_owned() });
        }
    }
    if names.next().is_some() {
        return Err(PrepareError::OtherImages { path: out.to_owned() });
    }
    let crc32 = file.crc32().ok().map(hexadecimal);
    if crc32.is_none() || crc32.as_ref() != file.metadata.get("crc32") {
        return Ok(None);
    }
    let count = file.names.len();
    let shard = Shard { file: String::new(), count, crc32: crc32.unwrap_or_default() };
    Ok(Some((shard, skipped)))
}

/// Makes a shard and writes it.
fn make(
    set: &ImageSet,
    range: std::ops::Range<usize>,
    path: &Path,
    damage: &Damage,
    count: &(dyn Fn(usize) + Sync),
) -> Result<(Shard, Vec<Skipped>), PrepareError> {
    let loaded: Vec<_> = range
        .into_par_iter()
        .map(|index| {
            let centre = set.load_centre(index, CENTRE_SIDE);
            match &centre {
                Ok(_) => damage.count_sound(),
                Err(error) => damage.count_skipped(error),
            }
            count(1);
            (index, centre)
        })
        .collect();
    let mut centres = Vec::with_capacity(loaded.len() * CENTRE_BYTES);
    let (mut names, mut skipped) = (Vec::new(), Vec::new());
    for (index, centre) in loaded {
        let name = set.name(index).into_owned();
        match centre {
            Ok(centre) => {
                centres.extend_from_slice(&centre);
                names.push(name);
            }
            Err(error) => skipped.push(Skipped { index, name, reason: error.to_string() }),
        }
    }
    let crc32 = hexadecimal(crc32fast::hash(&centres));
    let json = |value: serde_json::Value| value.to_string();
    let metadata = BTreeMap::from([
        ("format".to_owned(), FORMAT.to_owned()),
        ("images".to_owned(), json(names.as_slice().into())),
        ("skipped".to_owned(), json(serde_json::to_value(&skipped).unwrap_or_default())),
        ("crc32".to_owned(), crc32.clone()),
    ]);
    let side = CENTRE_SIDE as usize;
    let shape = vec![names.len(), side, side, 3];
    let checksums: Vec<u32> = centres.par_chunks_exact(CENTRE_BYTES).map(crc32fast::hash).collect();
    let tensors = [
        NamedTensor { name: TENSOR.to_owned(), shape, values: Values::U8(&centres) },
        NamedTensor {
            name: CHECKSUMS.to_owned(),
            shape: vec![checksums.len()],
            values: Values::U32(&checksums),
        },
    ];
    tensor_file::write(path, &tensors, &metadata)?;
    Ok((Shard { file: String::new(), count: names.len(), crc32 }, skipped))
}

fn hexadecimal(crc32: u32) -> String {
    format!("{crc32:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Content;

    fn folder_of_images() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for index in 0..7_u8 {
            let image = image::RgbImage::from_fn(40, 30, |x, y| {
                image::Rgb([x, y, x + y].map(|v| 3 * u8::try_from(v).unwrap_or_default() + index))
            });
            image.save(folder.path().join(format!("{index}.png"))).expect("saved");
        }
        fs::write(folder.path().join("3.jpg"), b"\xff\xd8\xff\xe0 damaged").expect("a file");
        folder
    }

    fn is_same(source: &Path, pack: &Path) {
        let open = |path: &Path| ImageSet::open(&[Source::Path(path.to_owned())]).expect("images");
        let (from, packed) = (open(source), open(pack));
        assert_eq!(from.len(), packed.len());
        for index in 0..from.len() {
            assert_eq!(from.name(index), packed.name(index));
            let [expected, got] =
                [&from, &packed].map(|set| set.load_centre(index, CENTRE_SIDE).ok());
            assert!(expected == got, "{index}");
        }
    }

    /// Changes a bit in the last centre of a shard, which checksums follow.
    fn flip_in_last_centre(shard: &Path) {
        let mut bytes = fs::read(shard).expect("bytes");
        let count = ShardFile::open(shard).expect("a shard").names.len();
        let at = bytes.len() - 4 * count - 1;
        bytes[at] ^= 1;
        fs::write(shard, bytes).expect("written");
    }

    #[test]
    fn a_damaged_centre_is_an_error_that_names_it() {
        let images = folder_of_images();
        let out = tempfile::tempdir().expect("a folder");
        let sources = [Source::Path(images.path().to_owned())];
        prepare_shards(&sources, out.path(), 4, &|_| {}).expect("a pack");
        flip_in_last_centre(&out.path().join(shard_name(1)));
        let set = ImageSet::open(&[Source::Path(out.path().to_owned())]).expect("a pack");
        let errors: Vec<String> = (0..set.len())
            .filter_map(|index| set.load_centre(index, CENTRE_SIDE).err())
            .map(|error| error.to_string())
            .collect();
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert!(errors[0].contains("3.jpg"), "skipped when it was made: {errors:?}");
        let damaged = &errors[1];
        assert!(damaged.contains("6.png") && damaged.contains("shard-00001"), "{damaged}");
        assert!(damaged.contains("lcl prepare"), "{damaged}");
    }

    #[test]
    fn an_older_pack_without_checksums_is_read() {
        let images = folder_of_images();
        let out = tempfile::tempdir().expect("a folder");
        let sources = [Source::Path(images.path().to_owned())];
        prepare_shards(&sources, out.path(), 100, &|_| {}).expect("a pack");
        let path = out.path().join(shard_name(0));
        let file = ShardFile::open(&path).expect("a shard");
        let mut centres = Vec::new();
        for at in 0..file.names.len() {
            centres.extend(file.centre(at).read().expect("a centre"));
        }
        let metadata: BTreeMap<String, String> = file.metadata.into_iter().collect();
        let side = CENTRE_SIDE as usize;
        let shape = vec![file.names.len(), side, side, 3];
        let tensor = NamedTensor { name: TENSOR.to_owned(), shape, values: Values::U8(&centres) };
        tensor_file::write(&path, &[tensor], &metadata).expect("written");
        is_same(images.path(), out.path());
        let manifest = prepare_shards(&sources, out.path(), 100, &|_| {}).expect("kept");
        assert_eq!(manifest.count, 7);
    }

    #[test]
    fn the_inventory_of_a_pack_has_its_checksums() {
        let images = folder_of_images();
        let out = tempfile::tempdir().expect("a folder");
        let sources = [Source::Path(images.path().to_owned())];
        let manifest = prepare_shards(&sources, out.path(), 5, &|_| {}).expect("a pack");
        let inventory = |path: PathBuf| {
            let set = ImageSet::open(&[Source::Path(path)]).expect("a pack");
            set.inventory().expect("an inventory")
        };
        let pack = inventory(out.path().to_owned());
        let contents: Vec<Content> = pack.parts.into_iter().map(|part| part.content).collect();
        let shard = |number: usize, centres| Content::Shard {
            centres,
            crc32: manifest.shards[number].crc32.clone(),
        };
        assert_eq!(contents, [shard(0, 4), shard(1, 3), Content::Skipped { index: 3 }]);
        let single = inventory(out.path().join(shard_name(1)));
        assert_eq!(single.parts[0].content, shard(1, 3));
    }

    #[test]
    fn a_pack_has_what_its_sources_have() {
        let images = folder_of_images();
        let out = images.path().join("pack-of-them");
        let sources = [Source::Path(images.path().to_owned())];
        let manifest = prepare_shards(&sources, &out, 3, &|_| {}).expect("a pack");
        assert_eq!((manifest.images, manifest.count, manifest.shards.len()), (8, 7, 3));
        assert_eq!(manifest.skipped[0].index, 3);
        assert!(manifest.skipped[0].name.ends_with("3.jpg"), "{manifest:?}");
        let elsewhere = tempfile::tempdir().expect("a folder");
        let moved = elsewhere.path().join("pack");
        fs::rename(&out, &moved).expect("moved");
        is_same(images.path(), &moved);
        let shard = moved.join(shard_name(1));
        let shard = ImageSet::open(&[Source::Path(shard)]).expect("a shard");
        assert_eq!(shard.len(), 2);
    }

    #[test]
    fn what_is_there_is_kept_and_what_is_damaged_is_made_again() {
        let images = folder_of_images();
        let out = tempfile::tempdir().expect("a folder");
        let sources = [Source::Path(images.path().to_owned())];
        let prepare = || prepare_shards(&sources, out.path(), 3, &|_| {});
        let manifest = prepare().expect("a pack");
        let shard = |number| out.path().join(shard_name(number));
        let modified =
            |number| fs::metadata(shard(number)).and_then(|data| data.modified()).expect("a time");
        let before = modified(1);
        fs::remove_file(out.path().join(MANIFEST)).expect("removed");
        let unfinished = ImageSet::open(&[Source::Path(out.path().to_owned())]);
        assert!(unfinished.is_err_and(|error| error.to_string().contains("prepare")));
        fs::remove_file(shard(0)).expect("removed");
        flip_in_last_centre(&shard(2));
        assert_eq!(prepare().expect("a pack"), manifest);
        assert_eq!(modified(1), before);
        is_same(images.path(), out.path());
        fs::rename(images.path().join("0.png"), images.path().join("00.png")).expect("renamed");
        let error = prepare().expect_err("other images").to_string();
        assert!(error.contains("other images") && error.contains("--out"), "{error}");
    }
}
