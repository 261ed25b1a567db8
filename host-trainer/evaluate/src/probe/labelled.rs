//! Folders of images whose names are classes.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use unicode_normalization::UnicodeNormalization;

use lcl_artefacts::printed::{printed, text};
use lcl_images::{DataError, ImageSet, Source, class_of};

/// Training and test images with their classes.
#[derive(Debug)]
pub struct Labelled {
    train: Arc<ImageSet>,
    test: Arc<ImageSet>,
    classes: Vec<String>,
    roots: [String; 2],
    untested: Vec<String>,
    without_images: Vec<String>,
}

/// Images have no classes that could be learned and tested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// Images cannot be listed.
    #[error("{cause}; the data is a folder with train/ and test/, and in each a folder a class")]
    Data {
        /// Why not.
        cause: DataError,
    },
    /// An image lies in no folder of a class.
    #[error(
        "{} lies in no folder of a class; put it in one, train/CLASS or test/CLASS",
        printed(name)
    )]
    NoClass {
        /// The image.
        name: String,
    },
    /// A class has test images, and no training images.
    #[error(
        "the class {class:?} has images in test/ and none in train/; the classes are {}",
        printed(&there.join(", "))
    )]
    Untrained {
        /// The class.
        class: String,
        /// The classes with training images.
        there: Vec<String>,
    },
    /// There is nothing to tell apart.
    #[error("{} has {classes} classes, and two classes are needed", printed(folder))]
    TooFew {
        /// The folder of training images.
        folder: PathBuf,
        /// Its classes.
        classes: usize,
    },
}

impl Labelled {
    /// Lists the images in the folders `train` and `test` of a folder; an
    /// image's class is the folder within these. Names of folders that Unicode
    /// holds for the same, `é` in one sign or in two, are one class; such that
    /// differ in bytes that are no text are two.
    ///
    /// # Errors
    ///
    /// When a folder is missing or empty, an image is in no class, a class of
    /// the test has no training images, or there are fewer than two classes.
    pub fn open(folder: &Path) -> Result<Self, LabelError> {
        let folders = ["train", "test"].map(|part| folder.join(part));
        let open = |folder: &PathBuf| {
            let set = ImageSet::open(&[Source::Path(folder.clone())]);
            set.map(Arc::new).map_err(|cause| LabelError::Data { cause })
        };
        let (train, test) = (open(&folders[0])?, open(&folders[1])?);
        let roots = folders.each_ref().map(|folder| {
            let root = text(folder.as_os_str());
            if cfg!(windows) { root.replace('\\', "/") } else { root.into_owned() }
        });
        let names = |set: &ImageSet, root: &str| -> Result<Vec<String>, LabelError> {
            let mut names = Vec::new();
            for image in 0..set.len() {
                let name = set.name(image);
                let class = class_of(&name, root)
                    .ok_or_else(|| LabelError::NoClass { name: name.to_string() })?;
                names.push(class);
            }
            names.sort();
            names.dedup();
            Ok(names)
        };
        let classes = names(&train, &roots[0])?;
        let tested = names(&test, &roots[1])?;
        if let Some(class) = tested.iter().find(|class| !classes.contains(class)) {
            return Err(LabelError::Untrained { class: class.clone(), there: classes });
        }
        if classes.len() < 2 {
            let [folder, _] = folders;
            return Err(LabelError::TooFew { folder, classes: classes.len() });
        }
        let untested = classes.iter().filter(|class| !tested.contains(class)).cloned().collect();
        let [trained, tested] = [("train", &classes), ("test", &tested)]
            .map(|(part, used)| folders_without(&folder.join(part), part, used));
        let without_images = [trained, tested].concat();
        Ok(Self { train, test, classes, roots, untested, without_images })
    }

    /// Returns the training images.
    #[must_use]
    pub fn train(&self) -> Arc<ImageSet> {
        Arc::clone(&self.train)
    }

    /// Returns the test images.
    #[must_use]
    pub fn test(&self) -> Arc<ImageSet> {
        Arc::clone(&self.test)
    }

    /// Returns the names of the classes, sorted.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Returns the classes without test images.
    #[must_use]
    pub fn untested(&self) -> &[String] {
        &self.untested
    }

    /// Returns the folders that would be classes and hold no image, such as
    /// `train/boat`.
    #[must_use]
    pub fn without_images(&self) -> &[String] {
        &self.without_images
    }

    /// Returns the class of an image of either set, as an index into
    /// [`classes`](Self::classes).
    ///
    /// # Errors
    ///
    /// When the image is of neither.
    pub fn class(&self, name: &str) -> Result<usize, LabelError> {
        let class = self.roots.iter().find_map(|root| class_of(name, root));
        let place = class.and_then(|class| self.classes.iter().position(|known| *known == class));
        place.ok_or_else(|| LabelError::NoClass { name: name.to_owned() })
    }
}

/// Returns the folders in `folder`, as `part/NAME`, that are none of the classes
/// that have images. Hidden ones are no classes.
fn folders_without(folder: &Path, part: &str, classes: &[String]) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let names = folders.map(|entry| text(&entry.file_name()).nfc().collect::<String>());
    let is_empty = |name: &String| !name.starts_with('.') && !classes.contains(name);
    let mut empty: Vec<String> =
        names.filter(is_empty).map(|name| format!("{part}/{name}")).collect();
    empty.sort();
    empty
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(names: &[&[u8]]) -> Labelled {
        let folder = tempfile::tempdir().expect("a folder");
        for part in ["train", "test"] {
            for (index, name) in names.iter().enumerate() {
                let class = folder.path().join(part).join(os(name));
                fs::create_dir_all(&class).expect("a folder");
                fs::write(class.join(format!("{index}.png")), b"").expect("a file");
            }
        }
        let labelled = Labelled::open(folder.path()).expect("classes");
        for image in 0..labelled.train().len() {
            assert!(labelled.class(&labelled.train().name(image)).is_ok(), "{image}");
        }
        labelled
    }

    #[cfg(unix)]
    fn os(name: &[u8]) -> &std::ffi::OsStr {
        std::os::unix::ffi::OsStrExt::from_bytes(name)
    }

    #[cfg(unix)]
    #[test]
    fn classes_are_told_apart_as_names_of_folders_are() {
        // In one sign and in two; in bytes that are no UTF-8.
        let names: [&[u8]; 5] =
            ["caf\u{e9}".as_bytes(), "cafe\u{301}".as_bytes(), b"x\xff", b"x\xfe", b"x"];
        let labelled = labelled(&names);
        assert_eq!(labelled.classes(), ["caf\u{e9}", "x", "x\\xfe", "x\\xff"]);
        assert!(labelled.without_images().is_empty(), "{:?}", labelled.without_images());
    }
}
