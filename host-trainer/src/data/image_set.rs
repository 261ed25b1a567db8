//! The images of one or several sources.

use std::{
    borrow::Cow,
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use image::RgbImage;

use super::{DecodeError, MostlyDamaged, Source, Synthetic, decode};

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
    #[error("cannot read {}: {cause}; give a folder of images, an image, or `synthetic`", path.display())]
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
    /// Archives and packs are not read.
    #[error("{} is an archive or a pack, which is not supported yet; unpack it and give the folder", path.display())]
    NotSupportedYet {
        /// The file.
        path: PathBuf,
    },
    /// No source was given.
    #[error("no image source; give a folder of images, an image, or `synthetic`")]
    NoSource,
    /// A single image cannot be used.
    #[error(transparent)]
    Image(#[from] DecodeError),
    /// Most images cannot be used.
    #[error(transparent)]
    MostlyDamaged(#[from] MostlyDamaged),
}

/// The images of one or several sources, each source sorted by path.
///
/// Listing reads no image; [`load`](Self::load) does.
#[derive(Debug)]
pub struct ImageSet {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
enum Entry {
    File(PathBuf),
    Synthetic(Synthetic),
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
        for source in sources {
            match source {
                Source::Synthetic { images, seed } => {
                    let synthetic = |index| Entry::Synthetic(Synthetic { seed: *seed, index });
                    entries.extend((0..*images as u64).map(synthetic));
                }
                Source::Path(path) => {
                    entries.extend(list(path)?.into_iter().map(Entry::File));
                }
            }
        }
        if entries.is_empty() { Err(DataError::NoSource) } else { Ok(Self { entries }) }
    }

    /// Returns some of the images, in the order of `indices`.
    ///
    /// # Panics
    ///
    /// When there are not so many images.
    #[must_use]
    pub fn subset(&self, indices: impl IntoIterator<Item = usize>) -> Self {
        let entries = indices.into_iter().map(|index| self.entries[index].clone());
        Self { entries: entries.collect() }
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
            Entry::File(path) if cfg!(windows) => {
                Cow::Owned(path.to_string_lossy().replace('\\', "/"))
            }
            Entry::File(path) => path.to_string_lossy(),
            Entry::Synthetic(synthetic) => Cow::Owned(synthetic.to_string()),
        }
    }

    /// Decodes or renders an image.
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
            Entry::File(path) => decode(path),
            Entry::Synthetic(synthetic) => Ok(synthetic.render()),
        }
    }
}

fn list(path: &Path) -> Result<Vec<PathBuf>, DataError> {
    let io = |cause| DataError::Io { path: path.to_owned(), cause };
    if fs::metadata(path).map_err(io)?.is_file() {
        return match extension(path).as_deref() {
            Some("tar" | "tgz" | "gz" | "zip" | "safetensors") => {
                Err(DataError::NotSupportedYet { path: path.to_owned() })
            }
            _ => Ok(vec![path.to_owned()]),
        };
    }
    let mut files = Vec::new();
    collect(path, &mut HashSet::new(), &mut files)?;
    if files.is_empty() {
        return Err(DataError::Empty { path: path.to_owned() });
    }
    files.retain(|file| extension(file).is_some_and(|e| IMAGE_EXTENSIONS.contains(&e.as_str())));
    if files.is_empty() {
        return Err(DataError::NoImages { path: path.to_owned() });
    }
    files.sort();
    Ok(files)
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
        if path.is_dir() {
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
    fn what_holds_no_images_is_an_error_that_names_it() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("photos");
        let message = |path: &Path| open(path).map(|_| ()).map_err(|e| e.to_string());
        assert!(message(&path).is_err_and(|e| e.contains("photos") && e.contains("cannot read")));
        fs::create_dir(&path)?;
        assert!(message(&path).is_err_and(|e| e.contains("photos is empty")));
        fs::write(path.join("notes.txt"), b"")?;
        assert!(message(&path).is_err_and(|e| e.contains("holds no images")));
        fs::write(path.join("images.tar"), b"")?;
        assert!(message(&path.join("images.tar")).is_err_and(|e| e.contains("not supported yet")));
        Ok(())
    }
}
