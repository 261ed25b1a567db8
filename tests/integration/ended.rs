//! What is left when somebody ends `cargo xtask` or its emulator, or no longer
//! reads what it prints.

#![cfg(target_os = "linux")]

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use lcl_infer::PoolOrder;

use crate::board::emulate;
use crate::command::{fail, folder, succeed, xtask};
use crate::integers::random_model;

/// An emulation that has begun, and goes on for many seconds.
struct Emulation {
    xtask: Child,
    folder: PathBuf,
}

impl Emulation {
    fn start(mut command: Command, folder: &Path) -> Self {
        let temporary = folder.join("temporary");
        fs::create_dir_all(&temporary).expect("created");
        command.args(["--image", "scene:120", "--size", "224", "--out"]).arg(out(folder));
        command.env("TMPDIR", &temporary).env("RUST_BACKTRACE", "1");
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut xtask = child.expect("it starts");
        let lines = BufReader::new(xtask.stdout.as_mut().expect("it is piped")).lines();
        let begun = lines.map_while(Result::ok).any(|line| line.starts_with("image 1:"));
        let this = Self { xtask, folder: folder.to_owned() };
        if !begun {
            let (status, errors) = this.wait();
            panic!("it has not begun: {status}\n{errors}");
        }
        this
    }

    fn wait(mut self) -> (ExitStatus, String) {
        let mut errors = String::new();
        let mut stderr = self.xtask.stderr.take().expect("it is piped");
        // The rest of the log, so that nothing waits for a reader.
        let rest = self.xtask.stdout.take().map(BufReader::new);
        let rest = rest.map(|rest| rest.lines().map_while(Result::ok).count());
        assert!(rest.is_some());
        stderr.read_to_string(&mut errors).expect("UTF-8");
        (self.xtask.wait().expect("it ends"), errors)
    }

    /// Process ids of emulators that run this model.
    fn emulators(&self) -> Vec<String> {
        let model = self.folder.join("m.lcl").display().to_string();
        let processes = fs::read_dir("/proc").expect("Linux has it").flatten();
        let runs = |process: &fs::DirEntry| {
            let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            line.starts_with("qemu-system") && line.contains(&model)
        };
        let names = processes.filter(runs).map(|process| process.file_name());
        names.map(|name| name.to_string_lossy().into_owned()).collect()
    }
}

fn out(folder: &Path) -> PathBuf {
    folder.join("events.bin")
}

/// Folders of xtask that are left.
fn temporary(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("temporary")).expect("it is there").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("lcl-")).collect()
}

fn kill(signal: &str, process: &str) {
    succeed(Command::new("kill").args(["-s", signal, process]));
}

#[test]
fn a_signal_leaves_no_emulator_and_no_folder() {
    for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let folder = folder();
        random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
        let emulation =
            Emulation::start(emulate("mps2-an386", "watch", folder.path()), folder.path());
        assert_eq!(emulation.emulators().len(), 1);
        assert_eq!(temporary(folder.path()).len(), 1);
        kill(signal, &emulation.xtask.id().to_string());
        let path = emulation.folder.clone();
        let looked = Emulation { folder: path, xtask: Command::new("true").spawn().expect("true") };
        let (status, errors) = emulation.wait();
        assert_eq!(status.signal(), Some(number), "{status}\n{errors}");
        assert_eq!(looked.emulators(), Vec::<String>::new());
        assert_eq!(temporary(folder.path()), Vec::<String>::new());
        assert!(!out(folder.path()).exists(), "{signal}");
        for word in ["rror", "panicked", "backtrace"] {
            assert!(!errors.contains(word), "{signal}: {errors}");
        }
    }
}

#[test]
fn an_emulator_that_is_ended_is_no_success() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    let emulation = Emulation::start(emulate("mps2-an386", "watch", folder.path()), folder.path());
    kill("TERM", &emulation.emulators()[0]);
    let (status, errors) = emulation.wait();
    assert_eq!(status.code(), Some(1), "{errors}");
    let last = errors.lines().last().unwrap_or_default();
    assert_eq!(last, "error: the emulator was ended before its program: run the command again");
    assert!(!out(folder.path()).exists());
    assert_eq!(temporary(folder.path()), Vec::<String>::new());
}

#[test]
fn a_hang_up_that_is_ignored_stays_ignored() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    let inner = emulate("mps2-an386", "watch", folder.path());
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(inner.get_program());
    command.args(inner.get_args());
    command.current_dir(inner.get_current_dir().expect("it has one"));
    let emulation = Emulation::start(command, folder.path());
    kill("HUP", &emulation.xtask.id().to_string());
    let (status, errors) = emulation.wait();
    assert!(status.success(), "{status}\n{errors}");
    assert!(out(folder.path()).exists());
}

#[test]
fn a_reader_that_goes_away_is_no_error_and_a_full_device_is_one_line() {
    let mut command = xtask("boards");
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    let full = File::options().write(true).open("/dev/full").expect("Linux has it");
    let error = fail(xtask("boards").stdout(full));
    assert!(error.starts_with("error: cannot write to standard output: "), "{error}");
}

#[test]
fn results_that_cannot_be_written_are_said_before_a_board_runs() {
    let folder = folder();
    fs::write(folder.path().join("m.lcl"), "blob").expect("written");
    for (out, expected) in [
        ("none/f.safetensors", "there is no folder"),
        (".", "is a folder: name a file in it"),
        ("m.lcl", "which is read too"),
    ] {
        let mut command = emulate("mps2-an386", "features", folder.path());
        let error = fail(command.arg("--out").arg(folder.path().join(out)));
        assert!(error.contains(expected), "{error}");
    }
}
