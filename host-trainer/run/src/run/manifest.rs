//! What a run was made of, `manifest.json` and `images.jsonl`: with the
//! configuration beside them, everything that repeats it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Platform, RunFolder};
use lcl_artefacts::atomic_file::{self, WriteError};
use lcl_images::{Difference, Inventory, Part, Source, SourceRecord};

/// What the manifest says it is.
const FORMAT: &str = "lcl-run";

/// Version of its format.
const VERSION: u32 = 1;

/// What a run was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunManifest {
    /// `lcl-run`.
    pub format: String,
    /// Version of the format, 1.
    pub version: u32,
    /// What it trains on.
    pub images: ImagesRecord,
    /// What computed it, each time that it was started or resumed.
    pub sittings: Vec<Sitting>,
}

/// The images of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagesRecord {
    /// Images in all, those included that cannot be used.
    pub count: usize,
    /// How many of them are held out. They are drawn by chance, one by one, with
    /// the seed of the configuration.
    pub held_out: usize,
    /// CRC-32 of what is known of them, in hexadecimal.
    pub fingerprint: String,
    /// Where they came from.
    pub sources: Vec<SourceRecord>,
}

/// What computed a part of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sitting {
    /// The step that it began with.
    pub first_step: u64,
    /// What computed.
    #[serde(flatten)]
    pub platform: Platform,
}

/// A run cannot go on with what its manifest says, or the manifest cannot be
/// had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The images are not those that the run began with.
    #[error(
        "the images have changed since the run began, {counts}{details}: put them back to resume \
         it, or start another run with --out"
    )]
    ImagesChanged {
        /// How many there are and were.
        counts: String,
        /// What is different, as a clause.
        details: String,
    },
    /// The manifest cannot be read.
    #[error("cannot read {}: {cause}; put it back, or start another run with --out", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The manifest cannot be understood.
    #[error(
        "{} is not the manifest of a run: {cause}; put it back, or start another run with --out",
        path.display()
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
    /// The manifest is of a later version.
    #[error("{} is of version {version}, which this program does not know; update it", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Version of its format.
        version: u32,
    },
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl RunManifest {
    /// Writes the manifest of a run that begins, and the list of its images.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub fn begin(
        run: &RunFolder,
        inventory: &Inventory,
        held_out: usize,
        platform: Platform,
    ) -> Result<(), ManifestError> {
        atomic_file::write(&run.images(), &[inventory.to_json_lines().as_bytes()])?;
        let images = ImagesRecord::new(inventory, held_out);
        let sittings = vec![Sitting { first_step: 0, platform }];
        Self { format: FORMAT.to_owned(), version: VERSION, images, sittings }
            .write(&run.manifest())
    }

    /// Checks that the images are those that the run began with, wherever they
    /// are now, and notes that and what computes it from `first_step` on.
    ///
    /// A manifest that is missing or damaged is written anew; the list of images
    /// beside it is enough to check them.
    ///
    /// # Errors
    ///
    /// When the images have changed, with what is different, or the manifest is
    /// of a later version or cannot be written.
    pub fn resume(
        run: &RunFolder,
        inventory: &Inventory,
        held_out: usize,
        first_step: u64,
        platform: Platform,
    ) -> Result<Resumption, ManifestError> {
        let mut resumption = Resumption::default();
        let sitting = Sitting { first_step, platform };
        let mut manifest = match Self::read(&run.manifest()) {
            Ok(manifest) => manifest,
            Err(error @ (ManifestError::Version { .. } | ManifestError::Write(_))) => {
                return Err(error);
            }
            Err(error) => {
                resumption.warnings.extend(begin_again(run, inventory, &error)?);
                let images = ImagesRecord::new(inventory, held_out);
                let sittings = Vec::new();
                Self { format: FORMAT.to_owned(), version: VERSION, images, sittings }
            }
        };
        manifest.images.check(inventory, &run.images())?;
        let began = manifest.sittings.first().map(|began| &began.platform);
        resumption.differences =
            began.map(|began| sitting.platform.differences(began)).unwrap_or_default();
        manifest.images.sources.clone_from(&inventory.sources);
        manifest.sittings.push(sitting);
        manifest.write(&run.manifest())?;
        Ok(resumption)
    }

    /// Returns where the sources of a run are: those that were given as a place
    /// relative to the folder where the run began are there, where they still
    /// are, wherever it goes on.
    #[must_use]
    pub fn located(records: &[SourceRecord], sources: &[Source]) -> Vec<Source> {
        let located = |(at, source): (usize, &Source)| {
            let Source::Path(path) = source else {
                return source.clone();
            };
            let record = records.get(at).filter(|record| record.source == source.to_string());
            let place = record.and_then(|record| record.path.as_deref()).map(PathBuf::from);
            let place = place.filter(|place| path.is_relative() && place.exists());
            place.map_or_else(|| source.clone(), Source::Path)
        };
        sources.iter().enumerate().map(located).collect()
    }

    /// Reads the manifest at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be read or understood.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let path = path.to_owned();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(cause) => return Err(ManifestError::Io { path, cause }),
        };
        match serde_json::from_str::<Self>(&text) {
            Ok(manifest) if manifest.version == VERSION => Ok(manifest),
            Ok(manifest) => Err(ManifestError::Version { path, version: manifest.version }),
            Err(cause) => Err(ManifestError::Format { path, cause }),
        }
    }

    fn write(&self, path: &Path) -> Result<(), ManifestError> {
        let text = serde_json::to_string_pretty(self).map_err(io::Error::from);
        let text = text.map_err(|cause| WriteError::new(path, cause))?;
        Ok(atomic_file::write(path, &[text.as_bytes(), b"\n"])?)
    }
}

/// What a run goes on with in spite of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resumption {
    /// In what it differs from what computed its beginning.
    pub differences: Vec<String>,
    /// What was missing or damaged.
    pub warnings: Vec<String>,
}

/// Writes the list of images that belongs to a manifest that is written anew,
/// and says what cannot be known any more.
fn begin_again(
    run: &RunFolder,
    inventory: &Inventory,
    error: &ManifestError,
) -> Result<Option<String>, ManifestError> {
    let path = run.manifest();
    let reason = if path.exists() { "is damaged" } else { "is missing" };
    if matches!(error, ManifestError::Io { .. }) && path.exists() {
        // What cannot be read cannot be replaced either, most likely.
        return Ok(Some(format!("{error}")));
    }
    let before = fs::read_to_string(run.images()).ok();
    let checked = match before.as_deref().and_then(Part::from_json_lines) {
        Some(before) if before == inventory.parts => "the images are those of its list",
        Some(before) => {
            let details = Difference::between(&before, &inventory.parts);
            return Err(ManifestError::ImagesChanged {
                counts: format!("as {} says", run.images().display()),
                details: format!(" ({details})"),
            });
        }
        None => {
            atomic_file::write(&run.images(), &[inventory.to_json_lines().as_bytes()])?;
            "that the images are those that the run began with could not be checked"
        }
    };
    Ok(Some(format!("{} {reason} and is written anew; {checked}", path.display())))
}

impl ImagesRecord {
    fn new(inventory: &Inventory, held_out: usize) -> Self {
        Self {
            count: inventory.sources.iter().map(|source| source.images).sum(),
            held_out,
            fingerprint: inventory.fingerprint(),
            sources: inventory.sources.clone(),
        }
    }

    /// Compares the images there are with these, of which `list` is the list.
    fn check(&self, inventory: &Inventory, list: &Path) -> Result<(), ManifestError> {
        if inventory.fingerprint() == self.fingerprint {
            return Ok(());
        }
        let counts: Vec<String> = inventory
            .sources
            .iter()
            .zip(&self.sources)
            .map(|(now, began)| {
                let SourceRecord { source, images, .. } = now;
                if *images == began.images {
                    format!("{source} has {images} images as before")
                } else {
                    format!("{source} has {images} images and had {}", began.images)
                }
            })
            .collect();
        let before = fs::read_to_string(list).ok();
        let before = before.as_deref().and_then(Part::from_json_lines);
        let details = before.map(|before| Difference::between(&before, &inventory.parts));
        let details = details.map(|details| format!(" ({details})")).unwrap_or_default();
        Err(ManifestError::ImagesChanged { counts: counts.join(", "), details })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lcl_images::{ImageSet, Source};

    fn platform(threads: usize) -> Platform {
        Platform::here("2.11.0", "cpu".to_owned(), threads)
    }

    struct Fixture {
        folder: tempfile::TempDir,
        run: RunFolder,
    }

    impl Fixture {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            fs::create_dir(folder.path().join("photos")).expect("a folder");
            let run = RunFolder::fresh(Some(&folder.path().join("run"))).expect("free");
            run.make().expect("made");
            let fixture = Self { folder, run };
            for name in ["a.jpg", "b.jpg", "c.jpg"] {
                fixture.put(name, 5);
            }
            let manifest = RunManifest::begin(&fixture.run, &fixture.inventory(), 1, platform(1));
            manifest.expect("written");
            fixture
        }

        fn put(&self, name: &str, bytes: usize) {
            let path = self.folder.path().join("photos").join(name);
            fs::write(path, vec![0; bytes]).expect("a file");
        }

        fn remove(&self, name: &str) {
            fs::remove_file(self.folder.path().join("photos").join(name)).expect("removed");
        }

        fn inventory(&self) -> Inventory {
            let photos = Source::Path(self.folder.path().join("photos"));
            ImageSet::open(&[photos]).expect("images").inventory().expect("an inventory")
        }

        fn resume(&self, threads: usize) -> Result<Vec<String>, String> {
            self.resumption(threads).map(|resumption| resumption.differences)
        }

        fn resumption(&self, threads: usize) -> Result<Resumption, String> {
            RunManifest::resume(&self.run, &self.inventory(), 1, 4, platform(threads))
                .map_err(|error| error.to_string())
        }
    }

    #[test]
    fn the_same_images_go_on_and_every_sitting_is_noted() {
        let fixture = Fixture::new();
        assert_eq!(fixture.resume(1), Ok(Vec::new()));
        assert_eq!(fixture.resume(2), Ok(vec!["threads is 2 and was 1".to_owned()]));
        let manifest = RunManifest::read(&fixture.run.manifest()).expect("a manifest");
        assert_eq!((manifest.images.count, manifest.images.held_out), (3, 1));
        let sittings: Vec<_> =
            manifest.sittings.iter().map(|s| (s.first_step, s.platform.threads)).collect();
        assert_eq!(sittings, [(0, 1), (4, 1), (4, 2)]);
    }

    #[test]
    fn changed_images_are_refused_with_counts_and_names() {
        let fixture = Fixture::new();
        let check = |expected: &[&str]| {
            let error = fixture.resume(1).expect_err("changed");
            for part in expected {
                assert!(error.contains(part), "{part:?} is missing in {error:?}");
            }
            assert!(!error.contains('\n'), "{error}");
        };
        fixture.put("aa.jpg", 5);
        check(&["photos has 4 images and had 3", "1 new, the first aa.jpg", "--out"]);
        fixture.remove("b.jpg");
        check(&["as before", "1 new, the first aa.jpg; 1 gone, the first b.jpg"]);
        fixture.remove("aa.jpg");
        fixture.put("b.jpg", 6);
        check(&["1 changed, the first b.jpg"]);
        fs::remove_file(fixture.run.images()).expect("removed");
        check(&["photos has 3 images as before:"]);
        fixture.put("b.jpg", 5);
        assert_eq!(fixture.resume(1), Ok(Vec::new()));
    }

    #[test]
    fn a_manifest_that_is_damaged_or_gone_is_written_anew() {
        let fixture = Fixture::new();
        let warning = || {
            let resumption = fixture.resumption(1).expect("goes on");
            assert_eq!(resumption.warnings.len(), 1, "{resumption:?}");
            RunManifest::read(&fixture.run.manifest()).expect("written anew");
            resumption.warnings.concat()
        };
        fs::write(fixture.run.manifest(), b"{}").expect("a file");
        let text = warning();
        assert!(text.contains("manifest.json is damaged"), "{text}");
        assert!(text.contains("are those of its list"), "{text}");
        fs::remove_file(fixture.run.manifest()).expect("removed");
        assert!(warning().contains("manifest.json is missing"));
        for file in [fixture.run.manifest(), fixture.run.images()] {
            fs::remove_file(file).expect("removed");
        }
        assert!(warning().contains("could not be checked"));
        assert_eq!(fixture.resumption(1).expect("goes on").warnings, [""; 0]);
        fs::remove_file(fixture.run.manifest()).expect("removed");
        fixture.put("aa.jpg", 5);
        let error = fixture.resume(1).expect_err("changed");
        assert!(error.contains("1 new, the first aa.jpg"), "{error}");
    }

    #[test]
    fn images_are_found_where_they_were_and_known_where_they_moved() {
        let fixture = Fixture::new();
        let at = |name: &str| fixture.folder.path().join(name);
        let absolute = Source::Path(at("photos"));
        let record = SourceRecord {
            source: "photos".to_owned(),
            path: Some(at("photos").display().to_string()),
            images: 3,
        };
        let relative = Source::Path("photos".into());
        let located = |records: &[SourceRecord], source: &Source| {
            RunManifest::located(records, std::slice::from_ref(source)).remove(0)
        };
        let records = [record];
        assert_eq!(located(&records, &relative), absolute);
        assert_eq!(located(&[], &relative), relative);
        let other = Source::Path("pictures".into());
        assert_eq!(located(&records, &other), other, "given anew");
        fs::rename(at("photos"), at("moved")).expect("moved");
        assert_eq!(located(&records, &relative), relative, "no longer there");
        let moved = ImageSet::open(&[Source::Path(at("moved"))]).expect("images");
        let inventory = moved.inventory().expect("an inventory");
        RunManifest::resume(&fixture.run, &inventory, 1, 4, platform(1)).expect("the same");
        let manifest = RunManifest::read(&fixture.run.manifest()).expect("a manifest");
        let place = manifest.images.sources[0].path.as_deref();
        assert!(place.is_some_and(|place| place.ends_with("moved")), "{place:?}");
    }
}
