//! The log of a run, `metrics.jsonl`.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::atomic_file::{self, WriteError};

/// The losses of the two stages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Losses {
    /// Loss of stage 1 and of stage 2.
    pub stages: [f64; 2],
}

impl Losses {
    /// Returns the sum of the two.
    #[must_use]
    pub fn total(self) -> f64 {
        self.stages[0] + self.stages[1]
    }
}

/// One line of the log: the network after `step` updates of its weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Updates so far.
    pub step: u64,
    /// Sum of both stages' losses on the next training batch.
    pub loss: f64,
    /// Loss of stage 1 on that batch.
    pub loss_stage1: f64,
    /// Loss of stage 2 on that batch.
    pub loss_stage2: f64,
    /// Training images since the last line, over the time since.
    pub images_per_second: f64,
    /// Share of that time that was spent waiting for images, 0 to 1: near 0,
    /// training is as fast as it computes; otherwise decoding holds it back.
    #[serde(default)]
    pub data_wait: f64,
    /// Share of it that rank 0 spent on sending to other workers and waiting
    /// for them; there only with several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub network_wait: Option<f64>,
    /// Bytes that rank 0 gave to sums over all workers in that time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub network_bytes: Option<u64>,
    /// Sum of both stages' losses on the held-out images.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_loss: Option<f64>,
    /// Loss of stage 1 on the held-out images.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_loss_stage1: Option<f64>,
    /// Loss of stage 2 on the held-out images.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_loss_stage2: Option<f64>,
    /// Mean on-diagonal of stage 1's cross-correlation over them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_on_diagonal_stage1: Option<f64>,
    /// Mean on-diagonal of stage 2's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_on_diagonal_stage2: Option<f64>,
    /// Root mean square off-diagonal of stage 1's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_off_diagonal_stage1: Option<f64>,
    /// Root mean square off-diagonal of stage 2's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_off_diagonal_stage2: Option<f64>,
}

impl Metrics {
    /// Creates a line from the losses at a step.
    #[must_use]
    pub fn new(
        step: u64,
        losses: Losses,
        validation: Option<Losses>,
        images_per_second: f64,
    ) -> Self {
        Self {
            step,
            loss: losses.total(),
            loss_stage1: losses.stages[0],
            loss_stage2: losses.stages[1],
            images_per_second,
            data_wait: 0.0,
            network_wait: None,
            network_bytes: None,
            val_loss: validation.map(Losses::total),
            val_loss_stage1: validation.map(|v| v.stages[0]),
            val_loss_stage2: validation.map(|v| v.stages[1]),
            val_on_diagonal_stage1: None,
            val_on_diagonal_stage2: None,
            val_off_diagonal_stage1: None,
            val_off_diagonal_stage2: None,
        }
    }

    /// Adds the cross-correlation on the held-out images, each stage's mean on
    /// the diagonal and root mean square off it.
    #[must_use]
    pub fn with_correlation(mut self, on_diagonal: [f64; 2], off_diagonal: [f64; 2]) -> Self {
        self.val_on_diagonal_stage1 = Some(on_diagonal[0]);
        self.val_on_diagonal_stage2 = Some(on_diagonal[1]);
        self.val_off_diagonal_stage1 = Some(off_diagonal[0]);
        self.val_off_diagonal_stage2 = Some(off_diagonal[1]);
        self
    }
}

/// The log cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// The file cannot be opened.
    #[error("cannot read {}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// The log, open for appending.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    file: File,
}

impl MetricsLog {
    /// Creates an empty log at `path`.
    ///
    /// # Errors
    ///
    /// When the file cannot be created.
    pub fn create(path: &Path) -> Result<Self, MetricsError> {
        let file = File::create(path).map_err(|cause| WriteError::new(path, cause))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Opens the log at `path` to continue from `step`; lines from there on,
    /// which a resumed run writes again, are removed.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written.
    pub fn resume(path: &Path, step: u64) -> Result<Self, MetricsError> {
        let text = fs::read_to_string(path)
            .map_err(|cause| MetricsError::Io { path: path.to_owned(), cause })?;
        let earlier = |line: &&str| {
            serde_json::from_str(line).is_ok_and(|metrics: Metrics| metrics.step < step)
        };
        let kept: String = text.lines().filter(earlier).flat_map(|line| [line, "\n"]).collect();
        atomic_file::write(path, &[kept.as_bytes()])?;
        let append = OpenOptions::new().append(true).open(path);
        let file = append.map_err(|cause| WriteError::new(path, cause))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Reads the lines of the log at `path`; one that was not written to its
    /// end is left out.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn lines(path: &Path) -> Result<Vec<Metrics>, MetricsError> {
        let text = fs::read_to_string(path)
            .map_err(|cause| MetricsError::Io { path: path.to_owned(), cause })?;
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// Appends a line.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn append(&mut self, metrics: &Metrics) -> Result<(), MetricsError> {
        let line = serde_json::to_string(metrics).map_err(io::Error::from);
        line.and_then(|line| self.file.write_all(format!("{line}\n").as_bytes()))
            .map_err(|cause| WriteError::new(&self.path, cause).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resumed_log_has_each_step_once() -> Result<(), MetricsError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("metrics.jsonl");
        let line = |step| Metrics::new(step, Losses { stages: [1.5, 2.0] }, None, 3.0);
        let mut log = MetricsLog::create(&path)?;
        for step in 0..4 {
            log.append(&line(step))?;
        }
        let mut log = MetricsLog::resume(&path, 2)?;
        log.append(&Metrics::new(2, Losses::default(), Some(Losses { stages: [1.0, 0.5] }), 3.0))?;
        let text = fs::read_to_string(&path).expect("a log");
        let lines = MetricsLog::lines(&path)?;
        assert_eq!(lines.iter().map(|l| l.step).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!((lines[0].loss, lines[0].val_loss), (3.5, None));
        assert_eq!(lines[2].val_loss, Some(1.5));
        assert!(!text.lines().next().expect("a line").contains("val_loss"));
        Ok(())
    }
}
