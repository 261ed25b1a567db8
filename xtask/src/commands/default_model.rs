//! A model for someone who has trained none: a few steps on built-in images.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use anyhow::{Context, Result};

use super::host::{build_lcl, lcl};
use crate::firmware::Model;
use crate::process::{note, run};
use crate::project;
use crate::setup::libtorch;
use crate::setup::lock::Lock;

/// What it is trained with: enough for filters that are not noise, and short.
const TRAINING: [&str; 6] = ["--data", "synthetic:256", "--batch", "64", "--steps", "20"];

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
        note(format_args!(
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
        Kept::Stale(why) => {
            note(format_args!("the small model {why}: training it again, a minute"));
        }
        Kept::Nothing => note(format_args!(
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
    project::remove(&folder)?;
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
    let sources = hash(&project::root().join("host-trainer"))?;
    Ok(format!("train {}\nsources {sources:016x}\n", TRAINING.join(" ")))
}

/// Returns a number that changes with the Rust below a folder and its names.
fn hash(folder: &Path) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    for file in project::files(folder)? {
        if file.extension().is_some_and(|extension| extension == "rs") {
            project::read(&folder.join(&file))?.hash(&mut hasher);
            file.hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn a_model_of_another_recipe_is_trained_again() {
        let folder = project::temporary_folder().expect("a folder");
        let recipe = recipe().expect("the sources are there");
        let kept = |recipe: &str| {
            let open = |model: &Model| match model.len() {
                0 => bail!("the blob is truncated"),
                _ => Ok(()),
            };
            match kept(folder.path(), recipe, open) {
                Kept::Nothing => "nothing".to_owned(),
                Kept::Stale(why) => why,
                Kept::Sound(_) => "sound".to_owned(),
            }
        };
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text);
        assert_eq!(kept(&recipe), "nothing");
        write(MODEL, "").expect("written");
        // As a run that was stopped leaves it.
        assert!(kept(&recipe).contains("another state"));
        write(RECIPE, &recipe).expect("written");
        assert!(kept(&recipe.replace("--steps 20", "--steps 21")).contains("another state"));
        assert!(kept(&recipe).contains("of no use to this program (the blob is truncated)"));
        write(MODEL, "a blob").expect("written");
        assert_eq!(kept(&recipe), "sound");
        let number = |text: &str| {
            write("steps.rs", text).expect("written");
            hash(folder.path()).expect("readable")
        };
        assert_eq!(number("20"), number("20"));
        assert_ne!(number("20"), number("21"));
    }
}
