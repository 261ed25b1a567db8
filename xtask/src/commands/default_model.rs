//! A model for someone who has trained none: a few steps on built-in images.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::{fs, io};

use anyhow::{Context, Result};

use super::host::{build_lcl, lcl};
use crate::firmware::Model;
use crate::process::{note, run};
use crate::project;
use crate::setup::libtorch;
use crate::setup::lock::Lock;

/// What it is trained with: enough for filters that are not noise, and short.
const TRAINING: [&str; 6] = ["--data", "synthetic:256", "--batch", "64", "--steps", "20"];

/// What of `host-trainer` decides over weights and blob.
const SOURCES: [&str; 4] = ["run/src/config", "run/src/views", "train/src", "quantise/src"];

/// Name of the blob in the folder of the run.
const MODEL: &str = "model.lcl";

/// Name of the file with what the model follows from, which is written last.
const RECIPE: &str = "recipe.txt";

/// Returns the blob, after training it where there is none, or one of another
/// format or another state of the trainer.
///
/// It lies among the tools, which are never committed, and no `runs/latest`
/// points to it.
pub fn ensure() -> Result<Model> {
    let folder = project::tools().join("default-model");
    let recipe = recipe()?;
    let using = |model: &Model| {
        note(format!(
            "there is no model of yours: using {}, which saw {} steps; `cargo xtask train` makes a \
             better one",
            model.path().display(),
            TRAINING[5]
        ));
    };
    match kept(&folder, &recipe, Model::open) {
        Kept::Sound(model) => {
            using(&model);
            return Ok(model);
        }
        Kept::Stale(why) => note(format!("the small model {why}: training it again, a minute")),
        Kept::Nothing => note(format!(
            "there is no model yet: training one for {} steps on built-in images, about a minute; \
             `cargo xtask train` makes a better one",
            TRAINING[5]
        )),
    }
    libtorch::ensure()?;
    build_lcl()?;
    let _lock = Lock::take()?;
    // Another xtask may have trained it meanwhile.
    if let Kept::Sound(model) = kept(&folder, &recipe, Model::open) {
        using(&model);
        return Ok(model);
    }
    remove(&folder)?;
    run(lcl("train").args(TRAINING).arg("--out").arg(&folder))
        .context("cannot train a model; pass one with --model M.lcl")?;
    // Last, so that only a whole run has it.
    fs::write(folder.join(RECIPE), recipe)
        .with_context(|| format!("cannot write into {}", folder.display()))?;
    Model::given(&folder.join(MODEL))
}

/// What is left of an earlier time.
#[derive(Debug, PartialEq, Eq)]
enum Kept {
    /// A blob that the engine opens, trained with this recipe.
    Sound(Model),
    /// A blob that is to be made again, and why.
    Stale(String),
    /// No blob.
    Nothing,
}

/// Looks at the folder; `open` says whether a blob can be run.
fn kept(folder: &Path, recipe: &str, open: impl Fn(&Model) -> Result<()>) -> Kept {
    let Ok(model) = Model::given(&folder.join(MODEL)) else { return Kept::Nothing };
    if fs::read_to_string(folder.join(RECIPE)).ok().as_deref() != Some(recipe) {
        return Kept::Stale("is of another state of the trainer, or not whole".to_owned());
    }
    match open(&model) {
        Ok(()) => Kept::Sound(model),
        Err(error) => Kept::Stale(format!("is of no use to this program ({error:#})")),
    }
}

/// Returns what a model follows from: the arguments, and a number that changes
/// with the trainer's sources.
fn recipe() -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for name in SOURCES {
        hash(&project::root().join("host-trainer").join(name), &mut hasher)?;
    }
    Ok(format!("train {}\nsources {:016x}\n", TRAINING.join(" "), hasher.finish()))
}

/// Takes in the files of a folder, in the order of their names.
fn hash(path: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    let context = || format!("cannot read {}", path.display());
    if path.is_file() {
        path.file_name().hash(hasher);
        fs::read(path).with_context(context)?.hash(hasher);
        return Ok(());
    }
    let entries = fs::read_dir(path).with_context(context)?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
    let mut paths = paths.with_context(context)?;
    paths.sort();
    paths.iter().try_for_each(|path| hash(path, hasher))
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;
    use crate::firmware::TemporaryFolder;

    #[test]
    fn a_model_of_another_recipe_is_trained_again() {
        let folder = TemporaryFolder::new().expect("a folder");
        let recipe = recipe().expect("the sources are there");
        let open = |model: &Model| match model.len() {
            0 => bail!("the blob is truncated"),
            _ => Ok(()),
        };
        assert_eq!(kept(folder.path(), &recipe, open), Kept::Nothing);
        fs::write(folder.path().join(MODEL), "").expect("written");
        let stale = |recipe: &str| match kept(folder.path(), recipe, open) {
            Kept::Stale(why) => why,
            other => panic!("{other:?}"),
        };
        // As a run that was stopped leaves it.
        assert!(stale(&recipe).contains("another state"));
        fs::write(folder.path().join(RECIPE), &recipe).expect("written");
        assert!(stale(&recipe.replace("--steps 20", "--steps 21")).contains("another state"));
        assert!(stale(&recipe).contains("of no use to this program (the blob is truncated)"));
        fs::write(folder.path().join(MODEL), "a blob").expect("written");
        let sound = kept(folder.path(), &recipe, open);
        assert!(matches!(sound, Kept::Sound(_)), "{sound:?}");
    }

    #[test]
    fn a_change_of_the_sources_is_another_recipe() {
        let folder = TemporaryFolder::new().expect("a folder");
        let path = folder.path().join("steps.rs");
        let number = || {
            let mut hasher = DefaultHasher::new();
            hash(folder.path(), &mut hasher).expect("readable");
            hasher.finish()
        };
        fs::write(&path, "20").expect("written");
        let first = number();
        assert_eq!(number(), first);
        fs::write(&path, "21").expect("written");
        assert_ne!(number(), first);
    }
}
