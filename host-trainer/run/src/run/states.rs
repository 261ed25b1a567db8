//! The states that a run can go on from: the newest two, with checksums.
//!
//! A state is a checkpoint and the optimiser's moments of the same step. Names of
//! checkpoints stay, `checkpoint.safetensors` and `previous.safetensors`; so
//! what a file may hold is written down before it is written: whenever a run is
//! killed, what is there is what `checksums.json` says.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::RunFolder;
use lcl_artefacts::atomic_file::{self, WriteError};

/// Checksums of the files that a run goes on from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Checksums {
    /// CRC-32, in hexadecimal, of what each file may hold: what it held and what
    /// was about to take its place.
    files: BTreeMap<String, Vec<String>>,
}

impl Checksums {
    /// Reads the checksums of a run, or none where there are none, as in runs of
    /// earlier versions, or they are damaged.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let text = fs::read(path).ok();
        text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// Returns what is wrong with the file at `path`, as the end of a sentence
    /// that begins with it; without a checksum, only that it is missing is known.
    #[must_use]
    pub fn fault(&self, path: &Path) -> Option<String> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(_) if !path.exists() => return Some("is missing".to_owned()),
            Err(cause) => return Some(format!("cannot be read: {cause}")),
        };
        let known = self.files.get(&name(path))?;
        let is_sound = known.contains(&crc32(&bytes));
        (!is_sound).then(|| "is damaged: its checksum is another one".to_owned())
    }

    /// Notes what a file that is sound holds.
    pub fn settle(&mut self, path: &Path) {
        if let Ok(bytes) = fs::read(path) {
            self.files.insert(name(path), vec![crc32(&bytes)]);
        }
    }

    /// Notes that bytes are about to take the place of what a file holds.
    fn expect(&mut self, path: &Path, bytes: &[u8]) {
        let known = self.files.entry(name(path)).or_default();
        let crc32 = crc32(bytes);
        known.retain(|old| *old != crc32);
        known.drain(..known.len().saturating_sub(1));
        known.push(crc32);
    }

    /// Notes that one file is about to take the place of another.
    fn expect_move(&mut self, from: &Path, to: &Path) {
        let moved = self.files.get(&name(from)).cloned().unwrap_or_default();
        let known = self.files.entry(name(to)).or_default();
        if moved.is_empty() {
            // A file of an earlier version, of which none is known.
            known.clear();
            self.files.remove(&name(to));
            return;
        }
        known.drain(..known.len().saturating_sub(1));
        known.extend(moved);
    }

    fn write(&self, path: &Path) -> Result<(), WriteError> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        atomic_file::write(path, &[text.as_bytes(), b"\n"])
    }
}

/// The states in the folder of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct States {
    /// Step of `checkpoint.safetensors`, where that is sound.
    pub newest: Option<u64>,
    /// Step of `previous.safetensors`, where that is sound.
    pub previous: Option<u64>,
    /// What the files may hold.
    pub checksums: Checksums,
}

impl States {
    /// Returns the step of the newest sound state.
    #[must_use]
    pub fn last_good(&self) -> Option<u64> {
        self.newest.or(self.previous)
    }

    /// Writes a state, given as the bytes of its files; the newest one so far
    /// becomes the previous one.
    ///
    /// # Errors
    ///
    /// When a file cannot be written; both states are still there then.
    pub fn save(
        &mut self,
        run: &RunFolder,
        step: u64,
        checkpoint: &[u8],
        optimiser: &[u8],
    ) -> Result<(), WriteError> {
        let moved = self.newest.filter(|&newest| newest != step);
        if moved.is_some() {
            self.checksums.expect_move(&run.checkpoint(), &run.previous());
        }
        self.checksums.expect(&run.checkpoint(), checkpoint);
        self.checksums.expect(&run.optimiser(step), optimiser);
        self.checksums.write(&run.checksums())?;
        atomic_file::write(&run.optimiser(step), &[optimiser])?;
        if moved.is_some() {
            copy(&run.checkpoint(), &run.previous())?;
            self.previous = moved;
        }
        atomic_file::write(&run.checkpoint(), &[checkpoint])?;
        self.newest = Some(step);
        self.tidy(run);
        Ok(())
    }

    /// Writes the checkpoint of least loss.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn save_best(&mut self, run: &RunFolder, checkpoint: &[u8]) -> Result<(), WriteError> {
        self.checksums.expect(&run.best(), checkpoint);
        self.checksums.write(&run.checksums())?;
        atomic_file::write(&run.best(), &[checkpoint])
    }

    /// Removes what is of no state, and files that were being written when a run
    /// was killed.
    pub fn tidy(&mut self, run: &RunFolder) {
        let kept: Vec<PathBuf> =
            [self.newest, self.previous].into_iter().flatten().map(|s| run.optimiser(s)).collect();
        run.tidy(&kept);
        let others = [run.checkpoint(), run.previous(), run.best()];
        let names: Vec<String> = kept.iter().chain(&others).map(|path| name(path)).collect();
        self.checksums.files.retain(|file, _| names.contains(file));
    }
}

/// Puts what is at `from` at `to` too, whole or not at all.
fn copy(from: &Path, to: &Path) -> Result<(), WriteError> {
    let beside = to.with_file_name(format!(".previous.{}.part", std::process::id()));
    let _ = fs::remove_file(&beside);
    fs::hard_link(from, &beside)
        .or_else(|_| fs::copy(from, &beside).map(drop))
        .and_then(|()| fs::rename(&beside, to))
        .map_err(|cause| WriteError::new(to, cause))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn crc32(bytes: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, RunFolder) {
        let folder = tempfile::tempdir().expect("a folder");
        let run = RunFolder::fresh(Some(&folder.path().join("run"))).expect("free");
        run.make().expect("made");
        (folder, run)
    }

    #[test]
    fn the_last_two_states_are_kept_with_their_checksums() {
        let (_folder, run) = folder();
        let mut states = States::default();
        for step in [0_u64, 2, 2, 4, 6] {
            let bytes = format!("weights {step}");
            states.save(&run, step, bytes.as_bytes(), b"moments").expect("saved");
        }
        assert_eq!((states.newest, states.previous), (Some(6), Some(4)));
        assert_eq!(fs::read(run.previous()).expect("there"), b"weights 4");
        assert_eq!(fs::read(run.checkpoint()).expect("there"), b"weights 6");
        let there = |step| run.optimiser(step).exists();
        assert_eq!([0, 2, 4, 6].map(there), [false, false, true, true]);
        let checksums = Checksums::read(&run.checksums());
        let files = [run.checkpoint(), run.previous(), run.optimiser(6), run.optimiser(4)];
        for file in files {
            assert_eq!(checksums.fault(&file), None, "{}", file.display());
            let mut bytes = fs::read(&file).expect("there");
            bytes[3] ^= 1;
            // Not in place: two names may be one file.
            atomic_file::write(&file, &[&bytes]).expect("written");
            assert!(checksums.fault(&file).is_some_and(|fault| fault.contains("damaged")));
        }
        assert_eq!(checksums.fault(&run.optimiser(0)).as_deref(), Some("is missing"));
    }

    #[test]
    fn whatever_is_there_after_a_kill_is_known() {
        let (_folder, run) = folder();
        let mut states = States::default();
        states.save(&run, 0, b"old", b"a").expect("saved");
        states.save(&run, 1, b"new", b"b").expect("saved");
        // Killed after each of the writes of the next state.
        let before = |path: &Path| fs::read(path).expect("there");
        let [checkpoint, previous] = [run.checkpoint(), run.previous()].map(|path| before(&path));
        states.save(&run, 2, b"newest", b"c").expect("saved");
        let checksums = Checksums::read(&run.checksums());
        for (newest, older) in [(&checkpoint, &previous), (&checkpoint, &checkpoint)] {
            atomic_file::write(&run.checkpoint(), &[newest]).expect("written");
            atomic_file::write(&run.previous(), &[older]).expect("written");
            assert_eq!(checksums.fault(&run.checkpoint()), None);
            assert_eq!(checksums.fault(&run.previous()), None);
        }
    }

    #[test]
    fn a_run_without_checksums_is_taken_as_it_is() {
        let (_folder, run) = folder();
        fs::write(run.checkpoint(), b"of an earlier version").expect("written");
        for damaged in [None, Some("{")] {
            if let Some(text) = damaged {
                fs::write(run.checksums(), text).expect("written");
            }
            assert_eq!(Checksums::read(&run.checksums()).fault(&run.checkpoint()), None);
        }
        let mut states = States { newest: Some(3), ..States::default() };
        states.save(&run, 4, b"new", b"a").expect("saved");
        let checksums = Checksums::read(&run.checksums());
        assert_eq!(checksums.fault(&run.previous()), None);
        assert_eq!(checksums.fault(&run.checkpoint()), None);
    }
}
