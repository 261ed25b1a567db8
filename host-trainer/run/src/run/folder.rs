//! The folder of a run, and where in it what is.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use super::{
    latest::{self, LATEST},
    lock::{LockError, RunLock},
};
use crate::config::{Config, ConfigError};
use lcl_artefacts::saved::Saved;

/// Where runs go that are given no folder.
const RUNS: &str = "runs";

/// How the names of the optimiser's states begin.
const OPTIMISER: &str = "optimiser-";

/// A folder cannot be used for a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// It cannot be made or read.
    #[error("cannot use {} for a run: {cause}; choose another folder with --out", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// It holds a run already.
    #[error(
        "{} holds a run already; continue it with --resume or choose another folder with --out",
        path.display()
    )]
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// It holds no run to continue.
    #[error(
        "{} holds no run to resume; start a run without --resume, or name its folder \
         with --out",
        path.display()
    )]
    NothingToResume {
        /// The folder.
        path: PathBuf,
    },
    /// Another process works in it.
    #[error(transparent)]
    Lock(#[from] LockError),
}

/// The folder of one run.
///
/// From [`make`](Self::make) or [`resume`](Self::resume) on, until this is
/// dropped, no other process can use it.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    lock: OnceLock<RunLock>,
}

impl RunFolder {
    /// Chooses the folder of a fresh run: `out`, or else the first `runs/N` that
    /// is free. Nothing is made yet.
    ///
    /// # Errors
    ///
    /// When it holds a run already.
    pub fn fresh(out: Option<&Path>) -> Result<Self, FolderError> {
        let path = match out {
            Some(path) => path.to_owned(),
            None => first_free(Path::new(RUNS)),
        };
        let folder = Self { path, lock: OnceLock::new() };
        folder.check_free()?;
        Ok(folder)
    }

    /// Makes the folder, locks it, and points `runs/latest` to it where it lies
    /// in a folder `runs`.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or another process was faster.
    pub fn make(&self) -> Result<(), FolderError> {
        let io = |cause| FolderError::Io { path: self.path.clone(), cause };
        if self.lock.get().is_none() {
            fs::create_dir_all(&self.path).map_err(io)?;
            let lock = RunLock::take(&self.path)?;
            self.check_free()?;
            // Nobody else can have set it: two locks of a folder cannot be had.
            let _ = self.lock.set(lock);
        }
        self.link_latest()
    }

    fn check_free(&self) -> Result<(), FolderError> {
        if self.config().exists() || self.checkpoint().exists() {
            return Err(FolderError::Taken { path: self.path.clone() });
        }
        Ok(())
    }

    /// Finds the folder of a run to continue, `out`, or else `runs/latest`, and
    /// locks it.
    ///
    /// # Errors
    ///
    /// When it holds neither a configuration, which a run writes first, nor a
    /// checkpoint, or another process uses it.
    pub fn resume(out: Option<&Path>) -> Result<Self, FolderError> {
        let newest = || Path::new(RUNS).join(LATEST);
        let path = latest::resolve(&out.map_or_else(newest, Path::to_owned));
        let folder = Self { path, lock: OnceLock::new() };
        let any = [folder.config(), folder.checkpoint(), folder.previous()];
        if !any.iter().any(|path| path.exists()) {
            return Err(FolderError::NothingToResume { path: folder.path });
        }
        let _ = folder.lock.set(RunLock::take(&folder.path)?);
        Ok(folder)
    }

    /// Returns whether the folder lies in a folder `runs`, whose `latest` points
    /// to its newest run.
    #[must_use]
    pub fn is_in_runs(&self) -> bool {
        self.path.parent().and_then(Path::file_name) == Some(RUNS.as_ref())
    }

    /// Returns the folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of the configuration.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// Returns the path of the manifest: from which images, with which versions.
    #[must_use]
    pub fn manifest(&self) -> PathBuf {
        self.path.join("manifest.json")
    }

    /// Returns the path of the list of images, one JSON object a line.
    #[must_use]
    pub fn images(&self) -> PathBuf {
        self.path.join("images.jsonl")
    }

    /// Returns the path of the log, one JSON object a line.
    #[must_use]
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// Returns the path of the log for TensorBoard, which takes what has
    /// `tfevents` in its name.
    #[must_use]
    pub fn events(&self) -> PathBuf {
        self.path.join("events.out.tfevents.lcl")
    }

    /// Returns the path of the newest checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> PathBuf {
        self.path.join("checkpoint.safetensors")
    }

    /// Returns the path of the checkpoint of least validation loss.
    #[must_use]
    pub fn best(&self) -> PathBuf {
        self.path.join("best.safetensors")
    }

    /// Returns the path of the optimiser's state that goes with the checkpoint
    /// of a step.
    ///
    /// It is written before that checkpoint, which replaces the one before by a
    /// single renaming: whenever a run is killed, the state of the checkpoint
    /// that is there is there too.
    #[must_use]
    pub fn optimiser(&self, step: u64) -> PathBuf {
        self.path.join(format!("{OPTIMISER}{step}.safetensors"))
    }

    /// Returns the path of the checkpoint before the newest one.
    #[must_use]
    pub fn previous(&self) -> PathBuf {
        self.path.join("previous.safetensors")
    }

    /// Returns the path of the checksums of checkpoints and states.
    #[must_use]
    pub fn checksums(&self) -> PathBuf {
        self.path.join("checksums.json")
    }

    /// Returns the path of the checkpoint of a step that is kept for good.
    #[must_use]
    pub fn kept(&self, step: u64) -> PathBuf {
        self.path.join(format!("checkpoint-{step}.safetensors"))
    }

    /// Removes what no resuming needs: states of the optimiser but for those in
    /// `kept`, and files that were being written when a run was killed.
    ///
    /// What cannot be removed stays, and does no harm.
    pub fn tidy(&self, kept: &[PathBuf]) {
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let is_part = name.starts_with('.') && name.ends_with(".part");
            if is_part || (name.starts_with(OPTIMISER) && !kept.contains(&path)) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Reads the configuration of the run: `config.toml`, or where that is
    /// missing or damaged, what a checkpoint says of it, with a warning.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn read_config(&self) -> Result<(Config, Option<String>), ConfigError> {
        let error = match Config::read(&self.config()) {
            Ok(config) => return Ok((config, None)),
            Err(error) => error,
        };
        let text = |path: PathBuf| Saved::read(&path).ok()?.config().map(str::to_owned);
        let of_checkpoint = [self.checkpoint(), self.previous(), self.best()]
            .into_iter()
            .find_map(|path| toml::from_str::<Config>(&text(path)?).ok());
        let Some(config) = of_checkpoint.filter(|config| config.validate().is_ok()) else {
            return Err(error);
        };
        let path = self.config();
        let warning = format!(
            "{} cannot be used; the configuration in the checkpoint takes its place",
            path.display()
        );
        Ok((config, Some(warning)))
    }

    /// Puts the logs of a run of which no state is left out of the way of one
    /// that begins anew, and returns where that of `metrics.jsonl` went.
    ///
    /// # Errors
    ///
    /// When they cannot be renamed.
    pub fn set_logs_aside(&self) -> Result<PathBuf, FolderError> {
        let name = |number: u64| self.path.join(format!("metrics-{number}.jsonl"));
        let mut number = 1;
        while name(number).exists() {
            number += 1;
        }
        let aside = name(number);
        fs::rename(self.metrics(), &aside)
            .map_err(|cause| FolderError::Io { path: self.metrics(), cause })?;
        Ok(aside)
    }

    /// Returns the path of the quantised model.
    #[must_use]
    pub fn blob(&self) -> PathBuf {
        self.path.join("model.lcl")
    }

    /// Returns the path of the report.
    #[must_use]
    pub fn report(&self) -> PathBuf {
        self.path.join("report.html")
    }

    fn link_latest(&self) -> Result<(), FolderError> {
        let (Some(runs), Some(name)) = (self.path.parent(), self.path.file_name()) else {
            return Ok(());
        };
        if !self.is_in_runs() || name == LATEST {
            return Ok(());
        }
        latest::point(runs, Path::new(name))
            .map_err(|cause| FolderError::Io { path: runs.join(LATEST), cause })
    }
}

fn first_free(runs: &Path) -> PathBuf {
    let mut number = 1_u64;
    loop {
        let path = runs.join(number.to_string());
        if !path.exists() {
            return path;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_a_run_is_not_overwritten() {
        let temporary = tempfile::tempdir().expect("a folder");
        let out = temporary.path().join("runs/mine");
        assert!(RunFolder::resume(Some(&out)).is_err());
        let folder = RunFolder::fresh(Some(&out)).expect("a fresh folder");
        assert!(!out.exists());
        folder.make().expect("made");
        assert!(RunFolder::fresh(Some(&out)).is_ok(), "nothing was written yet");
        fs::write(folder.config(), b"").expect("a file");
        let error = RunFolder::resume(Some(&out)).expect_err("in use").to_string();
        let this = std::process::id().to_string();
        assert!(error.contains("another process") && error.contains(&this), "{error}");
        drop(folder);
        let folder = RunFolder::resume(Some(&out)).expect("free again");
        fs::write(folder.checkpoint(), b"").expect("a file");
        let error = RunFolder::fresh(Some(&out)).expect_err("taken").to_string();
        assert!(error.contains("--resume") && error.contains("--out"), "{error}");
        drop(folder);
        assert!(RunFolder::resume(Some(&out)).is_ok());
        let latest = temporary.path().join("runs/latest");
        assert_eq!(RunFolder::resume(Some(&latest)).map(|f| f.path).ok(), Some(out));
    }

    #[test]
    fn of_two_that_begin_in_one_folder_one_does() {
        let temporary = tempfile::tempdir().expect("a folder");
        let out = temporary.path().join("run");
        let [first, second] = [0; 2].map(|_| RunFolder::fresh(Some(&out)).expect("free"));
        first.make().expect("made");
        assert!(matches!(second.make(), Err(FolderError::Lock(_))));
        fs::write(first.config(), b"").expect("a file");
        drop(first);
        assert!(matches!(second.make(), Err(FolderError::Taken { .. })));
    }

    #[test]
    fn the_first_free_number_is_taken() {
        let temporary = tempfile::tempdir().expect("a folder");
        for expected in ["1", "2"] {
            let free = first_free(temporary.path());
            assert_eq!(free, temporary.path().join(expected));
            fs::create_dir(free).expect("a folder");
        }
    }
}
