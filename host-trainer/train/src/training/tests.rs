use std::{fs, path::Path};

use super::{TrainError, train};
use crate::workers::Workers;
use lcl_artefacts::{checkpoint::Checkpoint, tensor_file::TensorFile};
use lcl_images::Source;
use lcl_run::{
    config::{Config, Length, SHIPPED, Shipped},
    device::{DeviceChoice, Precision},
    report::RunState,
    run::{Metrics, Progress, RunFolder, RunPlan, RunSummary, Start},
};

struct Quiet;

impl Progress for Quiet {
    fn started(&mut self, _: &RunPlan) {}
    fn logged(&mut self, _: &Metrics) {}
}

pub(super) fn config(steps: u64) -> Config {
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

pub(super) fn run(config: &Config, out: &Path, start: Start) -> Result<RunSummary, TrainError> {
    let folder = match start {
        Start::Fresh => RunFolder::fresh(Some(out)),
        Start::Resume => RunFolder::resume(Some(out)),
    };
    let lead = Some((&folder.expect("a folder"), start));
    Ok(train(config, &Workers::alone(), lead, &mut Quiet)?.expect("of who leads"))
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

    assert_eq!(resumed.report.metrics, lines(&halves));
    let page = fs::read_to_string(halves.join("report.html")).expect("a report");
    assert_eq!(page, resumed.report.to_html());
    assert!(page.contains("after 5 of 5 steps") && page.contains(">finished<"), "{page}");
    let correlated = lines(&whole).into_iter().filter(|m| m.val_on_diagonal_stage2.is_some());
    assert_eq!(correlated.map(|m| m.step).collect::<Vec<_>>(), [0, 2, 4, 5]);
    Ok(())
}

#[test]
fn a_run_that_stops_early_says_so() -> Result<(), TrainError> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = config(50);
    (config.training.patience, config.training.min_improvement) = (1, 0.99);
    let summary = run(&config, &folder.path().join("run"), Start::Fresh)?;
    assert!(summary.stopped_early && summary.steps < 50);
    assert_eq!(summary.report.state, RunState::StoppedEarly);
    assert!(summary.report.to_html().contains("stopped, as it no longer improved"));
    Ok(())
}

#[track_caller]
fn check_diverges(validate_every: u64, step: u64, last_good: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    let mut config = config(5);
    config.optimiser.learning_rate = 1e38;
    config.training.validate_every = validate_every;
    let error = run(&config, &out, Start::Fresh).expect_err("diverges");
    assert!(matches!(error, TrainError::NotFinite { stage: 1 | 2, .. }), "{error:?}");
    let (message, checkpoint) = (error.to_string(), out.join("checkpoint.safetensors"));
    let stage = message.contains("the loss of stage 1 is") || message.contains("of stage 2 is");
    assert!(stage && message.contains(&format!("at step {step};")), "{message}");
    let good = format!("{}, is of step {last_good};", checkpoint.display());
    assert!(message.contains(&good), "{message}");
    let checkpoint = Checkpoint::read(&checkpoint).expect("the last good checkpoint");
    assert_eq!(checkpoint.step, last_good);
    let weights = checkpoint.convolutions.iter().flat_map(|conv| &conv.conv.weight);
    assert!(weights.clone().count() > 0 && weights.clone().all(|weight| weight.is_finite()));
    let again = run(&config, &out, Start::Resume).expect_err("diverges again").to_string();
    assert!(again.contains(&good), "{again}");
}

#[test]
fn a_loss_that_is_not_finite_names_step_stage_and_last_good_checkpoint() {
    // In the batch that follows the update.
    check_diverges(2, 1, 0);
    // In the validation that comes before that batch: its weights are not saved.
    check_diverges(1, 1, 0);
}

#[test]
fn a_run_of_no_steps_leaves_the_initial_weights() -> Result<(), TrainError> {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    let config = config(0);
    let summary = run(&config, &out, Start::Fresh)?;
    assert_eq!((summary.steps, summary.best_step, summary.start), (0, 0, summary.end));
    assert!(!summary.stopped_early && summary.report.state == RunState::Finished);
    for name in ["checkpoint.safetensors", "best.safetensors"] {
        let mut checkpoint = Checkpoint::read(&out.join(name))?;
        checkpoint.config = None;
        let expected = Checkpoint::initial(config.model, config.input, config.training.seed);
        assert!(checkpoint == expected, "{name}");
    }
    assert_eq!(lines(&out).iter().map(|metrics| metrics.step).collect::<Vec<_>>(), [0]);
    let again = run(&config, &out, Start::Resume)?;
    assert_eq!(again.end, summary.end);
    Ok(())
}

/// How far the loss of bfloat16 layers may be from that of float32 ones with the
/// same weights, as a fraction: bfloat16 keeps 8 bits, so that each activation is
/// off by up to 2⁻⁹ of itself, at each of a stage's layers.
const SAME_WEIGHTS: f64 = 0.0078;

/// How far the mean loss of some batches may be after updates of their own.
/// Single batches differ more: at first an update of Adam has the gradient's
/// sign alone, which rounding changes where there is hardly any.
const OWN_WEIGHTS: f64 = 0.05;

#[test]
fn bfloat16_trains_as_float32_does_and_resumes() -> Result<(), TrainError> {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let mut float32 = config(12);
    float32.data.sources = vec![Source::Synthetic { images: 32, seed: 0 }];
    (float32.training.batch, float32.training.seed) = (16, 1);
    let mut bfloat16 = float32.clone();
    bfloat16.training.precision = Precision::Bfloat16;
    let expected = run(&float32, &at("float32"), Start::Fresh)?;
    let got = run(&bfloat16, &at("bfloat16"), Start::Fresh)?;
    for summary in [&expected, &got] {
        assert!(summary.end.total() < 0.5 * summary.start.total(), "{summary:?}");
    }
    let losses = |name: &str| lines(&at(name)).iter().map(|m| m.loss).collect::<Vec<_>>();
    let (of_float32, of_bfloat16) = (losses("float32"), losses("bfloat16"));
    let check = |got: f64, expected: f64, tolerance: f64| {
        assert!((got - expected).abs() < tolerance * expected, "{got}, expected {expected}");
    };
    check(got.start.total(), expected.start.total(), SAME_WEIGHTS);
    check(of_bfloat16[0], of_float32[0], SAME_WEIGHTS);
    check(of_bfloat16[1..].iter().sum(), of_float32[1..].iter().sum(), OWN_WEIGHTS);
    assert_ne!(of_bfloat16[0].to_bits(), of_float32[0].to_bits());

    let checkpoint = at("bfloat16").join("checkpoint.safetensors");
    let file = TensorFile::read(&checkpoint)?;
    let mut tensors = file.tensors()?.tensors().into_iter();
    assert!(tensors.all(|(_, tensor)| tensor.dtype() == safetensors::Dtype::F32));

    bfloat16.training.length = Length::Steps(5);
    run(&bfloat16, &at("halves"), Start::Fresh)?;
    bfloat16.training.length = Length::Steps(12);
    run(&bfloat16, &at("halves"), Start::Resume)?;
    let mut whole = Checkpoint::read(&checkpoint)?;
    let mut halves = Checkpoint::read(&at("halves").join("checkpoint.safetensors"))?;
    (whole.config, halves.config) = (None, None);
    assert!(whole == halves);
    Ok(())
}

#[test]
fn a_run_that_cannot_start_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = config(1);
    config.training.batch = 100;
    let out = folder.path().join("run");
    assert!(run(&config, &out, Start::Fresh).is_err() && !out.exists());
}

#[test]
fn each_configuration_trains_two_steps_and_goes_on() -> Result<(), TrainError> {
    let small = config(2);
    for Shipped { name, .. } in SHIPPED {
        let mut config = Config::find(name.as_ref())?;
        // Those that name images need classes: recognition_tests.rs has them.
        if config.recognition.network.is_some() {
            continue;
        }
        let untrained = config.training.length == Length::Steps(0);
        assert_eq!(untrained, *name == "untrained");
        if config.components.is_some_and(|components| components.local) {
            make_small(&mut config);
        }
        config.data = small.data.clone();
        config.model.embedding_dim = small.model.embedding_dim;
        config.training = small.training.clone();
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("run");
        assert_eq!(run(&config, &out, Start::Fresh)?.steps, 2, "{name}");
        config.training.length = Length::Steps(3);
        assert_eq!(run(&config, &out, Start::Resume)?.steps, 3, "{name}");
        assert!(lines(&out).iter().all(|line| line.loss.is_finite()), "{name}");
    }
    Ok(())
}

/// Makes the map of a model with local fields so small that their weights, 38
/// million on the map of 128 pixels, take no minutes in a debug build. What
/// needs the larger map goes.
fn make_small(config: &mut Config) {
    config.model.input_side = 32;
    for stage in &mut config.views.stages {
        (stage.centre, stage.size) = (40, 32);
    }
    if let Some(components) = &mut config.components {
        components.magnification = false;
    }
}

#[test]
fn what_is_dropped_depends_on_the_step_alone() -> Result<(), TrainError> {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, halves) = (folder.path().join("whole"), folder.path().join("halves"));
    let mut config = Config::find("lcl-v2-local".as_ref())?;
    make_small(&mut config);
    let small = self::config(3);
    (config.data, config.training) = (small.data, small.training);
    config.model.embedding_dim = 16;
    run(&config, &whole, Start::Fresh)?;
    config.training.length = Length::Steps(1);
    run(&config, &halves, Start::Fresh)?;
    config.training.length = Length::Steps(3);
    run(&config, &halves, Start::Resume)?;
    let mut expected = Checkpoint::read(&whole.join("checkpoint.safetensors"))?;
    let mut got = Checkpoint::read(&halves.join("checkpoint.safetensors"))?;
    (expected.config, got.config) = (None, None);
    assert!(expected == got);
    let initial = super::start::initial_layers(&config);
    assert!(got.components.is_some() && got.components != initial.components);

    // The weights start another run, unless its components are others.
    config.training.init = Some(whole.join("best.safetensors"));
    assert_eq!(run(&config, &folder.path().join("next"), Start::Fresh)?.steps, 3);
    config.components = None;
    let refused = run(&config, &folder.path().join("plain"), Start::Fresh);
    let message = refused.expect_err("other components").to_string();
    assert!(message.contains("components") && message.contains("local fields"), "{message}");
    Ok(())
}
