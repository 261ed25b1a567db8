//! Long commands whose output is for a file: a line before, a line behind, and
//! how far they are between.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Running, note, shown};
use crate::project;

/// How often a command is looked at, and how often its last line is shown, on a
/// terminal and elsewhere.
const POLL: Duration = Duration::from_millis(50);
const ON_TERMINAL: Duration = Duration::from_millis(500);
const ELSEWHERE: Duration = Duration::from_secs(60);

/// What a command may take before anybody is told of it.
const SILENT: Duration = Duration::from_secs(2);

/// Lines of the output that are shown when a command fails.
const SHOWN: usize = 40;

/// Bytes at the end of the output that its last lines are looked for in.
const END: u64 = 16 * 1024;

/// Most letters of a line that is shown while a command runs.
const WIDTH: usize = 60;

/// A command whose output goes to `target/logs/NAME.log`.
#[derive(Clone, Copy, Debug)]
pub struct Logged<'a> {
    /// Name of the file, without its ending.
    pub name: &'a str,
    /// What is being done, for people.
    pub doing: &'a str,
    /// Whether a signal that ends xtask is to leave the command alone.
    pub undisturbed: bool,
}

impl Logged<'_> {
    /// Runs a command that is to succeed; where it does not, the end of its
    /// output is shown.
    pub fn run(self, command: &mut Command) -> Result<()> {
        self.run_in(&project::root().join("target/logs"), command)
    }

    fn run_in(self, folder: &Path, command: &mut Command) -> Result<()> {
        let path = folder.join(self.name).with_extension("log");
        let context = || format!("cannot write {}", path.display());
        fs::create_dir_all(folder).with_context(context)?;
        // Another xtask may write to it: neither overwrites the other.
        let file = File::options().create(true).append(true).open(&path);
        let mut file = file.with_context(context)?;
        file.set_len(0).with_context(context)?;
        writeln!(file, "$ {}", shown(command)).with_context(context)?;
        let errors = file.try_clone().with_context(context)?;
        command.stdin(Stdio::null()).stdout(file).stderr(errors);
        let mut running = Running::start(command)?;
        if self.undisturbed {
            running = running.undisturbed();
        }
        let started = Instant::now();
        let mut told = Told { path: &path, doing: self.doing, at: None };
        let status = loop {
            if let Some(status) = running.try_wait()? {
                break status;
            }
            told.look(started);
            thread::sleep(POLL);
        };
        told.end(started, status.success());
        if status.success() {
            return Ok(());
        }
        for line in last_lines(&path, SHOWN) {
            writeln!(io::stderr(), "  {line}").ok();
        }
        bail!(
            "`{}` failed ({status}): the end of its output is above, all of it in {}",
            shown(command),
            from_root(&path).display()
        );
    }
}

/// What the user has been told of a command that runs.
struct Told<'a> {
    path: &'a Path,
    doing: &'a str,
    at: Option<Instant>,
}

impl Told<'_> {
    fn look(&mut self, started: Instant) {
        let terminal = io::stderr().is_terminal();
        let seconds = started.elapsed().as_secs();
        match self.at {
            None if started.elapsed() < SILENT => return,
            None => {
                note(format!("{}; its output: {}", self.doing, from_root(self.path).display()));
            }
            Some(at) if at.elapsed() < if terminal { ON_TERMINAL } else { ELSEWHERE } => return,
            Some(_) => {
                let last = last_lines(self.path, 1).pop().unwrap_or_default();
                let last: String = last.trim().chars().take(WIDTH).collect();
                let (start, end) = if terminal { ("\r\x1b[K", "") } else { ("", "\n") };
                write!(io::stderr(), "{start}xtask: {seconds:>4} s  {last}{end}").ok();
            }
        }
        self.at = Some(Instant::now());
    }

    fn end(&self, started: Instant, success: bool) {
        if self.at.is_none() {
            return;
        }
        if io::stderr().is_terminal() {
            write!(io::stderr(), "\r\x1b[K").ok();
        }
        if success {
            note(format!("done in {} s", started.elapsed().as_secs()));
        }
    }
}

/// Returns the last lines of a file that are not empty. Those that overwrite
/// each other, as progress bars do, are lines of their own.
fn last_lines(path: &Path, count: usize) -> Vec<String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        let len = file.metadata()?.len();
        file.seek(SeekFrom::Start(len.saturating_sub(END)))?;
        file.read_to_end(&mut bytes)
    });
    if read.is_err() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.split(['\n', '\r']).filter(|line| !line.trim().is_empty());
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    lines[lines.len().saturating_sub(count)..].to_vec()
}

fn from_root(path: &Path) -> PathBuf {
    path.strip_prefix(project::root()).unwrap_or(path).to_owned()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::firmware::TemporaryFolder;

    const STEP: Logged<'_> = Logged { name: "step", doing: "doing a step", undisturbed: false };

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn all_output_is_in_the_file_and_a_failure_names_it() {
        let folder = TemporaryFolder::new().expect("a folder");
        let path = folder.path().join("step.log");
        STEP.run_in(folder.path(), &mut shell("echo out; echo err >&2")).expect("it succeeds");
        let text = fs::read_to_string(&path).expect("it was written");
        assert!(text.starts_with("$ sh -c ") && text.ends_with("\nout\nerr\n"), "{text}");
        let error = STEP.run_in(folder.path(), &mut shell("echo no room; exit 3"));
        let error = error.expect_err("it fails").to_string();
        assert!(error.contains("exit status: 3") && error.contains("step.log"), "{error}");
        assert_eq!(last_lines(&path, 1), ["no room"]);
    }

    #[test]
    fn the_last_lines_are_those_that_a_terminal_would_show() {
        let folder = TemporaryFolder::new().expect("a folder");
        let path = folder.path().join("log");
        fs::write(&path, format!("{}\n10 %\r90 %\n\n", "a".repeat(20_000))).expect("written");
        assert_eq!(last_lines(&path, 2), ["10 %", "90 %"]);
    }
}
