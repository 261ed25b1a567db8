//! The progress of an evaluation on the standard error.

use std::io::IsTerminal;

use host_trainer::{evaluate::Progress, tell};
use indicatif::{ProgressBar, ProgressStyle};

/// A bar for each part of an evaluation; plain lines where there is no
/// terminal.
#[derive(Debug, Default)]
pub struct Console {
    bar: Option<ProgressBar>,
}

impl Progress for Console {
    fn begin(&mut self, part: &str, total: usize) {
        self.finish();
        if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(total as u64).with_message(part.to_owned());
            if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}") {
                bar.set_style(style);
            }
            self.bar = Some(bar);
        } else {
            tell!("{part}: {total}");
        }
    }

    fn advance(&mut self, units: usize) {
        if let Some(bar) = &self.bar {
            bar.inc(units as u64);
        }
    }
}

impl Console {
    fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.finish();
    }
}
