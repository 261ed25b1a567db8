//! A progress bar, or plain lines where there is no terminal.

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use host_trainer::{
    run::{Metrics, Progress, RunPlan},
    say,
};
use indicatif::{ProgressBar, ProgressStyle};

use super::interrupt::Interrupt;

/// Lines that a run without a terminal prints, about.
const PLAIN_LINES: u64 = 20;

/// Shows the progress of a run on the console.
///
/// Where nobody can read it any more, the run goes on all the same.
pub struct Console {
    /// The folder of the run; a worker that has none is silent.
    run: Option<PathBuf>,
    bar: Option<ProgressBar>,
    line_every: u64,
    first_step: u64,
    last_step: u64,
    started: Instant,
    interrupt: Arc<Interrupt>,
}

impl Console {
    /// Creates a display that waits for the run in a folder to start.
    pub fn new(run: Option<&Path>, interrupt: Arc<Interrupt>) -> Self {
        Self {
            run: run.map(Path::to_owned),
            bar: None,
            line_every: 1,
            first_step: 0,
            last_step: 0,
            started: Instant::now(),
            interrupt,
        }
    }

    /// Ends the display.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish();
        }
    }

    /// Says how long the run still takes after `step`, where that is known.
    fn left(&self, step: u64) -> String {
        let done = step.saturating_sub(self.first_step);
        if done == 0 || step >= self.last_step {
            return String::new();
        }
        let rest = (self.last_step - step) as f64 / done as f64;
        format!("  {} left", rounded(self.started.elapsed().mul_f64(rest)))
    }
}

/// Shows a time with the two units that matter.
fn rounded(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

impl Progress for Console {
    fn started(&mut self, plan: &RunPlan) {
        self.interrupt.finishes_step();
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
        (self.first_step, self.last_step) = (plan.first_step, plan.last_step);
        self.started = Instant::now();
        self.line_every = (plan.last_step / PLAIN_LINES).max(1);
        if io::stderr().is_terminal() {
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
        self.interrupt.asked()
    }

    fn logged(&mut self, metrics: &Metrics) {
        if self.run.is_none() {
            return;
        }
        let losses = format!(
            "{}  {:.0} images/s{}",
            training_losses(metrics),
            metrics.images_per_second,
            bottleneck(metrics.data_wait, metrics.network_wait.unwrap_or(0.0))
        );
        let held_out = held_out_losses(metrics);
        if let Some(bar) = &self.bar {
            bar.set_position(metrics.step);
            bar.set_message(losses.clone());
            if !held_out.is_empty() {
                bar.println(format!("step {:>6}{held_out}", metrics.step));
            }
        } else if !held_out.is_empty() || metrics.step % self.line_every == 0 {
            let (step, last, left) = (metrics.step, self.last_step, self.left(metrics.step));
            say!("step {step:>6}/{last}  {losses}{held_out}{left}");
        }
    }
}

fn training_losses(metrics: &Metrics) -> String {
    match metrics.top1 {
        Some(top1) => format!("loss {:.3}  top-1 {:.1} %", metrics.loss, 100.0 * top1),
        None => format!("loss V1 {:.1}  V2 {:.1}", metrics.loss_stage1, metrics.loss_stage2),
    }
}

/// Says what the held-out images came to, where they were looked at.
fn held_out_losses(metrics: &Metrics) -> String {
    if let (Some(loss), Some(top1), Some(top5)) =
        (metrics.val_loss, metrics.val_top1, metrics.val_top5)
    {
        let [top1, top5] = [top1, top5].map(|share| 100.0 * share);
        return format!("  held out: loss {loss:.3}  top-1 {top1:.1} %  top-5 {top5:.1} %");
    }
    match (metrics.val_loss_stage1, metrics.val_loss_stage2) {
        (Some(stage1), Some(stage2)) => format!("  held-out loss V1 {stage1:.1}  V2 {stage2:.1}"),
        _ => String::new(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_with_two_units() {
        let shown = |seconds| rounded(Duration::from_secs(seconds));
        assert_eq!([59, 61, 3599].map(shown), ["59 s", "1 min 1 s", "59 min 59 s"]);
        assert_eq!(shown(90_061), "25 h 1 min");
    }
}
