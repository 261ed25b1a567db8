//! A program that ends with xtask.

use std::io::Read;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus};

use anyhow::{Context, Result};

use super::held::{hold, let_go};
use super::shown;

/// A program that runs. It is stopped when dropped, and when a signal ends
/// xtask.
#[derive(Debug)]
pub struct Running {
    child: Child,
    name: String,
}

impl Running {
    /// Starts a program.
    pub fn start(command: &mut Command) -> Result<Self> {
        let name = shown(command);
        let child = hold(|held| {
            let child = command.spawn()?;
            held.programs.push(child.id());
            Ok::<_, std::io::Error>(child)
        });
        let child = child.with_context(|| format!("cannot start `{name}`"))?;
        Ok(Self { child, name })
    }

    /// Lets a signal that ends xtask leave the program alone: one that is worse
    /// when it is ended half-way.
    pub fn undisturbed(self) -> Self {
        let id = self.child.id();
        let_go(|held| held.programs.retain(|program| *program != id));
        self
    }

    /// Returns its standard output, where that is piped, once.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Returns its standard error, where that is piped, once.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        let status = self.child.wait();
        self.let_go();
        status.with_context(|| format!("cannot wait for `{}`", self.name))
    }

    /// Returns its status if it has ended.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.child.try_wait();
        if !matches!(status, Ok(None)) {
            self.let_go();
        }
        status.with_context(|| format!("cannot wait for `{}`", self.name))
    }

    /// Stops it, whatever it does.
    pub fn stop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        self.let_go();
    }

    /// Waits for its end, and returns what it says on standard error, which is
    /// piped.
    pub fn errors(mut self) -> Result<(ExitStatus, String)> {
        let mut bytes = Vec::new();
        if let Some(mut errors) = self.take_stderr() {
            errors
                .read_to_end(&mut bytes)
                .with_context(|| format!("cannot read `{}`", self.name))?;
        }
        Ok((self.wait()?, String::from_utf8_lossy(&bytes).trim().to_owned()))
    }

    fn let_go(&self) {
        let id = self.child.id();
        let_go(|held| held.programs.retain(|program| *program != id));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        } else {
            self.let_go();
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::held::held;
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
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error =
            Running::start(&mut Command::new("no-such-program")).expect_err("there is none");
        assert!(error.to_string().contains("no-such-program"), "{error}");
    }
}
