//! Why the workers of a run stop, told in the same words by all of them.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::WorldError;
use lcl_run::config::ConfigError;

/// What ended a run on several workers, and at which of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The worker.
    pub rank: usize,
    /// What happened to it, as the end of a sentence that begins with its rank.
    pub reason: String,
}

impl Failure {
    /// What is known of a worker that is no longer heard of.
    pub(super) fn gone(rank: usize) -> Self {
        let reason = "is gone: it was killed, or its machine or network is down".to_owned();
        Self { rank, reason }
    }

    /// What a worker says that stops because of an error of its own.
    pub(super) fn own(rank: usize, error: &dyn fmt::Display) -> Self {
        Self { rank, reason: format!("stopped: {error:#}") }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rank {} {}", self.rank, self.reason)
    }
}

/// The workers of a run cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkersError {
    /// The environment makes no sense.
    #[error(transparent)]
    World(#[from] WorldError),
    /// Only one process can be had.
    #[error(transparent)]
    Missing(c10d::Error),
    /// No store can be served or reached.
    #[error("rank {rank} cannot {verb} the store at {host}:{port} {within}: {reason}; {advice}")]
    Store {
        /// This worker.
        rank: usize,
        /// `serve` or `reach`.
        verb: &'static str,
        /// Machine of the store.
        host: String,
        /// Its port.
        port: u16,
        /// How long it was tried.
        within: String,
        /// What c10d said.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// A worker ended the run.
    #[error("{0}; all workers stop, the last checkpoint is intact: continue it with --resume")]
    Stopped(Failure),
    /// This worker has no place in the run whose store it reached, which goes on.
    #[error(
        "rank {rank} has come twice to the store at {host}:{port}, or to that of another run: \
         {reason}; the run that is there goes on: choose another MASTER_PORT for another run"
    )]
    TurnedAway {
        /// This worker.
        rank: usize,
        /// Machine of the store.
        host: String,
        /// Its port.
        port: u16,
        /// Why there is no place.
        reason: String,
    },
    /// The workers never came together.
    #[error("{0}; no worker starts")]
    NotTogether(Failure),
    /// What rank 0 said of the configuration cannot be understood.
    #[error("the configuration that rank 0 sent cannot be used: {0}")]
    Config(#[from] ConfigError),
    /// The device cannot be used by several workers.
    #[error(
        "this build cannot join GPUs: build host-trainer with --features nccl against a libtorch \
         for CUDA, or use --device cpu"
    )]
    NoNccl,
    /// A batch is smaller than the number of workers.
    #[error("a batch of {batch} images is too small for {size} workers: give more with --batch")]
    BatchTooSmall {
        /// Images in a batch.
        batch: usize,
        /// Workers.
        size: usize,
    },
}

/// Shows a time as people say it.
pub(super) fn seconds(duration: Duration) -> String {
    format!("within {} s", duration.as_secs_f64())
}
