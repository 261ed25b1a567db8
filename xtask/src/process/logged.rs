//! Long commands whose output goes to a file: a line before, a line behind, and
//! their last line between.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::path::Path;
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

/// A command that takes less is not mentioned.
const SILENT: Duration = Duration::from_secs(2);

/// Lines of the output that are shown when a command fails.
const SHOWN: usize = 40;

/// Bytes at the end of the output in which its last lines are looked for.
const END: u64 = 16 * 1024;

/// Most letters of a line that is shown while a command runs.
const WIDTH: usize = 60;

/// A command whose output goes to `target/logs/NAME.log`.
#[derive(Clone, Copy, Debug)]
pub struct Logged<'a> {
    pub name: &'a str,
    pub doing: &'a str,
    /// Whether a signal that ends xtask leaves the command alone.
    pub undisturbed: bool,
}

impl<'a> Logged<'a> {
    /// Describes a command that ends with xtask.
    pub fn new(name: &'a str, doing: &'a str) -> Self {
        Self { name, doing, undisturbed: false }
    }

    /// Runs a command that is to succeed; if it does not, the end of its output is
    /// shown.
    pub fn run(self, command: &mut Command) -> Result<()> {
        self.run_in(&project::root().join("target/logs"), command)
    }

    fn run_in(self, folder: &Path, command: &mut Command) -> Result<()> {
        let path = folder.join(self.name).with_extension("log");
        let named = path.strip_prefix(project::root()).unwrap_or(&path).display();
        let context = || format!("cannot write {named}");
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
        let (clear, between, end) = if io::stderr().is_terminal() {
            ("\r\x1b[K", ON_TERMINAL, "")
        } else {
            ("", ELSEWHERE, "\n")
        };
        let mut told: Option<Instant> = None;
        let status = loop {
            if let Some(status) = running.try_wait()? {
                break status;
            }
            let now = Instant::now();
            if told.is_none() && started.elapsed() > SILENT {
                note(format_args!("{}; its output: {named}", self.doing));
                told = Some(now);
            } else if told.is_some_and(|told| told.elapsed() > between) {
                let last = last_lines(&path, 1).pop().unwrap_or_default();
                let last: String = last.trim().chars().take(WIDTH).collect();
                let seconds = started.elapsed().as_secs();
                write!(io::stderr(), "{clear}xtask: {seconds:>4} s  {last}{end}").ok();
                told = Some(now);
            }
            thread::sleep(POLL);
        };
        if told.is_some() {
            write!(io::stderr(), "{clear}").ok();
        }
        if status.success() {
            if told.is_some() {
                note(format_args!("done in {} s", started.elapsed().as_secs()));
            }
            return Ok(());
        }
        for line in last_lines(&path, SHOWN) {
            writeln!(io::stderr(), "  {line}").ok();
        }
        bail!(
            "`{}` failed ({status}): the end of its output is above, all of it in {named}",
            shown(command)
        );
    }
}

/// Returns the last lines of a file that are not empty. Those that overwrite each
/// other, as progress bars do, are lines of their own.
fn last_lines(path: &Path, count: usize) -> Vec<String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        let len = file.metadata()?.len();
        file.seek(SeekFrom::Start(len.saturating_sub(END)))?;
        file.read_to_end(&mut bytes)
    });
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.split(['\n', '\r']).filter(|line| !line.trim().is_empty() && read.is_ok());
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    lines[lines.len().saturating_sub(count)..].to_vec()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn all_output_is_in_the_file_and_a_failure_names_it() {
        let folder = project::temporary_folder().expect("a folder");
        let path = folder.path().join("step.log");
        let run = |script| {
            let mut command = Command::new("sh");
            Logged::new("step", "doing a step").run_in(folder.path(), command.args(["-c", script]))
        };
        run("echo out; echo err >&2").expect("it succeeds");
        let text = fs::read_to_string(&path).expect("it was written");
        assert!(text.starts_with("$ sh -c ") && text.ends_with("\nout\nerr\n"), "{text}");
        let error = run("echo no room; exit 3").expect_err("it fails").to_string();
        assert!(error.contains("exit status: 3") && error.contains("step.log"), "{error}");
        assert_eq!(last_lines(&path, 1), ["no room"]);
        fs::write(&path, format!("{}\n10 %\r90 %\n\n", "a".repeat(20_000))).expect("written");
        assert_eq!(last_lines(&path, 2), ["10 %", "90 %"]);
    }
}
