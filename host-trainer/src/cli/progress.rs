//! A progress bar, or plain lines where there is no terminal.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use host_trainer::{
    run::{Metrics, Progress, RunPlan},
    say, tell,
};
use indicatif::{ProgressBar, ProgressStyle};

/// Lines that a run without a terminal prints, about.
const PLAIN_LINES: u64 = 20;

/// Shows the progress of a run on the console.
pub struct Console {
    /// The folder of the run; a worker that has none is silent.
    run: Option<PathBuf>,
    bar: Option<ProgressBar>,
    line_every: u64,
    last_step: u64,
    interrupted: Arc<AtomicBool>,
}

/// Exit status of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

impl Console {
    /// Creates a display that waits for the run in a folder to start.
    pub fn new(run: Option<&Path>) -> Self {
        Self {
            run: run.map(Path::to_owned),
            bar: None,
            line_every: 1,
            last_step: 0,
            interrupted: Arc::default(),
        }
    }

    /// Lets Ctrl-C, or a request to terminate, end the run after the step that
    /// it is at; a second one ends it at once.
    pub fn stop_on_interrupt(&self) -> Result<()> {
        let (interrupted, shows) = (Arc::clone(&self.interrupted), self.run.is_some());
        ctrlc::set_handler(move || {
            if interrupted.swap(true, Ordering::Relaxed) {
                process::exit(INTERRUPTED);
            }
            if !shows {
                return;
            }
            tell!("\nfinishing the step and saving; press Ctrl-C again to stop at once");
        })
        .context("cannot listen for Ctrl-C")
    }

    /// Ends the display.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish();
        }
    }
}

impl Progress for Console {
    fn started(&mut self, plan: &RunPlan) {
        let Some(run) = &self.run else {
            return;
        };
        say!("run      {}", run.display());
        say!("images   {} to train on, {} held out", plan.training_images, plan.validation_images);
        say!("batch    {} images, {} steps", plan.batch, plan.last_step);
        say!("device   {}", plan.device);
        if plan.workers > 1 {
            say!("workers  {}, each with its part of a batch", plan.workers);
        }
        say!("report   {}", run.join("report.html").display());
        if plan.first_step > 0 {
            say!("resumed  at step {}", plan.first_step);
        }
        self.last_step = plan.last_step;
        self.line_every = (plan.last_step / PLAIN_LINES).max(1);
        if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(plan.last_step).with_position(plan.first_step);
            // Resumed, the rate is of what is left to do.
            bar.reset_eta();
            let template = "{pos}/{len} {wide_bar} {msg}  {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(500));
            self.bar = Some(bar);
        }
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    fn logged(&mut self, metrics: &Metrics) {
        let losses = format!(
            "V1 {:.1}  V2 {:.1}  {:.0} images/s{}",
            metrics.loss_stage1,
            metrics.loss_stage2,
            metrics.images_per_second,
            bottleneck(metrics.data_wait, metrics.network_wait.unwrap_or(0.0))
        );
        let held_out = match (metrics.val_loss_stage1, metrics.val_loss_stage2) {
            (Some(stage1), Some(stage2)) => format!("  held out V1 {stage1:.1}  V2 {stage2:.1}"),
            _ => String::new(),
        };
        if let Some(bar) = &self.bar {
            bar.set_position(metrics.step);
            bar.set_message(losses.clone());
            if !held_out.is_empty() {
                bar.println(format!("step {:>6}{held_out}", metrics.step));
            }
        } else if !held_out.is_empty() || metrics.step % self.line_every == 0 {
            say!("step {:>6}/{}  {losses}{held_out}", metrics.step, self.last_step);
        }
    }
}

/// Says what holds training back, given the shares of its time that it waits for
/// images and for other workers.
fn bottleneck(data_wait: f64, network_wait: f64) -> String {
    /// Below it, waiting is no more than the handing over of batches.
    const NOTICEABLE: f64 = 0.1;
    if data_wait.max(network_wait) < NOTICEABLE {
        " (compute-bound)".to_owned()
    } else if data_wait >= network_wait {
        format!(" (data-bound, {:.0} %)", 100.0 * data_wait)
    } else {
        format!(" (network-bound, {:.0} %)", 100.0 * network_wait)
    }
}
