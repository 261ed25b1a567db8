//! What a run came to, in a few lines of text: for the page and for a terminal.

use std::path::Path;

use super::{Report, RunState};
use crate::config::Length;
use lcl_artefacts::shell;
use lcl_pages::markup::number;

/// Validations that a trend is seen in, at least.
const VALIDATIONS: usize = 4;

/// Share of the whole fall of the loss that its last part has to differ by.
const NOTICEABLE: f64 = 0.01;

/// How many filters of V1 are oriented.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Orientedness {
    /// Filters that a Gabor function fits at least so well as `r2_from`.
    pub oriented: usize,
    /// All filters.
    pub filters: usize,
    /// Least R² of an oriented filter.
    pub r2_from: f64,
    /// Median R² over all filters.
    pub median_r2: f64,
}

/// Where the summed loss on held-out images goes at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// It still falls: more steps help.
    Falling,
    /// It stays as it is.
    Level,
    /// It rises: the best checkpoint is an earlier one.
    Rising,
}

impl Trend {
    /// Returns the trend of losses in the order of their steps, the last quarter
    /// against the quarter before, or `None` for too few.
    #[must_use]
    pub fn of(losses: &[f64]) -> Option<Self> {
        let losses: Vec<f64> = losses.iter().copied().filter(|loss| loss.is_finite()).collect();
        if losses.len() < VALIDATIONS {
            return None;
        }
        let quarter = losses.len() / 4;
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        let (before, last) = losses[losses.len() - 2 * quarter..].split_at(quarter);
        let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
        let (fall, late) = ((losses[0] - least).max(0.0), mean(before) - mean(last));
        Some(match late {
            late if late > NOTICEABLE * fall => Self::Falling,
            late if late < -NOTICEABLE * fall => Self::Rising,
            _ => Self::Level,
        })
    }
}

/// Returns what a run in `folder` is called: its last name, or the last two
/// where the last is only a number, as in `runs/1`.
#[must_use]
pub fn name_of(folder: &Path) -> String {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let last = name(folder).unwrap_or_else(|| "here".to_owned());
    let is_number = last.chars().all(|c| c.is_ascii_digit());
    match folder.parent().and_then(name) {
        Some(parent) if is_number => format!("{parent}/{last}"),
        _ => last,
    }
}

/// One thing that a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What it is about, a word.
    pub about: &'static str,
    /// What is to be said.
    pub text: String,
}

impl Report {
    /// Returns where the summed loss on held-out images goes.
    #[must_use]
    pub fn trend(&self) -> Option<Trend> {
        let losses: Vec<f64> = self.metrics.iter().filter_map(|line| line.val_loss).collect();
        Trend::of(&losses)
    }

    /// Returns what the run came to, as far as it is known.
    #[must_use]
    pub fn outcome(&self) -> Vec<Outcome> {
        let texts = [
            ("filters", self.filters_text()),
            ("SQNR", self.sqnr_text()),
            ("loss", self.trend_text()),
            ("next", self.next_text()),
        ];
        let outcome = |(about, text): (_, Option<String>)| Some(Outcome { about, text: text? });
        texts.into_iter().filter_map(outcome).collect()
    }

    fn filters_text(&self) -> Option<String> {
        let Orientedness { oriented, filters, r2_from, median_r2 } = self.orientedness?;
        Some(format!(
            "{oriented} of {filters} filters of V1 are oriented (a Gabor function fits them with R² of \
             {r2_from} or more); median R² {}",
            number(median_r2)
        ))
    }

    fn sqnr_text(&self) -> Option<String> {
        let quantised = self.quantisation.as_ref()?;
        let [v1, v2] = quantised.stages.each_ref().map(|stage| number(stage.all.sqnr_db));
        Some(format!("V1 {v1} dB, V2 {v2} dB, on {}", quantised.on))
    }

    fn trend_text(&self) -> Option<String> {
        let text = match self.trend()? {
            Trend::Falling => "was still falling in the last quarter: more steps help",
            Trend::Level => "was level in the last quarter: more steps alone help little",
            Trend::Rising => {
                "was rising in the last quarter: the best checkpoint is an earlier one, and more \
                 images help rather than more steps"
            }
        };
        Some(format!("on held-out images it {text}"))
    }

    /// Returns the command that trains on: with twice the steps, or where the
    /// loss no longer improved, with twice the patience.
    fn next_text(&self) -> Option<String> {
        let training = &self.config.training;
        let longer = match (self.state, training.length) {
            (RunState::StoppedEarly, _) => {
                format!("--patience {}", training.patience.saturating_mul(2))
            }
            (RunState::Finished, Length::Steps(steps)) => {
                format!("--steps {}", steps.max(1).saturating_mul(2))
            }
            (RunState::Finished, Length::Epochs(epochs)) => {
                format!("--epochs {}", epochs.max(1).saturating_mul(2))
            }
            (RunState::Running | RunState::Interrupted, _) => return None,
        };
        let folder = shell::quoted(self.folder.as_ref()?);
        Some(format!("lcl train --out {folder} --resume {longer}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_with_a_number_is_called_by_its_folder_too() {
        for (folder, expected) in [
            ("/home/a/runs/1", "runs/1"),
            ("runs/12", "runs/12"),
            ("runs/gabor", "gabor"),
            ("1", "1"),
            ("/", "here"),
        ] {
            assert_eq!(name_of(Path::new(folder)), expected);
        }
    }

    #[test]
    fn trends_are_of_the_last_quarter() {
        let falls: Vec<f64> = (0..16).map(|at| 1000.0 - 50.0 * f64::from(at)).collect();
        assert_eq!(Trend::of(&falls), Some(Trend::Falling));
        let mut level = falls.clone();
        level.extend([250.0, 251.0].repeat(16));
        assert_eq!(Trend::of(&level), Some(Trend::Level));
        let rises: Vec<f64> = falls.iter().rev().copied().collect();
        assert_eq!(Trend::of(&rises), Some(Trend::Rising));
        // As with SimSiam, below zero.
        assert_eq!(Trend::of(&[-0.1, -0.5, -0.8, -0.9]), Some(Trend::Falling));
        assert_eq!(Trend::of(&[3.0, 2.0, 1.0]), None);
        assert_eq!(Trend::of(&[f64::NAN; 9]), None);
        assert_eq!(Trend::of(&[1.0; 9]), Some(Trend::Level));
    }
}
