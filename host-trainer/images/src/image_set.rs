//! The images of one or several sources.

use std::{
    borrow::Cow,
    fs, io,
    path::{Path, PathBuf},
};

use image::RgbImage;
use rayon::prelude::*;

use super::{
    CentreFit, Content, DecodeError, Inventory, Light, Listing, MostlyDamaged, Part, SHORTER_SIDE,
    Scene, Source, SourceRecord, Synthetic,
    archive::Member,
    centre_crop,
    decode::Wanted,
    fit,
    listing::{IMAGE_ENDINGS, list},
    load::Origin,
    pack::{self, PackEntry, PackError},
    photographs::Photograph,
    stamp::Stamp,
};
use lcl_artefacts::printed::{printed, text};

/// Images cannot be had from a source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// There is no such file or folder, or it cannot be read.
    #[error(
        "cannot read {}: {cause}; give a folder of images, a .tar, a pack, an image, or `photographs`",
        printed(path)
    )]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The folder holds nothing that looks like an image.
    #[error("{} holds no images; the endings looked for are {}", printed(path), IMAGE_ENDINGS.join(", "))]
    NoImages {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds nothing at all.
    #[error("{} is empty; give a folder that holds images", printed(path))]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// Compressed archives are not read.
    #[error(
        "{} is compressed ({format}), so that images cannot be read where they are; unpack it and \
         give the folder or the .tar",
        printed(path)
    )]
    Compressed {
        /// The file.
        path: PathBuf,
        /// How.
        format: String,
    },
    /// The source is neither a regular file nor a folder.
    #[error(
        "{} cannot be read as images: {kind}; give a folder of images, a .tar, a pack, an image, \
         or `photographs`",
        printed(path)
    )]
    NoFile {
        /// What was given.
        path: PathBuf,
        /// What it is, as a sentence.
        kind: &'static str,
    },
    /// An archive is damaged.
    #[error("{} is not a whole .tar: {cause}; copy it again", printed(path))]
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
    #[error("no image source; give a folder of images, a .tar, a pack, an image, or `photographs`")]
    NoSource,
    /// A pack keeps less of an image than is looked at.
    #[error(
        "{} keeps the centre of {kept}x{kept} pixels of each image and {needed}x{needed} are \
         looked at; give the images themselves, or a pack made with `lcl prepare --side {needed}`",
        printed(path)
    )]
    Kept {
        /// The pack, or a shard of it.
        path: PathBuf,
        /// Side of what it keeps.
        kept: u32,
        /// Side of what is needed.
        needed: u32,
    },
    /// A single image cannot be used.
    #[error(transparent)]
    Image(#[from] DecodeError),
    /// Most images cannot be used.
    #[error(transparent)]
    MostlyDamaged(#[from] MostlyDamaged),
}

/// The images of one or several sources: of a folder or an archive sorted by
/// path, with numbers in names read as numbers, and of a pack in its own order.
///
/// Listing reads no image; [`load`](Self::load) does.
#[derive(Debug)]
pub struct ImageSet {
    entries: Vec<Entry>,
    /// The sources with the number of their images; none of a subset.
    sources: Vec<(Source, usize)>,
}

/// An image of a set.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    File(PathBuf),
    Member(Member),
    Pack(PackEntry),
    Photograph(Photograph),
    Synthetic(Synthetic),
    Scene(Scene),
    Light(Light),
}

impl ImageSet {
    /// Lists the images of `sources`, in the order given.
    ///
    /// What a source holds besides images is named or counted on the standard
    /// error.
    ///
    /// # Errors
    ///
    /// When a source is missing, holds no image or is of a kind that is not
    /// supported.
    pub fn open(sources: &[Source]) -> Result<Self, DataError> {
        Self::open_listed(sources, Listing::Numbers)
    }

    /// Lists the images of `sources` in the order in which a run has them whose
    /// [`Inventory`] has that fingerprint: older runs ordered names by their
    /// text. Where neither order has it, it is that of [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_like(sources: &[Source], fingerprint: Option<&str>) -> Result<Self, DataError> {
        let set = Self::open(sources)?;
        let Some(fingerprint) = fingerprint else { return Ok(set) };
        if set.inventory()?.fingerprint() == fingerprint {
            return Ok(set);
        }
        let by_text = Self::open_listed(sources, Listing::Text)?;
        let is_it = by_text.inventory()?.fingerprint() == fingerprint;
        Ok(if is_it { by_text } else { set })
    }

    /// Lists the images of `sources` in an order.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_listed(sources: &[Source], listing: Listing) -> Result<Self, DataError> {
        let mut entries = Vec::new();
        let mut counted = Vec::new();
        for source in sources {
            let before = entries.len();
            match source {
                Source::Photographs => entries.extend(Photograph::all().map(Entry::Photograph)),
                Source::Synthetic { images, seed } => {
                    let synthetic = |index| Entry::Synthetic(Synthetic { seed: *seed, index });
                    entries.extend((0..*images as u64).map(synthetic));
                }
                Source::Scene { frames, seed } => {
                    let (seed, frames) = (*seed, *frames as u64);
                    let scene = |frame| Entry::Scene(Scene { seed, frame, frames });
                    entries.extend((0..frames).map(scene));
                }
                Source::Light { frames, seed } => {
                    let (seed, frames) = (*seed, *frames as u64);
                    let light = |frame| Entry::Light(Light { seed, frame, frames });
                    entries.extend((0..frames).map(light));
                }
                Source::Path(path) => {
                    entries.extend(list(path, listing)?);
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
            let built_in = entries.iter().filter_map(|entry| match entry {
                Entry::Photograph(photograph) => {
                    let content = Content::Image { bytes: photograph.byte_len() };
                    Some((photograph.file_name().to_owned(), content))
                }
                _ => None,
            });
            inventory.parts.extend(built_in.map(part));
            if let Source::Path(root) = source {
                let absolute = std::path::absolute(root).unwrap_or_else(|_| root.clone());
                path = Some(text(absolute.as_os_str()).into_owned());
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
    /// between its parts and `\xNN` for bytes that are no UTF-8, or the name of a
    /// synthetic one. It may hold control characters: what prints it escapes them
    /// with [`printed`](mod@lcl_artefacts::printed).
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
            Entry::File(path) | Entry::Member(Member { path, .. }) => text(path.as_os_str()),
            Entry::Pack(PackEntry::Packed(packed)) => Cow::Borrowed(&packed.name),
            Entry::Pack(PackEntry::Skipped(skipped)) => Cow::Borrowed(&skipped.name),
            Entry::Photograph(photograph) => Cow::Owned(photograph.to_string()),
            Entry::Synthetic(synthetic) => Cow::Owned(synthetic.to_string()),
            Entry::Scene(scene) => Cow::Owned(scene.to_string()),
            Entry::Light(light) => Cow::Owned(light.to_string()),
        }
    }

    /// Checks that all sources have centres of that side.
    ///
    /// # Errors
    ///
    /// Names a pack that keeps less.
    pub fn check_side(&self, side: u32) -> Result<(), DataError> {
        let small = |entry: &Entry| match entry {
            Entry::Pack(PackEntry::Packed(packed)) if side > packed.side => {
                let path = packed.path().to_owned();
                Some(DataError::Kept { path, kept: packed.side, needed: side })
            }
            _ => None,
        };
        self.entries.iter().find_map(small).map_or(Ok(()), Err)
    }

    /// Decodes or renders an image; of a pack it is the centre.
    ///
    /// # Errors
    ///
    /// When the file is damaged, too small or too large.
    ///
    /// # Panics
    ///
    /// When there are not so many images.
    pub fn load(&self, index: usize) -> Result<RgbImage, DecodeError> {
        self.entries[index].load(Wanted::Whole)
    }

    /// Returns an image at `side`×`side` pixels: what [`fit`](super::fit()) makes
    /// of it, with no more in memory than that needs.
    ///
    /// # Errors
    ///
    /// When the file is damaged, too small or too large.
    ///
    /// # Panics
    ///
    /// When there are not so many images.
    pub fn load_fitted(&self, index: usize, side: u32) -> Result<RgbImage, DecodeError> {
        self.entries[index].load(Wanted::Centre { shorter: side, side })
    }

    /// Returns the centre of an image that training looks at, RGB8
    /// `[side, side, 3]`, of an even side: of the image with its shorter side resized
    /// to 224.
    ///
    /// # Errors
    ///
    /// When the file is damaged, too small or too large.
    ///
    /// # Panics
    ///
    /// When there are not so many images, or `side` is one that
    /// [`check_side`](Self::check_side) refuses, or above 224.
    pub fn load_centre(&self, index: usize, side: u32) -> Result<Vec<u8>, DecodeError> {
        match &self.entries[index] {
            entry @ Entry::Pack(_) => Ok(centre_crop(&entry.load(Wanted::Whole)?, side).into_raw()),
            entry => Ok(entry.load(Wanted::Centre { shorter: SHORTER_SIDE, side })?.into_raw()),
        }
    }

    /// Returns what tells later whether the file of an image was changed.
    ///
    /// # Panics
    ///
    /// When there are not so many images.
    #[must_use]
    pub fn stamp(&self, index: usize) -> Stamp {
        match &self.entries[index] {
            Entry::File(path) => Stamp::of_file(path),
            Entry::Member(member) => Stamp::of_member(member),
            Entry::Pack(PackEntry::Packed(packed)) => Stamp::of_packed(packed),
            Entry::Pack(PackEntry::Skipped(_)) => Stamp::default(),
            Entry::Photograph(_) | Entry::Synthetic(_) | Entry::Scene(_) | Entry::Light(_) => {
                Stamp::built_in()
            }
        }
    }
}

impl Entry {
    fn load(&self, wanted: Wanted) -> Result<RgbImage, DecodeError> {
        let image = match self {
            Self::File(path) => return Origin::File(path).load(wanted),
            Self::Member(member) => return Origin::Member(member).load(wanted),
            Self::Pack(entry) => {
                let (side, bytes) = read_packed(entry)?;
                RgbImage::from_raw(side, side, bytes).unwrap_or_default()
            }
            Self::Photograph(photograph) => return photograph.encoded().plan(wanted)?.decode(),
            Self::Synthetic(synthetic) => synthetic.render(),
            Self::Scene(scene) => scene.render(),
            Self::Light(light) => light.render(),
        };
        Ok(match wanted {
            Wanted::Whole => image,
            Wanted::Centre { shorter, side } if shorter == side => fit(image, side),
            Wanted::Centre { shorter, side } => {
                CentreFit::new(image.dimensions(), shorter, side).centre_of(&image)
            }
        })
    }

    /// Returns the name of a file within its source `root`, and its length.
    fn part(&self, root: &Path) -> Option<Result<(String, Content), DataError>> {
        let (path, bytes) = match self {
            Self::File(path) => (path, fs::metadata(path).map(|metadata| metadata.len())),
            Self::Member(member) => (&member.path, Ok(member.byte_len())),
            Self::Pack(_)
            | Self::Photograph(_)
            | Self::Synthetic(_)
            | Self::Scene(_)
            | Self::Light(_) => {
                return None;
            }
        };
        let within = path.strip_prefix(root).unwrap_or(path);
        let whole = within.as_os_str().is_empty();
        let name = if whole { Path::new(path.file_name().unwrap_or_default()) } else { within };
        let part = bytes.map(|bytes| (slashed(name), Content::Image { bytes }));
        Some(part.map_err(|cause| DataError::Io { path: path.clone(), cause }))
    }
}

fn slashed(path: &Path) -> String {
    let path = text(path.as_os_str());
    if cfg!(windows) { path.replace('\\', "/") } else { path.into_owned() }
}

/// Returns the side of a centre and its bytes.
fn read_packed(entry: &PackEntry) -> Result<(u32, Vec<u8>), DecodeError> {
    match entry {
        PackEntry::Packed(packed) => {
            let path = || packed.path().to_owned();
            let bytes = packed.read().map_err(|cause| DecodeError::Io { path: path(), cause })?;
            if packed.is_sound(&bytes) {
                Ok((packed.side, bytes))
            } else {
                Err(DecodeError::DamagedCentre { path: path(), name: packed.name.clone() })
            }
        }
        PackEntry::Skipped(skipped) => Err(DecodeError::Skipped { reason: skipped.reason.clone() }),
    }
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
    fn a_set_has_the_order_of_the_run_that_it_goes_on_with() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        for name in ["2.png", "10.png", "1.png"] {
            fs::write(folder.path().join(name), b"")?;
        }
        let moved = tempfile::tempdir()?;
        let to = moved.path().join("elsewhere");
        let sources = |path: &Path| [Source::Path(path.to_owned())];
        let ends = |set: &ImageSet| -> Vec<String> {
            (0..set.len())
                .filter_map(|at| set.name(at).rsplit('/').next().map(Into::into))
                .collect()
        };
        let by_text = ImageSet::open_listed(&sources(folder.path()), Listing::Text);
        let by_text = by_text.map_err(io::Error::other)?;
        assert_eq!(ends(&by_text), ["1.png", "10.png", "2.png"]);
        let older = by_text.inventory().map_err(io::Error::other)?.fingerprint();
        fs::rename(folder.path(), &to)?;
        let open = |fingerprint| ImageSet::open_like(&sources(&to), fingerprint);
        for fingerprint in [None, Some("00000000")] {
            let set = open(fingerprint).map_err(io::Error::other)?;
            assert_eq!(ends(&set), ["1.png", "2.png", "10.png"]);
        }
        assert_eq!(ends(&open(Some(&older)).map_err(io::Error::other)?), ends(&by_text));
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
