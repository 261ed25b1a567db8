//! Several processes that train one model together, as a user starts them.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use host_trainer::{checkpoint::Checkpoint, tensor_file::TensorFile};
use safetensors::tensor::TensorView;

use crate::{
    command::{fail, lcl, succeed},
    runs::{lines, wait_for},
};

/// Largest relative difference that the weights of several workers may have
/// from those of one process, as the issue of distributed training has it.
const TOLERANCE: f64 = 1e-5;

/// Largest relative difference of two losses in 64 bits that were summed in
/// another order, over twenty steps.
const LOSS_TOLERANCE: f64 = 1e-9;

/// In 64 bits, as 32 hide mistakes behind rounding that grows from step to step.
const CONFIG: &str = "\
[data]
sources = [\"synthetic:24\"]
validation_images = 4
[model]
embedding_dim = 64
[training]
batch = 7
seed = 5
device = \"cpu\"
threads = 1
precision = \"float64\"
validate_every = 10
[workers]
timeout_seconds = 10
";

struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("config.toml"), config).expect("a file");
        Self { folder }
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn train(&self, name: &str, steps: u64) -> Command {
        let mut command = lcl();
        command.args(["train", "--steps", &steps.to_string(), "--out"]).arg(self.out(name));
        command.arg("--config").arg(self.folder.path().join("config.toml"));
        command
    }

    /// A run of so many workers, and one process with the same batches; both are
    /// compared.
    #[track_caller]
    fn check(&self, workers: &str, steps: u64) {
        succeed(&mut self.train("one", steps));
        succeed(self.train("several", steps).args(["--nproc", workers]));
        self.assert_same("one", "several");
    }

    #[track_caller]
    fn assert_same(&self, one: &str, several: &str) {
        let (one, several) = (self.out(one), self.out(several));
        for (step, (one, several)) in losses(&one).into_iter().zip(losses(&several)).enumerate() {
            let error = (one - several).abs() / one.abs();
            assert!(error < LOSS_TOLERANCE, "step {step}: {one} and {several}");
        }
        let checkpoint = |run: &Path| {
            TensorFile::read(&run.join("checkpoint.safetensors")).expect("a checkpoint")
        };
        let (one, several) = (checkpoint(&one), checkpoint(&several));
        let several = several.tensors().expect("tensors");
        for (name, expected) in one.tensors().expect("tensors").tensors() {
            let expected = floats(&expected);
            let got = floats(&several.tensor(&name).expect("the same tensors"));
            let pairs = expected.iter().zip(&got);
            let error = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let largest = expected.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
            assert!(error <= TOLERANCE * largest, "{name}: {error} of {largest}");
        }
    }
}

fn floats(tensor: &TensorView<'_>) -> Vec<f64> {
    let values = tensor.data().chunks_exact(4);
    values.map(|v| f64::from(f32::from_le_bytes([v[0], v[1], v[2], v[3]]))).collect()
}

fn losses(run: &Path) -> Vec<f64> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).expect("a log");
    let loss = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).expect("a line");
        line["loss"].as_f64().expect("a loss")
    };
    text.lines().map(loss).collect()
}

#[test]
fn two_workers_give_what_one_process_gives_and_three_go_on() {
    let fixture = Fixture::new(CONFIG);
    fixture.check("2", 20);
    assert_eq!(losses(&fixture.out("several")).len(), 21);
    for (name, workers) in [("one", None), ("several", Some("3"))] {
        let mut resume = fixture.train(name, 24);
        resume.arg("--resume").args(workers.map(|count| ["--nproc", count]).into_iter().flatten());
        succeed(&mut resume);
    }
    fixture.assert_same("one", "several");
    let manifest = fs::read_to_string(fixture.out("several").join("manifest.json"));
    let manifest: serde_json::Value =
        serde_json::from_str(&manifest.expect("a manifest")).expect("JSON");
    let workers = |sitting: usize| manifest["sittings"][sitting]["workers"].as_u64();
    assert_eq!((workers(0), workers(1)), (Some(2), Some(3)));
}

#[test]
fn every_objective_is_that_of_one_process() {
    for loss in ["objective = \"simclr\"", "objective = \"simsiam\"", "centre = false"] {
        let fixture = Fixture::new(&format!("{CONFIG}[loss]\n{loss}\n"));
        fixture.check("3", 4);
    }
}

#[test]
fn bfloat16_trains_with_workers() {
    let fixture = Fixture::new(&CONFIG.replace("float64", "bfloat16"));
    succeed(fixture.train("run", 3).args(["--nproc", "2"]));
    assert!(losses(&fixture.out("run")).iter().all(|loss| loss.is_finite()));
}

/// The workers of a run, each started by hand.
struct Workers<'f> {
    fixture: &'f Fixture,
    port: u16,
}

impl<'f> Workers<'f> {
    fn of(fixture: &'f Fixture) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        Self { fixture, port: listener.local_addr().expect("an address").port() }
    }

    fn command(&self, rank: usize, size: usize, steps: u64) -> Command {
        let mut command = self.fixture.train("run", steps);
        command.env("RANK", rank.to_string()).env("WORLD_SIZE", size.to_string());
        command.env("MASTER_PORT", self.port.to_string());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn start(&self, rank: usize, size: usize, steps: u64, more: &[&str]) -> Child {
        self.command(rank, size, steps).args(more).spawn().expect("it starts")
    }
}

/// Returns the one line that a worker ends with.
#[track_caller]
fn last_word(child: Child) -> String {
    let output = child.wait_with_output().expect("ended");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    errors.trim().to_owned()
}

#[test]
fn all_stop_within_the_timeout_when_one_is_killed() {
    let fixture = Fixture::new(CONFIG);
    for killed in [1, 0] {
        let workers = Workers::of(&fixture);
        let mut children: Vec<Child> =
            (0..2).map(|rank| workers.start(rank, 2, 1_000_000, &[])).collect();
        let out = fixture.out("run");
        wait_for("three steps", || lines(&out) > 3);
        let mut victim = children.remove(killed);
        let start = Instant::now();
        victim.kill().expect("killed");
        let word = last_word(children.remove(0));
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        assert!(word.contains(&format!("rank {killed} is gone")), "{word}");
        assert!(word.contains("--resume"), "{word}");
        victim.wait().expect("ended");
        let checkpoint = Checkpoint::read(&out.join("checkpoint.safetensors"));
        assert!(checkpoint.is_ok(), "{checkpoint:?}");
        fs::remove_dir_all(out).expect("removed");
    }
}

#[test]
fn workers_that_disagree_do_not_start() {
    let fixture = Fixture::new(CONFIG);
    let check = |more: &[&str], expected: &str| {
        let workers = Workers::of(&fixture);
        let children = [workers.start(0, 2, 3, &[]), workers.start(1, 2, 3, more)];
        for child in children {
            let word = last_word(child);
            assert!(word.contains("rank 1 has") && word.contains(expected), "{word}");
        }
        assert!(!fixture.out("run").exists());
    };
    check(&["--seed", "6"], "training.seed is 6, that of rank 0 5");
    check(&["--data", "synthetic:25"], "data.sources is");
}

#[test]
fn a_rank_that_is_missing_or_there_twice_is_named() {
    let fixture = Fixture::new(&CONFIG.replace("timeout_seconds = 10", "timeout_seconds = 4"));
    let workers = Workers::of(&fixture);
    let word = last_word(workers.start(0, 2, 3, &[]));
    assert!(word.contains("rank 1 did not come within 4 s"), "{word}");

    let word = last_word(workers.start(1, 2, 3, &[]));
    assert!(word.contains("cannot reach the store at 127.0.0.1"), "{word}");
    assert!(word.contains("MASTER_PORT"), "{word}");

    // The latecomer alone is turned away; the others miss the third.
    let workers = Workers::of(&fixture);
    let children = [0, 1, 1].map(|rank| workers.start(rank, 3, 3, &[]));
    let words: Vec<String> = children.into_iter().map(last_word).collect();
    let twice = words.iter().filter(|word| word.contains("rank 1 has come twice")).count();
    let missing = words.iter().filter(|word| word.contains("rank 2 did not come")).count();
    assert_eq!((twice, missing), (1, 2), "{words:?}");
    assert!(!fixture.out("run").exists());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let fixture = Fixture::new(CONFIG);
    let error = fail(fixture.train("run", 3).env("RANK", "0"));
    assert!(error.contains("WORLD_SIZE is not set"), "{error}");
    let error = fail(fixture.train("run", 3).args(["--nproc", "8"]));
    assert!(error.contains("a batch of 7 images is too small for 8 workers"), "{error}");
    let mut both = fixture.train("run", 3);
    let error = fail(both.args(["--nproc", "2"]).env("RANK", "0").env("WORLD_SIZE", "1"));
    assert!(error.contains("leave --nproc away"), "{error}");
}
