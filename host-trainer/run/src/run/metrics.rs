//! The log of a run, `metrics.jsonl`.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use lcl_artefacts::atomic_file::{self, WriteError};

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

/// Shares of images that were recognised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Share whose class was the first answer.
    pub top1: f64,
    /// Share whose class was among the first five.
    pub top5: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &f64) -> bool {
    value.to_bits() == 0
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
    /// Loss of stage 2 on that batch; 0 and left out where there is one loss.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub loss_stage2: f64,
    /// Share of that batch whose class was the first answer, in recognition.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub top1: Option<f64>,
    /// Share of it whose class was among the first five answers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub top5: Option<f64>,
    /// Training images since the last line, over the time since.
    pub images_per_second: f64,
    /// Share of that time that was spent waiting for images, 0 to 1: near 0,
    /// training is as fast as it computes; otherwise decoding holds it back.
    #[serde(default)]
    pub data_wait: f64,
    /// Length of the step that follows, after warm-up and schedule.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub learning_rate: Option<f64>,
    /// Norm of the gradient of all weights on that batch, at validations but the
    /// last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gradient_norm: Option<f64>,
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
    /// Share of them whose class was the first answer, in recognition.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_top1: Option<f64>,
    /// Share of them whose class was among the first five answers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_top5: Option<f64>,
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
            learning_rate: None,
            gradient_norm: None,
            network_wait: None,
            network_bytes: None,
            val_loss: validation.map(Losses::total),
            val_loss_stage1: validation.map(|v| v.stages[0]),
            val_loss_stage2: validation.map(|v| v.stages[1]),
            top1: None,
            top5: None,
            val_top1: None,
            val_top5: None,
            val_on_diagonal_stage1: None,
            val_on_diagonal_stage2: None,
            val_off_diagonal_stage1: None,
            val_off_diagonal_stage2: None,
        }
    }

    /// Makes it a line of a run with one loss, recognition, with the accuracy on
    /// the batch and on the held-out images.
    #[must_use]
    pub fn with_accuracy(mut self, batch: Accuracy, held_out: Option<Accuracy>) -> Self {
        self.val_loss_stage2 = None;
        (self.top1, self.top5) = (Some(batch.top1), Some(batch.top5));
        self.val_top1 = held_out.map(|accuracy| accuracy.top1);
        self.val_top5 = held_out.map(|accuracy| accuracy.top5);
        self
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
    /// which a resumed run writes again, are removed. Where there is no log, one
    /// begins.
    ///
    /// Returns how many lines were damaged, but for a last one that was not
    /// written to its end; they are left out.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written.
    pub fn resume(path: &Path, step: u64) -> Result<(Self, usize), MetricsError> {
        if !path.exists() {
            return Ok((Self::create(path)?, 0));
        }
        let text = read(path)?;
        let mut damaged = 0;
        let last = text.lines().count().saturating_sub(usize::from(!text.ends_with('\n')));
        let mut kept = String::new();
        for (number, line) in text.lines().enumerate() {
            match serde_json::from_str::<Metrics>(line) {
                Ok(metrics) if metrics.step < step => kept.extend([line, "\n"]),
                Err(_) if number < last => damaged += 1,
                _ => {}
            }
        }
        atomic_file::write(path, &[kept.as_bytes()])?;
        let append = OpenOptions::new().append(true).open(path);
        let file = append.map_err(|cause| WriteError::new(path, cause))?;
        Ok((Self { path: path.to_owned(), file }, damaged))
    }

    /// Reads the lines of the log at `path`; one that was not written to its
    /// end is left out.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn lines(path: &Path) -> Result<Vec<Metrics>, MetricsError> {
        let text = read(path)?;
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

/// Reads a log; bytes that are no text make their line a damaged one.
fn read(path: &Path) -> Result<String, MetricsError> {
    let bytes = fs::read(path);
    let bytes = bytes.map_err(|cause| MetricsError::Io { path: path.to_owned(), cause })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
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
        let (mut log, damaged) = MetricsLog::resume(&path, 2)?;
        assert_eq!(damaged, 0);
        log.append(&Metrics::new(2, Losses::default(), Some(Losses { stages: [1.0, 0.5] }), 3.0))?;
        let text = fs::read_to_string(&path).expect("a log");
        let lines = MetricsLog::lines(&path)?;
        assert_eq!(lines.iter().map(|l| l.step).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!((lines[0].loss, lines[0].val_loss), (3.5, None));
        assert_eq!(lines[2].val_loss, Some(1.5));
        assert!(!text.lines().next().expect("a line").contains("val_loss"));
        Ok(())
    }

    #[test]
    fn a_damaged_log_goes_on_and_a_missing_one_begins() -> Result<(), MetricsError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("metrics.jsonl");
        let line = |step| Metrics::new(step, Losses { stages: [1.5, 2.0] }, None, 3.0);
        let (mut log, damaged) = MetricsLog::resume(&path, 2)?;
        assert_eq!((damaged, MetricsLog::lines(&path)?.len()), (0, 0));
        for step in 0..3 {
            log.append(&line(step))?;
        }
        let mut bytes = fs::read(&path).expect("a log");
        // A flipped bit that is no text any more, and a torn last line.
        bytes[5] ^= 0x80;
        bytes.truncate(bytes.len() - 4);
        fs::write(&path, bytes).expect("written");
        let (_, damaged) = MetricsLog::resume(&path, 9)?;
        let steps: Vec<u64> = MetricsLog::lines(&path)?.iter().map(|line| line.step).collect();
        assert_eq!((damaged, steps), (1, vec![1]));
        Ok(())
    }
}
