use std::{fs, path::Path};

use super::{TrainError, train};
use crate::{
    checkpoint::Checkpoint,
    config::{Config, Length},
    data::Source,
    device::DeviceChoice,
    run::{Metrics, Progress, RunFolder, RunPlan, RunSummary, Start},
};

struct Quiet;

impl Progress for Quiet {
    fn started(&mut self, _: &RunPlan) {}
    fn logged(&mut self, _: &Metrics) {}
}

fn config(steps: u64) -> Config {
    let mut config = Config::default();
    config.data.sources = vec![Source::Synthetic { images: 12, seed: 0 }];
    config.data.validation_images = 3;
    config.model.embedding_dim = 16;
    config.training.length = Length::Steps(steps);
    config.training.batch = 4;
    config.training.validate_every = 2;
    config.training.device = DeviceChoice::Cpu;
    // Sums in the same order each time.
    config.training.threads = 1;
    config
}

fn run(config: &Config, out: &Path, start: Start) -> Result<RunSummary, TrainError> {
    let folder = match start {
        Start::Fresh => RunFolder::fresh(Some(out)),
        Start::Resume => RunFolder::resume(Some(out)),
    };
    train(config, &folder.expect("a folder"), start, &mut Quiet)
}

fn lines(out: &Path) -> Vec<Metrics> {
    let text = fs::read_to_string(out.join("metrics.jsonl")).expect("a log");
    text.lines().map(|line| serde_json::from_str(line).expect("a line")).collect()
}

#[test]
fn a_resumed_run_is_the_uninterrupted_one() -> Result<(), TrainError> {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, halves) = (folder.path().join("whole"), folder.path().join("halves"));
    let summary = run(&config(5), &whole, Start::Fresh)?;
    run(&config(3), &halves, Start::Fresh)?;
    let resumed = run(&config(5), &halves, Start::Resume)?;

    let mut expected = Checkpoint::read(&whole.join("checkpoint.safetensors"))?;
    let mut got = Checkpoint::read(&halves.join("checkpoint.safetensors"))?;
    assert_eq!((expected.step, got.step), (5, 5));
    (expected.config, got.config) = (None, None);
    assert!(expected == got);
    assert_eq!((summary.start, summary.end), (resumed.start, resumed.end));
    assert_eq!(summary.best_step, resumed.best_step);
    let losses = |out| lines(out).into_iter().map(|m| (m.step, m.loss)).collect::<Vec<_>>();
    assert_eq!(losses(&whole), losses(&halves));
    let validated = lines(&whole).into_iter().filter(|m| m.val_loss.is_some());
    assert_eq!(validated.map(|m| m.step).collect::<Vec<_>>(), [0, 2, 4, 5]);
    Ok(())
}

#[test]
fn a_loss_that_is_not_finite_names_step_and_stage() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = config(5);
    config.optimiser.learning_rate = 1e38;
    let error = run(&config, &folder.path().join("run"), Start::Fresh).expect_err("diverges");
    let message = error.to_string();
    assert!(message.contains("stage") && message.contains("at step 1"), "{message}");
}

#[test]
fn a_run_that_cannot_start_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = config(1);
    config.training.batch = 100;
    let out = folder.path().join("run");
    assert!(run(&config, &out, Start::Fresh).is_err() && !out.exists());
}
