//! Workers that are frozen, orphaned or strangers: all others end within their
//! limits, and a run goes on without who is no part of it.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    command::{lcl, succeed},
    runs::{lines, signal, wait_for},
};

const CONFIG: &str = "\
[data]
sources = [\"synthetic:24\"]
validation_images = 4
[model]
embedding_dim = 64
[training]
batch = 8
device = \"cpu\"
threads = 1
validate_every = 10
patience = 0
[workers]
timeout_seconds = 6
";

/// The timeout above, and some time for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(6);
const SLACK: Duration = Duration::from_secs(10);

struct Fixture {
    folder: tempfile::TempDir,
    port: u16,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("config.toml"), CONFIG).expect("a file");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        Self { folder, port: listener.local_addr().expect("an address").port() }
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn train(&self, name: &str, steps: u64) -> Command {
        let mut command = lcl();
        command.args(["train", "--steps", &steps.to_string(), "--out"]).arg(self.out(name));
        command.arg("--config").arg(self.folder.path().join("config.toml"));
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn worker(&self, name: &str, steps: u64, rank: usize, size: usize) -> Child {
        let mut command = self.train(name, steps);
        command.env("RANK", rank.to_string()).env("WORLD_SIZE", size.to_string());
        command.env("MASTER_PORT", self.port.to_string()).spawn().expect("it starts")
    }

    fn launch(&self, name: &str) -> Child {
        self.train(name, 1_000_000).args(["--nproc", "2"]).spawn().expect("it starts")
    }

    fn wait_for_steps(&self, name: &str) {
        wait_for("three steps", || lines(&self.out(name)) > 3);
    }
}

/// Waits for a process to end and returns its exit status and last line.
#[track_caller]
fn end(mut child: Child, within: Duration) -> (Option<i32>, String) {
    let start = Instant::now();
    while child.try_wait().expect("a status").is_none() {
        if start.elapsed() > within {
            let _ = child.kill();
            panic!("it did not end within {within:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().expect("ended");
    let errors = String::from_utf8_lossy(&output.stderr);
    (output.status.code(), errors.lines().last().unwrap_or_default().to_owned())
}

/// Returns the process of a rank that a launcher started.
fn rank_of(launcher: u32, rank: usize) -> Option<u32> {
    let [launcher, rank] = [format!("LCL_LAUNCHER={launcher}"), format!("RANK={rank}")];
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.find(|id| {
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        let has = |variable: &str| environment.split(|b| *b == 0).any(|v| v == variable.as_bytes());
        has(&launcher) && has(&rank)
    })
}

fn is_running(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = status.rsplit(')').next().and_then(|rest| rest.trim().chars().next());
    state.is_some_and(|state| state != 'Z')
}

#[test]
fn a_frozen_worker_does_not_keep_the_other() {
    let fixture = Fixture::new();
    for frozen in [0, 1] {
        let name = format!("frozen {frozen}");
        let mut workers: Vec<Child> =
            (0..2).map(|rank| fixture.worker(&name, 1_000_000, rank, 2)).collect();
        fixture.wait_for_steps(&name);
        let mut frozen_worker = workers.remove(frozen);
        signal("STOP", frozen_worker.id());
        let (code, word) = end(workers.remove(0), TIMEOUT + SLACK);
        frozen_worker.kill().expect("killed");
        frozen_worker.wait().expect("ended");
        assert_eq!(code, Some(1), "{word}");
        assert!(word.contains(&format!("rank {frozen} is gone")), "{word}");
        assert!(word.contains("--resume"), "{word}");
    }
}

#[test]
fn a_frozen_worker_does_not_keep_the_launcher() {
    let fixture = Fixture::new();
    for frozen in [1, 0] {
        for asks in [false, true] {
            let name = format!("launched {frozen} {asks}");
            let launcher = fixture.launch(&name);
            fixture.wait_for_steps(&name);
            let worker = rank_of(launcher.id(), frozen).expect("a worker");
            let other = rank_of(launcher.id(), 1 - frozen).expect("a worker");
            signal("STOP", worker);
            if asks {
                signal("TERM", launcher.id());
            }
            let (code, word) = end(launcher, 3 * TIMEOUT + SLACK);
            assert_eq!(code, Some(1), "{word}");
            assert!(word.contains(&format!("rank {frozen} is gone")), "{word}");
            assert!(!is_running(worker) && !is_running(other), "{name}");
        }
    }
}

#[test]
fn a_second_request_ends_launcher_and_workers_at_once() {
    let fixture = Fixture::new();
    let launcher = fixture.launch("twice");
    fixture.wait_for_steps("twice");
    let worker = rank_of(launcher.id(), 1).expect("a worker");
    signal("STOP", worker);
    signal("INT", launcher.id());
    std::thread::sleep(Duration::from_millis(300));
    signal("INT", launcher.id());
    let (code, word) = end(launcher, TIMEOUT / 2);
    assert_eq!(code, Some(130), "{word}");
    wait_for("the worker's end", || !is_running(worker));
}

#[test]
fn workers_end_with_their_launcher() {
    let fixture = Fixture::new();
    let mut launcher = fixture.launch("orphans");
    fixture.wait_for_steps("orphans");
    let workers = [0, 1].map(|rank| rank_of(launcher.id(), rank).expect("a worker"));
    launcher.kill().expect("killed");
    launcher.wait().expect("ended");
    let start = Instant::now();
    wait_for("the workers' end", || !workers.into_iter().any(is_running));
    assert!(start.elapsed() < TIMEOUT + SLACK, "{:?}", start.elapsed());
    let steps = lines(&fixture.out("orphans")) as u64 + 1;
    let mut resume = lcl();
    resume.args(["train", "--resume", "--steps", &steps.to_string(), "--out"]);
    succeed(resume.arg(fixture.out("orphans")));
}

#[test]
fn a_launcher_that_is_asked_to_end_says_how_to_go_on() {
    let fixture = Fixture::new();
    let launcher = fixture.launch("asked");
    fixture.wait_for_steps("asked");
    signal("TERM", launcher.id());
    let (code, word) = end(launcher, TIMEOUT + SLACK);
    assert_eq!(code, Some(130), "{word}");
    assert!(word.starts_with("stopped at step") && word.contains("--resume"), "{word}");
}

#[test]
fn strangers_are_turned_away_and_the_run_goes_on() {
    let fixture = Fixture::new();
    let mut workers: Vec<Child> = (0..2).map(|rank| fixture.worker("run", 60, rank, 2)).collect();
    fixture.wait_for_steps("run");
    // A second run on the same port, one of another size, and a latecomer.
    for (rank, size, expected) in [
        (0, 2, "cannot serve the store"),
        (1, 2, "rank 1 has come twice"),
        (2, 3, "the run there has 2 workers and WORLD_SIZE is 3"),
        (1, 3, "the run there has 2 workers and WORLD_SIZE is 3"),
    ] {
        let (code, word) = end(fixture.worker("other", 60, rank, size), TIMEOUT + SLACK);
        assert_eq!(code, Some(1), "{word}");
        assert!(word.contains(expected) && word.contains("MASTER_PORT"), "{word}");
    }
    for worker in workers.drain(..) {
        let (code, word) = end(worker, Duration::from_secs(120));
        assert_eq!(code, Some(0), "{word}");
    }
    assert_eq!(lines(&fixture.out("run")), 61);
    assert!(!fixture.out("other").exists());
}
