use lcl_artefacts::checkpoint::{InputConfig, ModelConfig};
use lcl_population::{PopulationFindings, PopulationSource};

use super::*;

fn session(text: &str) -> Session {
    let source: PopulationSource = text.parse().expect("a source");
    source.open().expect("a session")
}

fn small() -> FitConfig {
    FitConfig {
        channels: 6,
        first_kernel: 9,
        kernel: 3,
        layers: 2,
        batch_size: 16,
        epochs: 3,
        learning_rate: 0.01,
        ..FitConfig::default()
    }
}

fn checkpoint() -> Checkpoint {
    Checkpoint::initial(ModelConfig::default(), InputConfig::default(), 0)
}

fn run(
    sessions: &[Session],
    config: &FitConfig,
    folder: &Path,
    control: &mut dyn Control,
) -> Result<Scored, FitError> {
    tch::set_num_threads(1);
    fit(sessions, config, ("untrained", &checkpoint()), folder, control)
}

#[test]
fn the_loss_is_its_equation() -> Result<(), TchError> {
    let predicted = Tensor::f_from_slice(&[0.5_f64, 2.0, 1e-9])?;
    let target = Tensor::f_from_slice(&[1.0_f64, 0.0, 3.0])?;
    let expected: f64 = [(0.5_f64, 1.0), (2.0, 0.0), (1e-9, 3.0)]
        .into_iter()
        .map(|(p, y)| p - y * (p + 1e-8_f64).ln())
        .sum();
    let got = poisson(&predicted, &target)?.f_double_value(&[])?;
    assert!((got - expected).abs() < 1e-9, "{got} {expected}");
    Ok(())
}

#[test]
fn a_fit_that_was_stopped_goes_on_as_if_it_had_not() -> Result<(), Box<dyn std::error::Error>> {
    struct StopAt(usize);

    impl Control for StopAt {
        fn begin(&mut self, _: u32, _: usize) {}

        fn batch(&mut self) -> bool {
            self.0 = self.0.saturating_sub(1);
            self.0 > 0
        }

        fn end(&mut self, _: &Epoch, _: bool) {}
    }

    let sessions = [session("synthetic-population:8:64:1"), session("synthetic-population:6:64:2")];
    let (whole, parts) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let expected = run(&sessions, &small(), whole.path(), &mut ())?;
    // In the middle of the second epoch.
    let stopped = run(&sessions, &small(), parts.path(), &mut StopAt(9));
    assert!(matches!(stopped, Err(FitError::Stopped)), "{stopped:?}");
    let got = run(&sessions, &small(), parts.path(), &mut ())?;
    let predictions = |scored: &Scored| {
        scored.sessions.iter().map(|one| one.predictions.clone()).collect::<Vec<_>>()
    };
    assert_eq!(predictions(&got), predictions(&expected));
    assert_eq!(got.epochs.len(), 3);
    let files = [FITTED, STATE].map(|name| [&whole, &parts].map(|of| of.path().join(name)));
    let [one, other] =
        [&files[0][0], &files[0][1]].map(|path| std::fs::read(path).expect("a file"));
    assert!(one == other, "the fitted files differ");
    // More epochs go on, another configuration or other data are refused.
    let longer = FitConfig { epochs: 4, ..small() };
    assert_eq!(run(&sessions, &longer, parts.path(), &mut ())?.epochs.len(), 4);
    let other = FitConfig { seed: 1, ..small() };
    let error = run(&sessions, &other, parts.path(), &mut ()).expect_err("another").to_string();
    assert!(error.contains("another configuration"), "{error}");
    let error = run(&sessions[..1], &small(), parts.path(), &mut ()).expect_err("another");
    assert!(error.to_string().contains("another"), "{error}");
    Ok(())
}

#[test]
fn a_fit_learns() -> Result<(), Box<dyn std::error::Error>> {
    let sessions = [session("synthetic-population:20:600:3")];
    let folder = tempfile::tempdir()?;
    let config = FitConfig { gamma_readout: 0.05, epochs: 12, ..small() };
    let scored = run(&sessions, &config, folder.path(), &mut ())?;
    let found = PopulationFindings::new(&scored);
    let one = &found.sessions[0];
    assert!(one.correlation.value > 0.1, "{:?} {:?}", one.correlation, scored.epochs);
    // What is written predicts what was predicted.
    let fitted = Fitted::read(&folder.path().join(FITTED))?;
    assert_eq!(fitted.field.channels, 6);
    Ok(())
}

#[test]
fn every_readout_and_core_starts() -> Result<(), Box<dyn std::error::Error>> {
    let sessions = [session("synthetic-population:4:40:1"), session("synthetic-population:4:40:2")];
    let base = FitConfig { epochs: 1, ..small() };
    let variants = [
        FitConfig { readout: ReadoutKind::Uncorrelated, share_features: true, ..base.clone() },
        FitConfig { readout: ReadoutKind::Isotropic, retinotopy: true, ..base.clone() },
        FitConfig { readout: ReadoutKind::Point, ..base.clone() },
        FitConfig { readout: ReadoutKind::Factorised, ..base.clone() },
        FitConfig { core: CoreChoice::LclV1, frozen: true, enlarge: 1, ..base.clone() },
        FitConfig { core: CoreChoice::LclV2, enlarge: 1, ..base.clone() },
        FitConfig { core: CoreChoice::Vgg16, frozen: true, ..base.clone() },
    ];
    for config in variants {
        let folder = tempfile::tempdir()?;
        let scored = run(&sessions, &config, folder.path(), &mut ())?;
        assert!(scored.sessions[1].predictions.iter().all(|value| value.is_finite()), "{config:?}");
    }
    Ok(())
}

#[test]
fn a_frozen_core_keeps_its_weights_and_follows_its_batches() -> Result<(), FitError> {
    let sessions = [session("synthetic-population:4:40:1")];
    let config = FitConfig { core: CoreChoice::LclV1, frozen: true, enlarge: 1, ..small() };
    let mut population = Population::new(&sessions, &config, &checkpoint())?;
    let before = copies(&population.tensors)?;
    population.epoch(&mut ())?;
    let mut followed = 0;
    for ((name, tensor), before) in population.tensors.iter().zip(&before) {
        let same = tensor.f_equal(before)?;
        if name.starts_with("core.") {
            assert_eq!(same, !name.contains("running"), "{name}");
            followed += usize::from(!same);
        }
    }
    assert_eq!(followed, 2);
    Ok(())
}

#[test]
fn sessions_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = session("synthetic-population:4:40:1");
    let error = |sessions: &[Session], config: &FitConfig| {
        run(sessions, config, folder.path(), &mut ()).expect_err("refused").to_string()
    };
    let mut other = session("synthetic-population:4:40:2");
    (other.height, other.width) = (64, 36);
    let found = error(&[first.clone(), other], &small());
    assert!(found.contains("(64, 36)") && found.contains("(36, 64)"), "{found}");
    let mut unmatched = session("synthetic-population:4:40:2");
    unmatched.ids[3] = 77;
    let sharing = FitConfig { share_features: true, ..small() };
    let found = error(&[first.clone(), unmatched], &sharing);
    assert!(found.contains("neuron 77 of synthetic-population:4:40:2"), "{found}");
    let mut placeless = first.clone();
    placeless.positions = None;
    let mapped = FitConfig { retinotopy: true, ..small() };
    assert!(error(&[placeless], &mapped).contains("no cortical positions"));
    let large = FitConfig { first_kernel: 31, ..small() };
    let mut low = first.clone();
    (low.height, low.width) = (16, 144);
    assert!(error(&[low], &large).contains("too small for the core"));
    let mut untested = first;
    untested.trials.retain(|trial| trial.tier != Tier::Validation);
    assert!(error(&[untested], &small()).contains("trials of tier validation"));
}
