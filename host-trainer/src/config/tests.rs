use std::{fs, path::Path};

use super::*;

#[test]
fn the_default_is_valid_and_round_trips() {
    let config = Config::default();
    assert!(config.validate().is_ok());
    assert_eq!(toml::from_str::<Config>(&config.to_toml()).ok(), Some(config));
}

#[test]
fn a_file_names_only_what_it_changes() {
    let text = "[training]\nlength = { epochs = 3 }\n[model]\npool = \"blur-max\"\n";
    let config: Config = toml::from_str(text).expect("a configuration");
    assert_eq!(config.training.length, Length::Epochs(3));
    assert_eq!(config.model.pool, PoolOrder::BlurMax);
    assert_eq!(config.loss, LossConfig::default());
}

#[test]
fn unknown_fields_and_values_out_of_range_are_named() {
    let message = |text: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        fs::write(&path, text).expect("a file");
        Config::read(&path).expect_err(text).to_string()
    };
    assert!(message("[training]\nbatches = 3\n").contains("`batches`"));
    assert!(message("[training]\nbatch = 1\n").contains("training.batch is 1"));
    assert!(message("[training]\ndevice = \"gpu\"\n").contains("auto, cpu"));
    assert!(message("[loss]\nlambda = nan\n").contains("loss.lambda"));
    assert!(message("[views]\nnoise_std = [0.2, 0.1]\n").contains("views.noise_std"));
}

#[test]
fn a_changed_configuration_is_named_field_by_field() {
    let of_run = Config::default();
    let mut config = Config::default();
    config.training.length = Length::Steps(9);
    config.training.device = DeviceChoice::Cpu;
    (config.training.patience, config.training.min_improvement) = (0, 0.5);
    assert!(config.check_resumes(&of_run).is_ok());
    config.training.batch = 64;
    config.views.brightness = 0.5;
    let message = config.check_resumes(&of_run).expect_err("differs").to_string();
    assert!(message.contains("training.batch is 64, the run began with 128"), "{message}");
    assert!(message.contains("views.brightness is 0.5, the run began with 0.2"), "{message}");
    assert!(!message.contains("length") && !message.contains("device"), "{message}");
}

#[test]
fn the_place_of_images_may_change_and_their_kind_may_not() {
    let with = |sources: &[&str]| {
        let mut config = Config::default();
        config.data.sources = sources.iter().map(|s| s.parse().expect("a source")).collect();
        config
    };
    let of_run = with(&["photos", "synthetic:9"]);
    assert!(with(&["elsewhere/photos", "synthetic:9"]).check_resumes(&of_run).is_ok());
    for other in [&["photos", "synthetic:8"][..], &["photos"], &["synthetic:9", "photos"]] {
        let message = with(other).check_resumes(&of_run).expect_err("refused").to_string();
        assert!(message.contains("data.sources is"), "{message}");
    }
}

#[test]
fn epochs_are_rounded_up_to_whole_batches() {
    assert_eq!(Length::Epochs(2).steps(33, 10), 7);
    assert_eq!(Length::Steps(5).steps(33, 10), 5);
}

/// The defaults as they were written before there were other views and warm-up.
const BEFORE: &str = r#"
[data]
sources = ["synthetic"]
validation_images = 128
memory_limit_mib = 2048

[training]
batch = 128
seed = 0
device = "auto"
precision = "float32"
threads = 0
validate_every = 25
patience = 8
min_improvement = 0.001

[training.length]
steps = 160

[optimiser]
learning_rate = 0.001
beta1 = 0.9
beta2 = 0.999
epsilon = 1e-8

[loss]
objective = "barlow-twins"
lambda = 0.0051
centre = true
temperature = 0.1

[model]
pool = "max-blur"
embedding_dim = 2048

[input]
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]

[views]
jitter_probability = 0.8
brightness = 0.2
contrast = 0.2
grey_probability = 0.2
noise_probability = [1.0, 0.0]
noise_std = [0.04, 0.1]

[[views.stages]]
centre = 56
size = 48
area = [0.6, 0.9]
aspect = [0.9, 1.1]

[[views.stages]]
centre = 112
size = 96
area = [0.3, 0.9]
aspect = [0.9, 1.1]
"#;

#[test]
fn a_file_of_before_is_still_the_default() {
    assert_eq!(toml::from_str::<Config>(BEFORE), Ok(Config::default()));
}

#[test]
fn every_file_of_the_folder_comes_with_the_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("configurations") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let found = Config::find(name.as_ref()).expect(&name);
        assert_eq!(found, Config::read(&path).expect("a configuration"), "{name}");
        files.push(name);
    }
    assert_eq!(files.len(), SHIPPED.len(), "{files:?}");
    for shipped in SHIPPED {
        let summary = shipped.summary();
        assert!((20..120).contains(&summary.len()), "{}: {summary:?}", shipped.name);
        let lines = shipped.text.lines();
        assert!(lines.clone().all(|line| line.len() <= 80), "{} is too wide", shipped.name);
        // Nothing but the name of a configuration tells two of them apart.
        let same = SHIPPED.iter().filter(|other| {
            Config::find(other.name.as_ref()).ok() == Config::find(shipped.name.as_ref()).ok()
        });
        assert_eq!(same.count(), 1, "{}", shipped.name);
    }
}

#[test]
fn a_shipped_configuration_is_found_by_name_and_a_file_goes_first() {
    let error = Config::find("lcl-v3".as_ref()).expect_err("unknown").to_string();
    assert!(error.contains("no file lcl-v3") && error.contains("barlow-layerwise"), "{error}");
    let lcl_v2 = Config::find("lcl-v2".as_ref()).expect("a configuration");
    assert_eq!(lcl_v2, Config::default());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lcl-v2");
    fs::write(&path, "[training]\nseed = 3\n").expect("a file");
    assert_eq!(Config::find(&path).map(|config| config.training.seed).ok(), Some(3));
}

#[test]
fn what_a_pack_does_not_hold_is_refused() {
    let message = |change: &dyn Fn(&mut StageViewConfig)| {
        let mut config = Config::default();
        change(&mut config.views.stages[1]);
        config.validate().expect_err("refused").to_string()
    };
    let large = message(&|stage| stage.centre = 114);
    assert!(large.contains("is 114") && large.contains("packs keep"), "{large}");
    let disjoint = message(&|stage| stage.crops = Crops::Disjoint);
    assert!(disjoint.contains("is 112") && disjoint.contains("at most 56"), "{disjoint}");
    let deformed = message(&|stage| stage.deformation = 4.0);
    assert!(deformed.contains("views.stages.deformation is 4"), "{deformed}");
}
