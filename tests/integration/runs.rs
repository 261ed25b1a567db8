//! Runs to be killed, interrupted and resumed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    thread::sleep,
    time::{Duration, Instant},
};

use host_trainer::checkpoint::Checkpoint;

use crate::command::{lcl, succeed};

/// Steps of a whole run.
pub const STEPS: u64 = 16;

/// A checkpoint at each step, so that many kills fall into the writing of one.
const CONFIG: &str = "\
[data]
sources = [\"synthetic:12\"]
validation_images = 3
[model]
embedding_dim = 16
[training]
batch = 4
device = \"cpu\"
threads = 1
validate_every = 1
patience = 0
";

/// How long to wait for what has to happen, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// A folder of runs with the same configuration.
pub struct Runs {
    folder: tempfile::TempDir,
}

impl Runs {
    /// Makes the folder and the configuration.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("config.toml"), CONFIG).expect("a file");
        Self { folder }
    }

    /// Returns the path of the configuration.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    /// Returns the folder of a run.
    pub fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the command that starts a run.
    pub fn start(&self, name: &str) -> Command {
        self.start_for(name, STEPS)
    }

    /// Returns the command that starts a run of so many steps.
    pub fn start_for(&self, name: &str, steps: u64) -> Command {
        let mut command = lcl();
        command.args(["train", "--steps", &steps.to_string(), "--config"]);
        command.arg(self.folder.path().join("config.toml")).arg("--out").arg(self.out(name));
        command
    }

    /// Returns the command that resumes a run.
    pub fn resume(&self, name: &str) -> Command {
        let mut command = lcl();
        command.args(["train", "--resume", "--out"]).arg(self.out(name));
        command
    }

    /// Checks that a run ended with the weights of one that was never stopped,
    /// though it may have another configuration.
    #[track_caller]
    pub fn assert_weights(&self, name: &str) {
        succeed(&mut self.start("never stopped"));
        let weights = |name: &str| {
            let path = self.out(name).join("checkpoint.safetensors");
            let mut checkpoint = Checkpoint::read(&path).expect("a checkpoint");
            checkpoint.config = None;
            checkpoint
        };
        assert!(weights(name) == weights("never stopped"), "the weights differ");
    }

    /// Checks that a run ended with the bytes of one that was never stopped.
    #[track_caller]
    pub fn assert_whole(&self, name: &str) {
        static WHOLE: OnceLock<Ending> = OnceLock::new();
        let expected = WHOLE.get_or_init(|| {
            let runs = Self::new();
            succeed(&mut runs.start("whole"));
            Ending::of(&runs.out("whole"))
        });
        let got = Ending::of(&self.out(name));
        for ((file, expected), (_, got)) in expected.files.iter().zip(&got.files) {
            assert!(expected == got, "{file} differs");
        }
        assert_eq!(expected.losses, got.losses);
        let entries = fs::read_dir(self.out(name)).expect("a folder").flatten();
        let names: Vec<_> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        let states = names.iter().filter(|name| name.starts_with("optimiser-")).count();
        // The last two states are kept.
        assert!(states == 2 && !names.iter().any(|name| name.contains(".part")), "{names:?}");
        assert!(names.iter().any(|name| name == "previous.safetensors"), "{names:?}");
    }
}

/// What a run ends with.
struct Ending {
    files: Vec<(String, Vec<u8>)>,
    /// Step, loss and held-out loss of each line of the log.
    losses: Vec<(Option<u64>, Option<f64>, Option<f64>)>,
}

impl Ending {
    fn of(out: &Path) -> Self {
        let last = format!("optimiser-{STEPS}.safetensors");
        let names = ["checkpoint.safetensors", "best.safetensors", &last, "model.lcl"];
        let file = |name: &str| (name.to_owned(), fs::read(out.join(name)).expect(name));
        let text = fs::read_to_string(out.join("metrics.jsonl")).expect("a log");
        let line = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).expect("a line");
            (line["step"].as_u64(), line["loss"].as_f64(), line["val_loss"].as_f64())
        };
        Self { files: names.map(file).to_vec(), losses: text.lines().map(line).collect() }
    }
}

/// Sends a signal to a process by its name.
#[cfg(unix)]
#[track_caller]
pub fn signal(name: &str, process: u32) {
    succeed(Command::new("kill").args([&format!("-{name}"), &process.to_string()]));
}

/// Runs a command that has to succeed and returns what it says on standard error.
#[track_caller]
pub fn warnings(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
    text
}

/// Starts a command that prints nothing.
pub fn quietly(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
}

/// Waits for a process to end within the tests' patience.
#[track_caller]
pub fn ended(mut child: Child) -> Output {
    let start = Instant::now();
    while child.try_wait().expect("a status").is_none() {
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("it did not end within {PATIENCE:?}");
        }
        sleep(Duration::from_millis(5));
    }
    child.wait_with_output().expect("ended")
}

/// Waits until something has happened.
#[track_caller]
pub fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < PATIENCE, "waited for {what} in vain");
        sleep(Duration::from_millis(2));
    }
}

/// Returns how many lines the log of a run has.
pub fn lines(out: &Path) -> usize {
    fs::read_to_string(out.join("metrics.jsonl")).map_or(0, |text| text.lines().count())
}
