//! A program that ends with xtask.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::{Child, ChildStdout, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};

use super::shown;

static HELD: Mutex<Held> = Mutex::new(Held { programs: Vec::new(), signal: None });

/// The programs that run, and the signal that ends xtask.
pub(super) struct Held {
    pub(super) programs: Vec<u32>,
    pub(super) signal: Option<i32>,
}

pub(super) fn held() -> MutexGuard<'static, Held> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Unwinds xtask once a signal has ended its programs, so that its temporary
/// folders are dropped.
struct Ending;

/// Runs `work`. If a signal comes meanwhile, all programs and temporary folders of
/// `work` are gone before xtask ends by that signal.
pub fn until_signal<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    #[cfg(unix)]
    super::signals::watch()?;
    let done = catch_unwind(AssertUnwindSafe(work));
    #[cfg(unix)]
    if let Some(signal) = held().signal {
        super::signals::end_by(signal);
    }
    done.unwrap_or_else(|panic| resume_unwind(panic))
}

/// A running program. It is stopped when dropped, and when a signal ends xtask.
#[derive(Debug)]
pub struct Running {
    child: Child,
    name: String,
}

impl Running {
    pub fn start(command: &mut Command) -> Result<Self> {
        let name = shown(command);
        let mut held = held();
        if held.signal.is_some() {
            drop(held);
            resume_unwind(Box::new(Ending));
        }
        let child = command.spawn().with_context(|| format!("cannot start `{name}`"))?;
        held.programs.push(child.id());
        Ok(Self { child, name })
    }

    /// Lets a signal leave the program alone: one that does harm if it is ended
    /// half-way.
    pub fn undisturbed(self) -> Self {
        self.let_go();
        self
    }

    /// Returns its standard output, if that is piped, once.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    pub fn wait(&mut self) -> Result<ExitStatus> {
        let status = self.child.wait();
        self.ended();
        status.with_context(|| format!("cannot wait for `{}`", self.name))
    }

    /// Returns its status if it has ended.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.child.try_wait();
        if !matches!(status, Ok(None)) {
            self.ended();
        }
        status.with_context(|| format!("cannot wait for `{}`", self.name))
    }

    /// Waits for its end, and returns its words on standard error, which is piped.
    pub fn errors(mut self) -> Result<(ExitStatus, String)> {
        let mut bytes = Vec::new();
        if let Some(mut errors) = self.child.stderr.take() {
            let read = errors.read_to_end(&mut bytes);
            read.with_context(|| format!("cannot read `{}`", self.name))?;
        }
        Ok((self.wait()?, String::from_utf8_lossy(&bytes).trim().to_owned()))
    }

    fn ended(&self) {
        self.let_go();
        if held().signal.is_some() {
            resume_unwind(Box::new(Ending));
        }
    }

    fn let_go(&self) {
        held().programs.retain(|program| *program != self.child.id());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
        self.let_go();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_held_while_it_runs_and_stopped_when_dropped() {
        let mut command = Command::new("sleep");
        let running = Running::start(command.arg("600")).expect("it starts");
        let id = running.child.id();
        assert!(held().programs.contains(&id));
        drop(running);
        assert!(!held().programs.contains(&id));
        let id = i32::try_from(id).expect("process ids are small");
        let exists = nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), None);
        assert!(exists.is_err(), "it still runs");
        let error = Running::start(&mut Command::new("no-such-program")).expect_err("none");
        assert!(error.to_string().contains("no-such-program"), "{error}");
    }
}
