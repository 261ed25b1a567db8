//! Classes of images, from the folders that they lie in.

use std::{collections::BTreeSet, path::Path};

use unicode_normalization::UnicodeNormalization;

use super::{ImageSet, Source};
use lcl_artefacts::printed::{printed, text};

/// Images with the class of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes {
    /// The names of the classes, sorted.
    pub names: Vec<String>,
    /// The class of each image of the set, as an index into `names`.
    pub of_image: Vec<usize>,
}

/// Images have no classes that could be learned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassError {
    /// An image lies in no folder of a class.
    #[error(
        "{} lies in no folder of a class; put it in one, as in photos/CLASS/{}",
        printed(name),
        printed(name.rsplit('/').next().unwrap_or_default())
    )]
    NoClass {
        /// The image.
        name: String,
    },
    /// Images of a class are there to validate or test on, and none to train on.
    #[error(
        "the class {class:?} has images in {of} and none to train on; the classes are {}",
        printed(&there.join(", "))
    )]
    Unknown {
        /// The class.
        class: String,
        /// Where the images are.
        of: String,
        /// The classes that are known.
        there: Vec<String>,
    },
    /// A class has images to train on, and none to validate on.
    #[error(
        "the class {class:?} has images to train on and none to validate on; add some, or leave \
         --validation out, so that images are held out by chance"
    )]
    Unvalidated {
        /// The class.
        class: String,
    },
    /// A folder of a class holds no image.
    #[error(
        "the folder of the class {class:?} in {} holds no image; put images there or remove it",
        printed(folder)
    )]
    Empty {
        /// The class.
        class: String,
        /// The source.
        folder: String,
    },
    /// There is nothing to tell apart.
    #[error("the images have {classes} classes, and two are needed: one folder for each class")]
    TooFew {
        /// How many there are.
        classes: usize,
    },
}

impl Classes {
    /// Finds the classes of all images of `set`, which was opened with `sources`:
    /// the first `training` of them are to train on, the others to validate on,
    /// if there are any.
    ///
    /// The class of an image in a folder is the first folder within its source;
    /// of one in an archive or a pack it is the folder that it lies in.
    ///
    /// # Errors
    ///
    /// When an image is in no class, a class has no image, the classes of both
    /// differ, or there are fewer than two.
    pub fn of(set: &ImageSet, sources: &[Source], training: usize) -> Result<Self, ClassError> {
        let named = named(set, sources)?;
        let lens = set.source_lens();
        let to_train: usize = lens.iter().take(training).sum();
        let names: BTreeSet<&String> = named[..to_train].iter().collect();
        let others: BTreeSet<&String> = named[to_train..].iter().collect();
        let names: Vec<String> = names.into_iter().cloned().collect();
        for source in sources {
            empty_folder(source, &named)?;
        }
        if let Some(class) = others.iter().find(|class| !names.contains(class)) {
            let of = sources[training..].iter().map(ToString::to_string).collect::<Vec<_>>();
            let (class, of) = ((**class).clone(), of.join(", "));
            return Err(ClassError::Unknown { class, of, there: names });
        }
        let is_held_out = to_train == set.len();
        let unvalidated = names.iter().find(|class| !is_held_out && !others.contains(class));
        if let Some(class) = unvalidated {
            return Err(ClassError::Unvalidated { class: class.clone() });
        }
        if names.len() < 2 {
            return Err(ClassError::TooFew { classes: names.len() });
        }
        let place = |class: &String| names.binary_search(class).unwrap_or_default();
        let of_image = named.iter().map(place).collect();
        Ok(Self { names, of_image })
    }

    /// Returns the name of the class of each image of `set`.
    ///
    /// # Errors
    ///
    /// When an image is in no class.
    pub fn named(set: &ImageSet, sources: &[Source]) -> Result<Vec<String>, ClassError> {
        named(set, sources)
    }

    /// Finds the class of each image of `set` among those that are `known`, for
    /// instance those of a model.
    ///
    /// # Errors
    ///
    /// When an image is in no class or in one that is not known.
    pub fn among(set: &ImageSet, sources: &[Source], known: &[String]) -> Result<Self, ClassError> {
        let named = named(set, sources)?;
        let mut of_image = Vec::with_capacity(named.len());
        for class in named {
            let Some(place) = known.iter().position(|known| *known == class) else {
                let of = sources.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                return Err(ClassError::Unknown { class, of, there: known.to_vec() });
            };
            of_image.push(place);
        }
        Ok(Self { names: known.to_vec(), of_image })
    }
}

/// Returns the class of each image by name.
fn named(set: &ImageSet, sources: &[Source]) -> Result<Vec<String>, ClassError> {
    let mut named = Vec::with_capacity(set.len());
    let mut image = 0;
    for (source, len) in sources.iter().zip(set.source_lens()) {
        let root = match source {
            Source::Path(path) if path.is_dir() => Some(root_of(path)),
            _ => None,
        };
        for _ in 0..len {
            let name = set.name(image);
            let class = root.as_ref().and_then(|root| class_of(&name, root));
            // A pack may be a folder too: the names in it are not below it.
            let class = class.or_else(|| match &root {
                Some(root) if name.starts_with(root.as_str()) => None,
                _ => folder_of(&name),
            });
            named.push(class.ok_or_else(|| ClassError::NoClass { name: name.to_string() })?);
            image += 1;
        }
    }
    Ok(named)
}

/// Returns the path of a folder as names of images in it begin.
fn root_of(path: &Path) -> String {
    let root = text(path.as_os_str());
    if cfg!(windows) { root.replace('\\', "/") } else { root.into_owned() }
}

/// Returns the class of an image in the folder `root`: the first folder in it.
/// Names that Unicode holds for the same, `é` in one sign or in two, are one.
#[must_use]
pub fn class_of(name: &str, root: &str) -> Option<String> {
    let below = name.strip_prefix(root)?.trim_start_matches('/');
    below.split_once('/').map(|(class, _)| class.nfc().collect())
}

/// Returns the folder that a name lies in.
fn folder_of(name: &str) -> Option<String> {
    let mut parts = name.rsplit('/');
    parts.next()?;
    let folder: String = parts.next()?.nfc().collect();
    (!folder.is_empty() && folder != "." && folder != "..").then_some(folder)
}

/// Finds a folder of a source that would be a class and holds no image.
fn empty_folder(source: &Source, named: &[String]) -> Result<(), ClassError> {
    let Source::Path(path) = source else { return Ok(()) };
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> =
        folders.map(|entry| text(&entry.file_name()).nfc().collect::<String>()).collect();
    names.sort();
    let root = root_of(path);
    // A class may have images in another source and none in this one.
    let is_empty = |class: &String| !class.starts_with('.') && !named.contains(class);
    match names.into_iter().find(is_empty) {
        Some(class) => Err(ClassError::Empty { class, folder: root }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder(images: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for image in images {
            let path = folder.path().join(image);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            if !image.ends_with('/') {
                fs::write(path, b"").expect("written");
            }
        }
        folder
    }

    fn classes(folder: &Path, validation: bool) -> Result<Classes, ClassError> {
        let mut sources = vec![Source::Path(folder.join("a"))];
        if validation {
            sources.push(Source::Path(folder.join("b")));
        }
        let set = ImageSet::open(&sources).expect("listed");
        Classes::of(&set, &sources, 1)
    }

    #[test]
    fn folders_are_classes_in_the_order_of_their_names() {
        let images = ["a/hat/1.png", "a/dress/x/2.png", "b/dress/3.png", "b/hat/4.png"];
        let folder = folder(&images);
        let classes = classes(folder.path(), true).expect("classes");
        assert_eq!(classes.names, ["dress", "hat"]);
        assert_eq!(classes.of_image, [0, 1, 0, 1]);
    }

    #[test]
    fn classes_that_do_not_fit_are_errors_that_name_them() {
        let error = |images: &[&str], validation| {
            classes(folder(images).path(), validation).expect_err("an error").to_string()
        };
        let unknown = error(&["a/hat/1.png", "a/bag/1.png", "b/hat/2.png", "b/shoe/3.png"], true);
        assert!(unknown.contains("\"shoe\"") && unknown.contains("bag, hat"), "{unknown}");
        let unvalidated = error(&["a/hat/1.png", "a/bag/1.png", "b/hat/2.png"], true);
        assert!(unvalidated.contains("\"bag\""), "{unvalidated}");
        let none = error(&["a/hat/1.png", "a/2.png"], false);
        assert!(none.contains("2.png lies in no folder"), "{none}");
        assert!(error(&["a/hat/1.png"], false).contains("1 classes"));
        let empty = folder(&["a/hat/1.png", "a/bag/1.png"]);
        fs::create_dir(empty.path().join("a/shoe")).expect("made");
        let empty = classes(empty.path(), false).expect_err("empty").to_string();
        assert!(empty.contains("\"shoe\"") && empty.contains("holds no image"), "{empty}");
    }

    #[test]
    fn images_are_sorted_into_the_classes_of_a_model() {
        let folder = folder(&["a/hat/1.png", "a/bag/1.png"]);
        let sources = [Source::Path(folder.path().join("a"))];
        let set = ImageSet::open(&sources).expect("listed");
        let known = ["shoe", "hat", "bag"].map(str::to_owned);
        let classes = Classes::among(&set, &sources, &known).expect("known");
        assert_eq!(classes.of_image, [2, 1]);
        let error = Classes::among(&set, &sources, &known[..2]).expect_err("unknown").to_string();
        assert!(error.contains("\"bag\""), "{error}");
    }
}
