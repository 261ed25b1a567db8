use std::{fs, path::Path};

use lcl_infer::PoolOrder;

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
fn a_file_of_before_still_trains_the_same() {
    let before: Config = toml::from_str(BEFORE).expect("a configuration");
    let Config { data, training, .. } = before.clone();
    assert_eq!(data.sources, [Source::Synthetic { images: 1024, seed: 0 }]);
    assert_eq!(training.length, Length::Steps(160));
    // What and how long is another matter than how.
    assert_eq!(before, Config { data, training, ..Config::default() });
}

#[test]
fn every_file_of_the_folder_comes_with_the_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs");
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
fn patches_lie_in_what_is_kept_of_an_image() {
    let message = |change: &dyn Fn(&mut ViewsConfig)| {
        let mut config = Config::default();
        change(&mut config.views);
        config.validate().map_err(|error| error.to_string())
    };
    let kept = |side| message(&|views| views.kept_side = side);
    assert_eq!([kept(112), kept(224)], [Ok(()), Ok(())]);
    for side in [0, 113, 226] {
        assert!(kept(side).is_err_and(|e| e.contains("views.kept_side is") && e.contains("even")));
    }
    let large = |views: &mut ViewsConfig| views.stages[1].centre = 114;
    assert!(message(&large).is_err_and(|e| e.contains("views.kept_side is 112")));
    let disjoint = |views: &mut ViewsConfig| views.stages[1].crops = Crops::Disjoint;
    assert!(message(&disjoint).is_err_and(|e| e.contains("views.kept_side is 112")));
    let roomy = |views: &mut ViewsConfig| {
        disjoint(views);
        views.kept_side = 224;
    };
    assert_eq!(message(&roomy), Ok(()));
}

/// Returns what is said of a configuration file.
fn message(text: &str) -> String {
    parse::parse(text, Path::new("mine.toml")).expect_err(text).to_string()
}

#[test]
fn an_error_names_file_line_field_and_what_is_allowed() {
    let check = |text: &str, parts: &[&str]| {
        let message = message(text);
        for part in parts {
            assert!(message.contains(part), "{part:?} is missing in {message:?}");
        }
        assert!(!message.contains('\n') && !message.contains("usize"), "{message}");
    };
    check(
        "[training]\nseed = 1\nbatch = \"16\"\n",
        &["mine.toml, line 3: training.batch is the string \"16\"; it must be a whole number"],
    );
    check("[training]\n\nbatch = -1\n", &["line 3: training.batch is the integer `-1`", "0 or"]);
    check("[training]\nbatch = 1.5\n", &["line 2: training.batch is the floating point `1.5`"]);
    check("[loss]\ncentre = 1\n", &["line 2: loss.centre", "true or false"]);
    check("[loss]\nlambda = \"x\"\n", &["loss.lambda", "it must be a number"]);
    check("\n[input]\nmean = [1.0]\n", &["line 3: input.mean"]);
    check("views = 3\n", &["line 1: views", "it must be a table"]);
    check("[loss]\nobjective = \"barlow\"\n", &["line 2: loss.objective", "`simclr`"]);
    check("[training]\ndevice = \"gpu\"\n", &["line 2: training.device", "auto, cpu"]);
    check("[data]\nsources = [\"synthetic:0\"]\n", &["line 2: data.sources", "synthetic:N"]);
    check("[training]\nseed = 3\nbatch = = 4\n", &["mine.toml, line 3: this is not TOML"]);
    // Out of range, among the tables of a list too.
    check("[training]\nseed = 2\nbatch = 1\n", &["line 3: training.batch is 1", "2 to 65536"]);
    check("[training]\nlength = { steps = 3 }\nthreads = 5000\n", &["line 3: training.threads"]);
    check("[loss]\nlambda = -1e-3\n", &["line 2: loss.lambda is -0.001; it must be at least 0"]);
    let stage = |size| {
        format!(
            "[[views.stages]]\ncentre = 56\nsize = {size}\n\
                                area = [0.6, 0.9]\naspect = [0.9, 1.1]\n"
        )
    };
    check(&(stage(48) + &stage(300)), &["line 8: views.stages.size is 300", "16 to 224"]);
}

#[test]
fn an_unknown_name_comes_with_the_nearest() {
    let check = |text: &str, parts: &[&str]| {
        let message = message(text);
        for part in parts {
            assert!(message.contains(part), "{part:?} is missing in {message:?}");
        }
    };
    check(
        "[training]\nbatches = 3\n",
        &[
            "mine.toml, line 2: there is no field `batches` in [training]",
            "did you mean `batch`?",
            "length, batch",
        ],
    );
    check("[training]\nlearning_rate = 3\n", &["did you mean `optimiser.learning_rate`?"]);
    check("[optimizer]\nbeta1 = 3\n", &["line 1: there is no field `optimizer`", "`optimiser`"]);
    check("batch = 3\n", &["did you mean `training.batch`?", "data, training"]);
    check("[loss]\nqqqq = 3\n", &["in [loss]; the fields are objective"]);
    check("[[views.stages]]\ncenter = 3\n", &["line 2: there is no field `center`", "`centre`"]);
}

#[test]
fn fields_are_set_by_their_dotted_names() {
    let with = |texts: &[&str]| {
        let set: Result<Vec<Assignment>, _> = texts.iter().map(|text| text.parse()).collect();
        Config::default().with(&set?)
    };
    let config = with(&[
        "training.batch=16",
        " training.length.epochs = 3 ",
        "optimiser.learning_rate=1",
        "views.stages.1.size=64",
        "views.noise_probability=[1, 0]",
        "loss.objective=simclr",
        "training.device=\"cpu\"",
        "data.sources=my photos",
        "training.batch=32",
    ]);
    let config = config.expect("all are fields");
    assert_eq!((config.training.batch, config.training.length), (32, Length::Epochs(3)));
    assert_eq!((config.views.stages[1].size, config.optimiser.learning_rate), (64, 1.0));
    assert_eq!(config.loss.objective, ObjectiveName::Simclr);
    assert_eq!(config.data.sources, [Source::Path("my photos".into())]);
    assert_eq!(config.training.device, DeviceChoice::Cpu);
    assert_eq!(with(&[]).ok(), with(&["training.seed=0"]).ok());

    let refused = |text: &str, part: &str| {
        let message = with(&[text]).expect_err(text).to_string();
        assert!(message.contains(part), "{text}: {message}");
    };
    refused("training.batch", "write FIELD=VALUE");
    refused("=3", "write FIELD=VALUE");
    refused("training.batch=", "write FIELD=VALUE");
    refused("training.batch=many", "training.batch is the string \"many\"");
    refused("training.batch=1", "training.batch is 1; it must be 2 to 65536");
    refused("training.batches=3", "did you mean `batch`?");
    refused("trainig.batch=3", "did you mean `training.batch`?");
    refused("batch=3", "did you mean `training.batch`?");
    refused("views.stages.2.size=64", "there is no field `views.stages.2.size`");
    refused("views.stages.size=64", "there is no field");
    refused("training.batch.x=1", "there is no field");
    refused("training.batch=3\nseed = 4", "training.batch is the string");
}

#[test]
fn a_documented_configuration_is_the_same_one() {
    let configs = SHIPPED.iter().map(|shipped| Config::find(shipped.name.as_ref()).expect("read"));
    let mut other = Config::default();
    other.training.length = Length::Epochs(7);
    other.data.sources = vec![Source::Path("a \"b\" # c".into()), Source::default()];
    other.views.stages[0].area = [0.3, 0.9];
    for config in configs.chain([other, Config::default()]) {
        let text = config.documented();
        assert_eq!(parse::parse(&text, Path::new("printed")).expect(&text), config, "{text}");
        // Every field has its line and at least a line of comment before it.
        let lines: Vec<&str> = text.lines().collect();
        let names = config.fields().into_keys().filter(|name| !name.starts_with("training.length"));
        for name in names {
            let last = name.rsplit('.').next().expect("a name");
            let start = format!("{last} = ");
            let found = lines.iter().position(|line| line.starts_with(&start));
            let found =
                found.or(lines.iter().position(|line| line.ends_with(&format!("{last}]]"))));
            let found = found.unwrap_or_else(|| panic!("{name} is missing in {text}"));
            assert!(lines[found - 1].starts_with("# "), "{name} is not explained");
        }
    }
    let simclr = Config::find("lcl-v2-simclr".as_ref()).expect("read").documented();
    assert!(simclr.contains("# Default: \"barlow-twins\"\nobjective = \"simclr\""), "{simclr}");
    assert!(!Config::default().documented().contains("Default:"));
}

#[test]
fn components_that_cannot_stand_are_refused_with_what_can() {
    let refused = |text: &str, parts: &[&str]| {
        let message = message(text);
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    };
    refused("[components]\n", &["components is without any component", "leave [components] out"]);
    refused("[components]\nlocal = true\n", &["model.input_side is 0", "128"]);
    refused(
        "[components]\nmagnification = true\n[model]\ninput_side = 96\n[[views.stages]]\ncentre = \
         112\nsize = 96\narea = [0.6, 0.9]\naspect = [0.9, 1.1]\n[[views.stages]]\ncentre = \
         112\nsize = 96\narea = [0.6, 0.9]\naspect = [0.9, 1.1]\n",
        &["model.input_side is 96", "even side from 32 on"],
    );
    refused(
        "[components]\ncentre_surround = \"dog\"\nrectify = false\nnormalisation = \"tuned\"\n",
        &["line 3", "components.rectify is false", "ReLU"],
    );
    refused("[components]\nretina = \"colour-opponent\"\n", &["input.mean", "light as it is"]);
    refused("[components]\nnormalisation = \"batch\"\n", &["tuned", "divisive"]);
    refused("[components]\nsurround = true\n", &["`surround`", "centre_surround"]);
    refused("[model]\ninput_side = 128\n", &["views.stages.size is 48", "model.input_side"]);
    refused("[views]\nexposure_stops = 9.0\n", &["views.exposure_stops is 9", "0 to 8"]);
}

#[test]
fn components_are_set_documented_and_not_changed_on_resume() -> Result<(), ConfigError> {
    let set: Assignment = "components.normalisation=tuned".parse()?;
    let tuned = Config::default().with(&[set])?;
    assert_eq!(
        tuned.components.map(|components| components.names()),
        Some(vec!["tuned normalisation"])
    );
    assert_eq!(tuned, Config { components: tuned.components, ..Config::default() });
    assert!(tuned.documented().contains("normalisation = \"tuned\""));
    let began = tuned.check_resumes(&Config::default()).expect_err("added").to_string();
    assert!(began.contains("components.normalisation is \"tuned\""), "{began}");
    let gone = Config::default().check_resumes(&tuned).expect_err("gone").to_string();
    assert!(gone.contains("components.normalisation is not there"), "{gone}");
    Ok(())
}
