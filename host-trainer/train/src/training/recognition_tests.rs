use std::{fs, path::Path};

use image::{Rgb, RgbImage};

use super::{TrainError, train};
use crate::workers::Workers;
use lcl_artefacts::{
    checkpoint::{Checkpoint, InputConfig, ModelConfig},
    recogniser::Recogniser,
    tensor_file::TensorFile,
};
use lcl_images::Source;
use lcl_run::{
    config::{Config, Length},
    device::DeviceChoice,
    run::{Metrics, Progress, RunFolder, RunPlan, RunSummary, Start},
};

struct Quiet;

impl Progress for Quiet {
    fn started(&mut self, _: &RunPlan) {}
    fn logged(&mut self, _: &Metrics) {}
}

/// Images of two classes, red ones and blue ones, and a front-end.
fn prepared(folder: &Path) -> Config {
    for (part, images) in [("train", 8), ("validation", 3)] {
        for (class, colour) in [("blue", [20, 40, 220]), ("red", [220, 40, 20])] {
            let class = folder.join(part).join(class);
            fs::create_dir_all(&class).expect("a folder");
            for image in 0..images {
                let [r, g, b] = colour;
                let pixels = RgbImage::from_fn(70, 70, |x, y| {
                    let noise = u8::try_from((x * 7 + y * 13 + image * 31) % 30).expect("small");
                    Rgb([r + noise, g + noise, b + noise])
                });
                pixels.save(class.join(format!("{image}.png"))).expect("saved");
            }
        }
    }
    let front_end = folder.join("front-end.safetensors");
    let model = ModelConfig { embedding_dim: 4, ..ModelConfig::default() };
    Checkpoint::initial(model, InputConfig::default(), 3).write(&front_end).expect("written");
    let mut config = Config::find("lcl-v2net-small".as_ref()).expect("shipped");
    config.recognition.front_end = Some(front_end);
    config.data.sources = vec![Source::Path(folder.join("train"))];
    config.data.validation_sources = vec![Source::Path(folder.join("validation"))];
    config.training.length = Length::Steps(4);
    config.training.batch = 4;
    config.training.validate_every = 2;
    config.training.device = DeviceChoice::Cpu;
    config.training.threads = 1;
    config.optimiser.learning_rate = 0.01;
    for stage in &mut config.views.stages {
        stage.size = 65;
    }
    config
}

fn run(config: &Config, out: &Path, start: Start) -> Result<RunSummary, TrainError> {
    let folder = match start {
        Start::Fresh => RunFolder::fresh(Some(out)),
        Start::Resume => RunFolder::resume(Some(out)),
    };
    let lead = Some((&folder.expect("a folder"), start));
    Ok(train(config, &Workers::alone(), lead, &mut Quiet)?.expect("of who leads"))
}

#[test]
fn a_resumed_run_is_the_uninterrupted_one_and_the_front_end_stays() -> Result<(), TrainError> {
    let folder = tempfile::tempdir().expect("a folder");
    let config = prepared(folder.path());
    let (whole, halves) = (folder.path().join("whole"), folder.path().join("halves"));
    run(&config, &whole, Start::Fresh)?;
    // The schedule is of the whole run: an interruption, not a shorter run.
    let mut constant = config.clone();
    constant.optimiser.schedule = lcl_run::config::Schedule::Constant;
    let (long, parts) = (folder.path().join("long"), folder.path().join("parts"));
    run(&constant, &long, Start::Fresh)?;
    let mut half = constant.clone();
    half.training.length = Length::Steps(2);
    run(&half, &parts, Start::Fresh)?;
    let resumed = run(&constant, &parts, Start::Resume)?;
    let read = |out: &Path| Recogniser::read(&out.join("checkpoint.safetensors")).expect("read");
    let (mut expected, mut got) = (read(&long), read(&parts));
    (expected.config, got.config) = (None, None);
    assert!(expected == got, "resumed weights differ");
    assert_eq!(resumed.steps, 4);

    let front_end = Checkpoint::read(config.recognition.front_end.as_deref().expect("there"))?;
    let trained = read(&whole);
    assert_eq!(trained.classes, ["blue", "red"]);
    assert_eq!(trained.tensor("layer1.conv.weight"), front_end.convolutions[0].conv.weight);
    assert_eq!(trained.tensor("layer2.bn.running_mean"), front_end.convolutions[1].bn.running_mean);
    let initial = &front_end.convolutions[1].bn.running_var;
    assert_eq!(trained.tensor("layer2.bn.running_var"), initial);
    let mut again = config.clone();
    again.training.length = Length::Steps(0);
    run(&again, &halves, Start::Fresh)?;
    let untrained = read(&halves);
    assert_ne!(trained.tensor("layer3.conv.weight"), untrained.tensor("layer3.conv.weight"));
    assert_ne!(
        trained.tensor("layer3.bn.running_mean"),
        untrained.tensor("layer3.bn.running_mean")
    );

    let text = fs::read_to_string(whole.join("metrics.jsonl")).expect("a log");
    let lines: Vec<Metrics> =
        text.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    let validated = lines.iter().filter(|line| line.val_top1.is_some());
    assert_eq!(validated.map(|line| line.step).collect::<Vec<_>>(), [0, 2, 4]);
    assert!(lines.iter().all(|line| line.top1.is_some() && line.top5 == Some(1.0)), "{text}");
    assert!(!text.contains("loss_stage2"), "{text}");
    let page = fs::read_to_string(whole.join("report.html")).expect("a report");
    assert!(page.contains("lcl-v2net-small after 4 of 4") && page.contains("Held-out top-1"));
    let state = TensorFile::read(&whole.join("optimiser-4.safetensors")).expect("a state");
    let names = state.tensors().expect("tensors");
    let names: Vec<String> = names.names().into_iter().map(str::to_owned).collect();
    assert!(names.contains(&"layer5.bn.weight.momentum".to_owned()), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("layer2")), "{names:?}");
    Ok(())
}

#[test]
fn what_does_not_fit_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = prepared(folder.path());
    let out = folder.path().join("run");
    let error = |config: &Config| run(config, &out, Start::Fresh).expect_err("refused").to_string();

    let mut none = config.clone();
    none.recognition.front_end = None;
    assert!(error(&none).contains("--front-end"), "{}", error(&none));
    let mut small = config.clone();
    small.views.stages[0].size = 24;
    assert!(error(&small).contains("an image of 24 pixels is too small"), "{}", error(&small));
    let mut other = config.clone();
    other.input.mean[0] = 0.5;
    assert!(error(&other).contains("input.mean"), "{}", error(&other));
    let mut init = config.clone();
    init.training.init = config.recognition.front_end.clone();
    assert!(error(&init).contains("leave --init out"), "{}", error(&init));

    let green = folder.path().join("validation/green");
    fs::create_dir(&green).expect("a folder");
    RgbImage::new(70, 70).save(green.join("1.png")).expect("saved");
    assert!(error(&config).contains("the class \"green\" has images in"), "{}", error(&config));
    fs::remove_dir_all(&green).expect("removed");
    fs::create_dir(folder.path().join("train/yellow")).expect("a folder");
    assert!(error(&config).contains("\"yellow\""), "{}", error(&config));
}
