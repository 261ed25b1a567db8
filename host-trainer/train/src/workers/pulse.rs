//! Signs of life, by which a worker that is gone is told from one that waits.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{failure::Failure, keys, line::Line};

/// Beats without a sign of life after which a worker is gone.
const PATIENCE: u32 = 3;

/// Tells the store once a beat that this worker lives, and its step, and hears
/// from it whether the run has ended.
#[derive(Debug)]
pub(super) struct Pulse {
    stop: Arc<AtomicBool>,
    step: Arc<AtomicU64>,
    heard: Arc<OnceLock<Failure>>,
    thread: JoinHandle<()>,
}

impl Pulse {
    /// Starts to beat. The store is a connection of its own: on that of others
    /// a wait would hold it up.
    pub(super) fn start(store: Line, rank: usize, beat: Duration) -> Self {
        let (stop, step) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let heard = Arc::new(OnceLock::new());
        let (ended, at, hears) = (Arc::clone(&stop), Arc::clone(&step), Arc::clone(&heard));
        let thread = thread::spawn(move || {
            let (pulse, step) = (keys::pulse(rank), keys::step(rank));
            while !ended.load(Ordering::Relaxed) {
                let now = at.load(Ordering::Relaxed);
                let told =
                    store.add(&pulse, 1).and_then(|_| store.set(&step, now.to_string().as_bytes()));
                match told.and_then(|()| posted(&store)) {
                    Ok(None) => {}
                    Ok(Some(failure)) => {
                        // This thread alone sets it.
                        let _ = hears.set(failure);
                    }
                    // The store is gone; the next operation says so.
                    Err(_) => return,
                }
                thread::park_timeout(beat);
            }
        });
        Self { stop, step, heard, thread }
    }

    /// Returns what has ended the run, where a worker has said so.
    pub(super) fn heard(&self) -> Option<&Failure> {
        self.heard.get()
    }

    /// Notes the step that the worker is at.
    pub(super) fn at(&self, step: u64) {
        self.step.store(step, Ordering::Relaxed);
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
    }
}

/// Finds out which worker ended the run, after an operation with the others has
/// failed for the worker `own` for the reason `cause`.
///
/// The first worker that knows leaves it in the store; the others repeat it.
pub(super) fn diagnose(
    store: &Line,
    own: usize,
    size: usize,
    beat: Duration,
    cause: &str,
) -> Result<Failure, c10d::Error> {
    let beats =
        || (0..size).map(|rank| store.add(&keys::pulse(rank), 0)).collect::<Result<Vec<_>, _>>();
    let before = beats()?;
    for _ in 0..PATIENCE {
        if let Some(failure) = posted(store)? {
            return Ok(failure);
        }
        thread::sleep(beat);
    }
    let now = beats()?;
    let silent = (0..size).find(|&rank| rank != own && before[rank] == now[rank]);
    let failure = match silent {
        Some(rank) => Failure::gone(rank),
        None => slowest(store, own, size, cause)?,
    };
    post(store, &failure)
}

/// Names the worker that is furthest behind where all of them live.
fn slowest(store: &Line, own: usize, size: usize, cause: &str) -> Result<Failure, c10d::Error> {
    let step = |rank: usize| {
        let text = if store.has(&keys::step(rank))? {
            store.get(&keys::step(rank), Duration::from_secs(1))?
        } else {
            Vec::new()
        };
        Ok(String::from_utf8_lossy(&text).parse::<u64>().unwrap_or(0))
    };
    let steps = (0..size).map(step).collect::<Result<Vec<_>, c10d::Error>>()?;
    let behind = (0..size).min_by_key(|&rank| steps[rank]).filter(|&rank| steps[rank] < steps[own]);
    let (rank, step) = behind.map_or((own, steps[own]), |rank| (rank, steps[rank]));
    Ok(Failure { rank, reason: format!("did not get through step {step} in time: {cause}") })
}

/// Returns what ended the run, where a worker has said so.
pub(super) fn posted(store: &Line) -> Result<Option<Failure>, c10d::Error> {
    if !store.has(keys::FAILURE)? {
        return Ok(None);
    }
    let text = store.get(keys::FAILURE, Duration::from_secs(1))?;
    Ok(serde_json::from_slice(&text).ok())
}

/// Says what ended the run, and returns what was said first.
pub(super) fn post(store: &Line, failure: &Failure) -> Result<Failure, c10d::Error> {
    if store.add(keys::FIRST, 1)? == 1 {
        let text = serde_json::to_vec(failure).unwrap_or_default();
        store.set(keys::FAILURE, &text)?;
        return Ok(failure.clone());
    }
    // Whoever was first is about to say it.
    let text = store.get(keys::FAILURE, Duration::from_secs(1))?;
    Ok(serde_json::from_slice(&text).unwrap_or_else(|_| failure.clone()))
}
