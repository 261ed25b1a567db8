//! The images of one or several sources.

use std::{
    borrow::Cow,
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use image::RgbImage;
use rayon::prelude::*;

use super::{
    CENTRE_SIDE, Content, DecodeError, Encoded, Inventory, MostlyDamaged, Part, SHORTER_SIDE,
    Scene, Source, SourceRecord, Synthetic,
    archive::{self, Member},
    centre_crop,
    pack::{self, PackEntry, PackError},
    shorter_side_to,
};

/// Endings of the files in a folder that count as images.
const IMAGE_EXTENSIONS: [&str; 14] = [
    "bmp", "gif", "jfif", "jpe", "jpeg", "jpg", "pbm", "pgm", "png", "pnm", "ppm", "tif", "tiff",
    "webp",
];

/// Images cannot be had from a source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// There is no such file or folder, or it cannot be read.
    #[error("cannot read {}: {cause}; give a folder of images, a .tar, a pack, an image, or `synthetic`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The folder holds nothing that looks like an image.
    #[error("{} holds no images; the endings looked for are {}", path.display(), IMAGE_EXTENSIONS.join(", "))]
    NoImages {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds nothing at all.
    #[error("{} is empty; give a folder that holds images", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// Compressed archives are not read.
    #[error(
        "{} is compressed, so that images cannot be read where they are; unpack it and give the \
         folder or the .tar",
        path.display()
    )]
    Compressed {
        /// The file.
        path: PathBuf,
    },
    /// An archive is damaged.
    #[error("{} is not a whole .tar: {cause}; copy it again", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: io::Error,
    },
    /// A pack cannot be read.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// No source was given.
    #[error("no image source; give a folder of images, a .tar, a pack, an image, or `synthetic`")]
    NoSource,
    /// A single image cannot be used.
    #[error(transparent)]
    Image(#[from] DecodeError),
    /// Most images cannot be used.
    #[error(transparent)]
    MostlyDamaged(#[from] MostlyDamaged),
}

/// The images of one or several sources: of a folder sorted by path, of an
/// archive or a pack in its own order.
///
/// Listing reads no image; [`load`](Self::load) does.
#[derive(Debug)]
pub struct ImageSet {
    entries: Vec<Entry>,
    /// The sources with the number of their images; none of a subset.
    sources: Vec<(Source, usize)>,
}

#[derive(Clone, Debug)]
enum Entry {
    File(PathBuf),
    Member(Member),
    Pack(PackEntry),
    Synthetic(Synthetic),
    Scene(Scene),
}

impl ImageSet {
    /// Lists the images of `sources`, in the order given.
    ///
    /// # Errors
    ///
    /// When a source is missing, holds no image or is of a kind that is not
    /// supported.
    pub fn open(sources: &[Source]) -> Result<Self, DataError> {
        let mut entries = Vec::new();
        let mut counted = Vec::new();
        for source in sources {
            let before = entries.len();
            match source {
                Source::Synthetic { images, seed } => {
                    let synthetic = |index| Entry::Synthetic(Synthetic { seed: *seed, index });
                    entries.extend((0..*images as u64).map(synthetic));
                }
                Source::Scene { frames, seed } => {
                    let (seed, frames) = (*seed, *frames as u64);
                    let scene = |frame| Entry::Scene(Scene { seed, frame, frames });
                    entries.extend((0..frames).map(scene));
                }
                Source::Path(path) => {
                    entries.extend(list(path)?);
                }
            }
            counted.push((source.clone(), entries.len() - before));
        }
        if entries.is_empty() {
            return Err(DataError::NoSource);
        }
        Ok(Self { entries, sources: counted })
    }

    /// Lists what the set is made of: of files and members of archives names and
    /// lengths, of packs what they say of their shards. Of a subset there is
    /// nothing to list.
    ///
    /// # Errors
    ///
    /// When a file is no longer there.
    pub fn inventory(&self) -> Result<Inventory, DataError> {
        let mut inventory = Inventory::default();
        let mut first = 0;
        for (number, (source, images)) in self.sources.iter().enumerate() {
            let entries = &self.entries[first..first + images];
            first += images;
            let part = |(name, content)| Part { source: number, name, content };
            let mut path = None;
            if let Source::Path(root) = source {
                let absolute = std::path::absolute(root).unwrap_or_else(|_| root.clone());
                path = Some(absolute.to_string_lossy().into_owned());
                let parts = match entries.first() {
                    Some(Entry::Pack(_)) => pack::parts(root)?,
                    _ => {
                        entries.par_iter().filter_map(|e| e.part(root)).collect::<Result<_, _>>()?
                    }
                };
                inventory.parts.extend(parts.into_iter().map(part));
            }
            let record = SourceRecord { source: source.to_string(), path, images: *images };
            inventory.sources.push(record);
        }
        Ok(inventory)
    }

    /// Returns some of the images, in the order of `indices`.
    ///
    /// # Panics
    ///
    /// When there are not so many images.
    #[must_use]
    pub fn subset(&self, indices: impl IntoIterator<Item = usize>) -> Self {
        let entries = indices.into_iter().map(|index| self.entries[index].clone());
        Self { entries: entries.collect(), sources: Vec::new() }
    }

    /// Returns the number of images of each source; none of a subset.
    #[must_use]
    pub fn source_lens(&self) -> Vec<usize> {
        self.sources.iter().map(|(_, images)| *images).collect()
    }

    /// Returns the number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there is no image, which [`open`](Self::open) refuses.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the path of an image as it was found from its source, with `/`
    /// between its parts, or the name of a synthetic one.
    ///
    /// # Panics
    ///
    /// When there are not so many images.
    #[must_use]
    pub fn name(&self, index: usize) -> Cow<'_, str> {
        match &self.entries[index] {
            Entry::File(path) | Entry::Member(Member { path, .. }) if cfg!(windows) => {
                Cow::Owned(slashed(path))
            }
            Entry::File(path) | Entry::Member(Member { path, .. }) => path.to_string_lossy(),
            Entry::Pack(PackEntry::Packed(packed)) => Cow::Borrowed(&packed.name),
            Entry::Pack(PackEntry::Skipped(skipped)) => Cow::Borrowed(&skipped.name),
            Entry::Synthetic(synthetic) => Cow::Owned(synthetic.to_string()),
            Entry::Scene(scene) => Cow::Owned(scene.to_string()),
        }
    }

    /// Decodes or renders an image; of a pack it is the centre.
    ///
    /// # Errors
    ///
    /// When the file is damaged or too small.
    ///
    /// # Panics
    ///
    /// When there are not so many images.
    pub fn load(&self, index: usize) -> Result<RgbImage, DecodeError> {
        match &self.entries[index] {
            Entry::File(path) => Encoded::read(path)?.decode(),
            Entry::Member(member) => read_member(member)?.decode(),
            Entry::Pack(entry) => {
                let centre = RgbImage::from_raw(CENTRE_SIDE, CENTRE_SIDE, read_packed(entry)?);
                Ok(centre.unwrap_or_default())
            }
            Entry::Synthetic(synthetic) => Ok(synthetic.render()),
            Entry::Scene(scene) => Ok(scene.render()),
        }
    }

    /// Returns the centre of an image that training looks at, RGB8
    /// `[112, 112, 3]`: of the image with its shorter side resized to 224.
    ///
    /// # Errors
    ///
    /// When the file is damaged or too small.
    ///
    /// # Panics
    ///
    /// When there are not so many images.
    pub fn load_centre(&self, index: usize) -> Result<Vec<u8>, DecodeError> {
        let centre = match &self.entries[index] {
            Entry::File(path) => Encoded::read(path)?.decode_centre(SHORTER_SIDE, CENTRE_SIDE),
            Entry::Member(member) => read_member(member)?.decode_centre(SHORTER_SIDE, CENTRE_SIDE),
            Entry::Pack(entry) => return read_packed(entry),
            Entry::Synthetic(synthetic) => {
                Ok(centre_crop(&shorter_side_to(synthetic.render(), SHORTER_SIDE), CENTRE_SIDE))
            }
            Entry::Scene(scene) => {
                Ok(centre_crop(&shorter_side_to(scene.render(), SHORTER_SIDE), CENTRE_SIDE))
            }
        };
        Ok(centre?.into_raw())
    }
}

impl Entry {
    /// Returns the name of a file within its source `root`, and its length.
    fn part(&self, root: &Path) -> Option<Result<(String, Content), DataError>> {
        let (path, bytes) = match self {
            Self::File(path) => (path, fs::metadata(path).map(|metadata| metadata.len())),
            Self::Member(member) => (&member.path, Ok(member.byte_len())),
            Self::Pack(_) | Self::Synthetic(_) | Self::Scene(_) => return None,
        };
        let within = path.strip_prefix(root).unwrap_or(path);
        let whole = within.as_os_str().is_empty();
        let name = if whole { Path::new(path.file_name().unwrap_or_default()) } else { within };
        let part = bytes.map(|bytes| (slashed(name), Content::Image { bytes }));
        Some(part.map_err(|cause| DataError::Io { path: path.clone(), cause }))
    }
}

fn slashed(path: &Path) -> String {
    let path = path.to_string_lossy();
    if cfg!(windows) { path.replace('\\', "/") } else { path.into_owned() }
}

fn read_member(member: &Member) -> Result<Encoded, DecodeError> {
    let path = member.path.clone();
    match member.read() {
        Ok(bytes) => Ok(Encoded { path, bytes }),
        Err(cause) => Err(DecodeError::Io { path, cause }),
    }
}

fn read_packed(entry: &PackEntry) -> Result<Vec<u8>, DecodeError> {
    match entry {
        PackEntry::Packed(packed) => {
            let path = || packed.path().to_owned();
            let bytes = packed.read().map_err(|cause| DecodeError::Io { path: path(), cause })?;
            if packed.is_sound(&bytes) {
                Ok(bytes)
            } else {
                Err(DecodeError::DamagedCentre { path: path(), name: packed.name.clone() })
            }
        }
        PackEntry::Skipped(skipped) => Err(DecodeError::Skipped { reason: skipped.reason.clone() }),
    }
}

fn list(path: &Path) -> Result<Vec<Entry>, DataError> {
    let io = |cause| DataError::Io { path: path.to_owned(), cause };
    if fs::metadata(path).map_err(io)?.is_file() {
        return match extension(path).as_deref() {
            Some("tgz" | "gz" | "xz" | "zst" | "zip") => {
                Err(DataError::Compressed { path: path.to_owned() })
            }
            Some("tar") => {
                let members = list_archive(path)?;
                if members.is_empty() {
                    return Err(DataError::NoImages { path: path.to_owned() });
                }
                Ok(members)
            }
            Some("safetensors") => {
                Ok(pack::open_shard(path)?.into_iter().map(Entry::Pack).collect())
            }
            _ => Ok(vec![Entry::File(path.to_owned())]),
        };
    }
    if pack::is_pack(path) {
        return Ok(pack::open(path)?.into_iter().map(Entry::Pack).collect());
    }
    let mut files = Vec::new();
    collect(path, &mut HashSet::new(), &mut files)?;
    if files.is_empty() {
        return Err(DataError::Empty { path: path.to_owned() });
    }
    files.sort();
    let mut entries = Vec::new();
    for file in files {
        if archive::is_archive(&file) {
            entries.extend(list_archive(&file)?);
        } else if is_image(&file) {
            entries.push(Entry::File(file));
        }
    }
    if entries.is_empty() {
        return Err(DataError::NoImages { path: path.to_owned() });
    }
    Ok(entries)
}

fn list_archive(path: &Path) -> Result<Vec<Entry>, DataError> {
    let members = archive::members(path, &is_image);
    let members = members.map_err(|cause| DataError::Archive { path: path.to_owned(), cause })?;
    Ok(members.into_iter().map(Entry::Member).collect())
}

fn is_image(path: &Path) -> bool {
    extension(path).is_some_and(|extension| IMAGE_EXTENSIONS.contains(&extension.as_str()))
}

/// Links to folders are followed, each folder is read once.
fn collect(
    folder: &Path,
    visited: &mut HashSet<PathBuf>,
    files: &mut Vec<PathBuf>,
) -> Result<(), DataError> {
    let io = |cause| DataError::Io { path: folder.to_owned(), cause };
    if !visited.insert(folder.canonicalize().map_err(io)?) {
        return Ok(());
    }
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let path = entry.path();
        if path.is_dir() && pack::is_pack(&path) {
            // A source of its own.
        } else if path.is_dir() {
            collect(&path, visited, files)?;
        } else if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            files.push(path);
        }
    }
    Ok(())
}

fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> Result<ImageSet, DataError> {
        ImageSet::open(&[Source::Path(path.to_owned())])
    }

    #[test]
    fn a_folder_is_listed_to_any_depth_in_sorted_order() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        fs::create_dir_all(folder.path().join("b/deep"))?;
        for name in ["z.png", "b/deep/2.JPG", "b/1.webp", "a.txt", ".hidden.png"] {
            fs::write(folder.path().join(name), b"")?;
        }
        let set = open(folder.path()).map_err(io::Error::other)?;
        let root = format!("{}/", folder.path().display());
        let names: Vec<String> =
            (0..set.len()).map(|index| set.name(index).replace(&root, "")).collect();
        assert_eq!(names, ["b/1.webp", "b/deep/2.JPG", "z.png"]);
        Ok(())
    }

    #[test]
    fn an_inventory_names_what_is_read_within_its_source() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join("b"))?;
        for (name, bytes) in [("b/2.jpg", 2), ("1.png", 1), ("notes.txt", 3)] {
            fs::write(folder.path().join(name), vec![0; bytes])?;
        }
        let single = folder.path().join("1.png");
        let sources = [
            Source::Path(folder.path().to_owned()),
            Source::Synthetic { images: 3, seed: 7 },
            Source::Path(single),
        ];
        let set = ImageSet::open(&sources).map_err(io::Error::other)?;
        let inventory = set.inventory().map_err(io::Error::other)?;
        let parts: Vec<_> = inventory.parts.iter().map(|p| (p.source, p.name.as_str())).collect();
        assert_eq!(parts, [(0, "1.png"), (0, "b/2.jpg"), (2, "1.png")]);
        assert_eq!(inventory.parts[1].content, Content::Image { bytes: 2 });
        let images: Vec<_> = inventory.sources.iter().map(|source| source.images).collect();
        assert_eq!(images, [2, 3, 1]);
        assert_eq!(inventory.sources[1].source, "synthetic:3:7");
        assert_eq!(inventory.sources[1].path, None);
        Ok(())
    }

    #[test]
    fn what_holds_no_images_is_an_error_that_names_it() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("photos");
        let message = |path: &Path| open(path).map(|_| ()).map_err(|e| e.to_string());
        assert!(message(&path).is_err_and(|e| e.contains("photos") && e.contains("cannot read")));
        fs::create_dir(&path)?;
        assert!(message(&path).is_err_and(|e| e.contains("photos is empty")));
        fs::write(path.join("notes.txt"), b"")?;
        assert!(message(&path).is_err_and(|e| e.contains("holds no images")));
        let other = |name: &str, bytes: &[u8]| {
            fs::write(path.join(name), bytes).map(|()| message(&path.join(name)))
        };
        assert!(other("images.tar", b"")?.is_err_and(|e| e.contains("holds no images")));
        assert!(other("damaged.tar", &[7; 600])?.is_err_and(|e| e.contains("not a whole .tar")));
        assert!(other("images.tgz", b"")?.is_err_and(|e| e.contains("compressed")));
        assert!(other("a.safetensors", b"")?.is_err_and(|e| e.contains("not a whole shard")));
        Ok(())
    }
}
