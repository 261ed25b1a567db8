//! A progress bar, or plain lines where there is no terminal.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    time::Duration,
};

use host_trainer::run::{Metrics, Progress, RunPlan};
use indicatif::{ProgressBar, ProgressStyle};

/// Lines that a run without a terminal prints, about.
const PLAIN_LINES: u64 = 20;

/// Shows the progress of a run on the console.
pub struct Console {
    run: PathBuf,
    bar: Option<ProgressBar>,
    line_every: u64,
    last_step: u64,
}

impl Console {
    /// Creates a display that waits for the run in a folder to start.
    pub fn new(run: &Path) -> Self {
        Self { run: run.to_owned(), bar: None, line_every: 1, last_step: 0 }
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
        println!("run      {}", self.run.display());
        println!(
            "images   {} to train on, {} held out",
            plan.training_images, plan.validation_images
        );
        println!("batch    {} images, {} steps", plan.batch, plan.last_step);
        println!("device   {}", plan.device);
        if plan.first_step > 0 {
            println!("resumed  at step {}", plan.first_step);
        }
        self.last_step = plan.last_step;
        self.line_every = (plan.last_step / PLAIN_LINES).max(1);
        if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(plan.last_step).with_position(plan.first_step);
            let template = "{bar:30} {pos}/{len} steps  {msg}  {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(500));
            self.bar = Some(bar);
        }
    }

    fn logged(&mut self, metrics: &Metrics) {
        let losses = format!(
            "V1 {:.1}  V2 {:.1}  {:.0} images/s",
            metrics.loss_stage1, metrics.loss_stage2, metrics.images_per_second
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
            println!("step {:>6}/{}  {losses}{held_out}", metrics.step, self.last_step);
        }
    }
}
