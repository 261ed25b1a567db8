//! What has to be gone when xtask is: running programs and folders of a run.
//!
//! Once xtask ends, nothing new begins: whoever wants to hold something more, or
//! has let go of something, waits for the end.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

static HELD: Mutex<Held> =
    Mutex::new(Held { programs: Vec::new(), folders: Vec::new(), ending: false });

/// What xtask holds.
#[derive(Debug)]
pub(super) struct Held {
    /// Process ids.
    pub(super) programs: Vec<u32>,
    /// Folders.
    pub(super) folders: Vec<PathBuf>,
    /// Whether xtask ends.
    pub(super) ending: bool,
}

/// Returns it, for whoever ends xtask.
pub(super) fn held() -> MutexGuard<'static, Held> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds something, unless xtask ends.
pub(super) fn hold<T>(add: impl FnOnce(&mut Held) -> T) -> T {
    let mut held = held();
    if held.ending {
        drop(held);
        wait_for_the_end();
    }
    add(&mut held)
}

/// Removes something.
pub(super) fn let_go(remove: impl FnOnce(&mut Held)) {
    let mut held = held();
    remove(&mut held);
    if held.ending {
        drop(held);
        wait_for_the_end();
    }
}

/// Holds a folder: it is removed where a signal ends xtask.
pub fn hold_folder(path: &Path) {
    hold(|held| held.folders.push(path.to_owned()));
}

/// Lets go of a folder that was removed.
pub fn let_go_of_folder(path: &Path) {
    let_go(|held| held.folders.retain(|folder| folder != path));
}

fn wait_for_the_end() -> ! {
    loop {
        thread::park();
    }
}
