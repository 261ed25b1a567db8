//! `lcl train --nproc`: several workers on this machine.

use std::{
    env,
    ffi::OsString,
    io::{self, BufRead, BufReader},
    net::{Ipv4Addr, TcpListener},
    process::{self, Child, ChildStderr, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use host_trainer::{tell, workers};

use super::interrupt::{self, INTERRUPTED, Interrupt};

/// The option by which this was called, which the workers are not given.
const OPTION: &str = "--nproc";

/// The variable that tells a worker which process started it.
const LAUNCHER: &str = "LCL_LAUNCHER";

/// How often it is looked whether a worker has ended, or its launcher.
const POLL: Duration = Duration::from_millis(20);

/// Starts this program `count` times with the same arguments, as the workers of
/// one run on the loopback, and waits for all of them.
///
/// A request to end goes on to each; they stop one another where one fails.
/// Once one has ended that the others do not outlive, or the end was asked for,
/// those that do not stop within about twice `timeout` are asked to end, then
/// killed.
pub fn workers(count: usize, timeout: Duration) -> Result<()> {
    if !workers::AVAILABLE {
        bail!(
            "this build has no distributed engine (c10d), which --nproc needs: use one of \
             PyTorch's own builds of libtorch for Linux, or train without --nproc"
        );
    }
    if ["RANK", "WORLD_SIZE"].iter().any(|variable| env::var_os(variable).is_some()) {
        bail!("RANK and WORLD_SIZE are set, by torchrun or the like: leave --nproc away");
    }
    let program = env::current_exe().context("finding this program")?;
    let port = free_port().context("looking for a free port on the loopback")?;
    let children = Children::default();
    let asked = Arc::new(AtomicBool::new(false));
    let (to_end, was_asked) = (children.clone(), Arc::clone(&asked));
    interrupt::listen(false, move |number| {
        was_asked.store(true, Ordering::Relaxed);
        if number == 1 {
            to_end.all(ask_to_end);
        } else {
            to_end.all(|child| drop(child.kill()));
            interrupt::exit(INTERRUPTED);
        }
    })?;
    let mut errors = Vec::new();
    for rank in 0..count {
        let mut command = worker(&program, rank, count, port);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                children.all(|child| drop(child.kill()));
                return Err(error).with_context(|| format!("starting worker {rank}"));
            }
        };
        errors.extend(child.stderr.take().map(|stderr| pass_on(rank, stderr)));
        children.lock().push(child);
    }
    if asked.load(Ordering::Relaxed) {
        // Asked while they were being started.
        children.all(ask_to_end);
    }
    let ended = children.wait(timeout, &asked)?;
    let errors: Vec<String> = errors.into_iter().filter_map(|of| of.join().ok()?).collect();
    let failed: Vec<String> = ended
        .iter()
        .enumerate()
        .filter(|(_, status)| !status.success())
        .map(|(rank, status)| format!("rank {rank} ({status})"))
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    if ended[0].code() == Some(INTERRUPTED) {
        process::exit(INTERRUPTED);
    }
    // All workers say the same, of which one line is enough: rank 0 has said it,
    // but for when it was killed or was content.
    if ended[0].success() || ended[0].code().is_none() {
        match errors.into_iter().next() {
            Some(error) => tell!("{error}"),
            None => bail!("of {count} workers failed: {}", failed.join(", ")),
        }
    }
    process::exit(1)
}

/// Returns the command of one worker.
fn worker(program: &std::path::Path, rank: usize, count: usize, port: u16) -> Command {
    let mut command = Command::new(program);
    command.args(arguments());
    let [number, size, port] = [rank, count, usize::from(port)].map(|n| n.to_string());
    command.env("RANK", &number).env("LOCAL_RANK", &number);
    command.env("WORLD_SIZE", &size).env("LOCAL_WORLD_SIZE", &size);
    command.env("MASTER_ADDR", Ipv4Addr::LOCALHOST.to_string()).env("MASTER_PORT", &port);
    command.env(LAUNCHER, process::id().to_string());
    apart(&mut command);
    if rank != 0 {
        command.stderr(Stdio::piped());
    }
    command
}

/// The workers, shared with whoever ends them.
#[derive(Clone, Default)]
struct Children(Arc<Mutex<Vec<Child>>>);

impl Children {
    fn lock(&self) -> MutexGuard<'_, Vec<Child>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self, act: impl Fn(&mut Child)) {
        self.lock().iter_mut().for_each(act);
    }

    /// Waits until all have ended, and returns how.
    ///
    /// Polled, as waiting would keep the children from whoever asks to end.
    fn wait(&self, timeout: Duration, asked: &AtomicBool) -> Result<Vec<ExitStatus>> {
        let mut ended: Vec<Option<ExitStatus>> = vec![None; self.lock().len()];
        let (mut since, mut was_asked) = (None::<Instant>, false);
        loop {
            for (child, ended) in self.lock().iter_mut().zip(&mut ended) {
                if ended.is_none() {
                    *ended = child.try_wait().context("waiting for a worker")?;
                }
            }
            if ended.iter().all(Option::is_some) {
                return Ok(ended.into_iter().flatten().collect());
            }
            // Rank 0 alone has work to do when the others have ended well.
            let failed = ended.iter().flatten().any(|status| !status.success());
            let leader_alone = ended[0].is_none() && ended[1..].iter().all(Option::is_some);
            let some_ended = ended.iter().any(Option::is_some);
            let limited = failed || asked.load(Ordering::Relaxed) || (some_ended && !leader_alone);
            if limited {
                let waited = since.get_or_insert_with(Instant::now).elapsed();
                let mut children = self.lock();
                let late = children.iter_mut().zip(&ended).filter(|(_, ended)| ended.is_none());
                if waited > 2 * timeout {
                    late.for_each(|(child, _)| drop(child.kill()));
                } else if waited > timeout + timeout / 2 && !was_asked {
                    was_asked = true;
                    late.for_each(|(child, _)| ask_to_end(child));
                }
            }
            thread::sleep(POLL);
        }
    }
}

/// Ends this worker when the process that started it is gone: after its step,
/// or, where it does not come to that, after `timeout`.
#[cfg(unix)]
pub fn follow(interrupt: &Arc<Interrupt>, timeout: Duration) {
    let launcher = env::var(LAUNCHER).ok().and_then(|id| id.parse::<i32>().ok());
    let Some(launcher) = launcher else {
        return;
    };
    let interrupt = Arc::clone(interrupt);
    thread::spawn(move || {
        let parent = || rustix::process::getppid().map(|id| id.as_raw_nonzero().get());
        while parent() == Some(launcher) {
            thread::sleep(10 * POLL);
        }
        // A late watch, as this may end the process.
        thread::spawn(move || {
            thread::sleep(timeout);
            interrupt::exit(1);
        });
        interrupt.ask();
    });
}

#[cfg(not(unix))]
pub fn follow(_: &Arc<Interrupt>, _: Duration) {}

/// Returns this program's arguments without the option and its value.
fn arguments() -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut arguments = env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        if text == OPTION {
            arguments.next();
        } else if !text.starts_with(&format!("{OPTION}=")) {
            kept.push(argument);
        }
    }
    kept
}

/// Passes on what a worker says, but for the error that it ends with: that is
/// returned.
fn pass_on(rank: usize, stderr: ChildStderr) -> JoinHandle<Option<String>> {
    thread::spawn(move || {
        let mut error = None;
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if line.starts_with("error:") {
                error = Some(line);
            } else {
                tell!("rank {rank}: {line}");
            }
        }
        error
    })
}

/// Keeps Ctrl-C in a terminal from the worker, which is told of it once, by
/// this program.
#[cfg(unix)]
fn apart(command: &mut Command) {
    use std::os::unix::process::CommandExt;

    command.process_group(0);
}

#[cfg(not(unix))]
fn apart(_: &mut Command) {}

/// Asks a worker to save and end; that it has ended already is no error.
#[cfg(unix)]
fn ask_to_end(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process};

    if let Ok(None) = child.try_wait() {
        if let Some(id) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(id, Signal::TERM);
        }
    }
}

#[cfg(not(unix))]
fn ask_to_end(_: &mut Child) {}

/// Returns a port that nobody listens on right now.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
