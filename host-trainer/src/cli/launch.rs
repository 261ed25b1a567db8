//! `lcl train --nproc`: several workers on this machine.

use std::{
    env,
    ffi::OsString,
    io::{self, BufRead, BufReader},
    net::{Ipv4Addr, TcpListener},
    process::{self, Child, ChildStderr, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use host_trainer::{tell, workers};

/// The option by which this was called, which the workers are not given.
const OPTION: &str = "--nproc";

/// How often it is looked whether a worker has ended.
const POLL: Duration = Duration::from_millis(20);

/// Starts this program `count` times with the same arguments, as the workers of
/// one run on the loopback, and waits for all of them.
///
/// A request to end goes on to each; they stop one another where one fails.
///
/// Where one fails and another does not stop within twice `timeout`, that is
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
    let children = Arc::new(Mutex::new(Vec::<Child>::new()));
    let to_end = Arc::clone(&children);
    ctrlc::set_handler(move || {
        for child in to_end.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            ask_to_end(child);
        }
    })
    .context("cannot listen for Ctrl-C")?;
    let mut errors = Vec::new();
    for rank in 0..count {
        let mut command = Command::new(&program);
        command.args(arguments());
        let [rank, size, port] = [rank, count, usize::from(port)].map(|n| n.to_string());
        command.env("RANK", &rank).env("LOCAL_RANK", &rank);
        command.env("WORLD_SIZE", &size).env("LOCAL_WORLD_SIZE", &size);
        command.env("MASTER_ADDR", Ipv4Addr::LOCALHOST.to_string()).env("MASTER_PORT", &port);
        apart(&mut command);
        if rank != "0" {
            command.stderr(Stdio::piped());
        }
        let mut child = command.spawn().with_context(|| format!("starting worker {rank}"))?;
        errors.extend(child.stderr.take().map(|stderr| pass_on(rank, stderr)));
        children.lock().unwrap_or_else(PoisonError::into_inner).push(child);
    }
    // Polled, as waiting would keep the children from whoever asks to end.
    let (mut failed, mut killed_0, mut since) = (Vec::new(), false, None);
    let mut running: Vec<usize> = (0..count).collect();
    while !running.is_empty() {
        let mut children = children.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ended = Vec::new();
        for &rank in &running {
            if let Some(status) = children[rank].try_wait().context("waiting for a worker")? {
                ended.push(rank);
                killed_0 |= rank == 0 && status.code().is_none();
                if !status.success() {
                    failed.push(format!("rank {rank} ({status})"));
                }
            }
        }
        if !failed.is_empty() && since.get_or_insert_with(Instant::now).elapsed() > 2 * timeout {
            for &rank in &running {
                children[rank].kill().context("killing a worker that does not stop")?;
            }
        }
        drop(children);
        running.retain(|rank| !ended.contains(rank));
        thread::sleep(POLL);
    }
    let errors: Vec<String> = errors.into_iter().filter_map(|of| of.join().ok()?).collect();
    if failed.is_empty() {
        return Ok(());
    }
    // All workers say the same, of which one line is enough: rank 0 has said it,
    // but for when it was killed.
    match errors.into_iter().next() {
        Some(error) if killed_0 => tell!("{error}"),
        None if killed_0 => bail!("of {count} workers failed: {}", failed.join(", ")),
        _ => {}
    }
    process::exit(1)
}

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
fn pass_on(rank: String, stderr: ChildStderr) -> JoinHandle<Option<String>> {
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
fn ask_to_end(child: &Child) {
    use rustix::process::{Pid, Signal, kill_process};

    if let Some(id) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(id, Signal::TERM);
    }
}

#[cfg(not(unix))]
fn ask_to_end(_: &Child) {}

/// Returns a port that nobody listens on right now.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
