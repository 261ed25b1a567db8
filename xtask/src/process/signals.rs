//! Ctrl-C, and the signals by which a terminal, a shell or a cluster ends a job.

use std::time::{Duration, Instant};
use std::{fs, process, thread};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::running::held;

/// How long programs may take to end once they are asked to, and xtask once they
/// have ended.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often programs are looked at meanwhile.
const POLL: Duration = Duration::from_millis(10);

/// Waits for a signal in a thread of its own. A signal that is ignored already, as
/// under `nohup`, stays ignored.
pub(super) fn watch() -> Result<()> {
    let ignored = ignored();
    let wanted = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !ignored.contains(signal));
    let mut signals = Signals::new(wanted).context("cannot wait for signals")?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            end(signal);
        }
    });
    Ok(())
}

/// Ends xtask as the signal would have ended it.
pub(super) fn end_by(signal: i32) -> ! {
    emulate_default_handler(signal).ok();
    process::exit(1)
}

/// Ends the programs that xtask holds, so that whoever waits for one unwinds.
fn end(signal: i32) {
    held().signal = Some(signal);
    tell_all(Signal::SIGTERM);
    wait(|| held().programs.is_empty());
    tell_all(Signal::SIGKILL);
    // Whoever waits for no program, but for a lock, has no folder either.
    wait(|| false);
    end_by(signal);
}

fn tell_all(signal: Signal) {
    for program in held().programs.iter().filter_map(|&id| i32::try_from(id).ok()) {
        kill(Pid::from_raw(program), signal).ok();
    }
}

fn wait(done: impl Fn() -> bool) {
    let started = Instant::now();
    while started.elapsed() < PATIENCE && !done() {
        thread::sleep(POLL);
    }
}

/// Returns the signals that are ignored: a hang-up, which `nohup` ignores, if the
/// system does not say.
fn ignored() -> Vec<i32> {
    let status = fs::read_to_string("/proc/self/status").ok();
    status.and_then(|status| ignored_of(&status)).unwrap_or_else(|| vec![SIGHUP])
}

fn ignored_of(status: &str) -> Option<Vec<i32>> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    Some((1..=64).filter(|signal| mask >> (signal - 1) & 1 == 1).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read() {
        assert_eq!(ignored_of("Name:\tx\nSigIgn:\t0000000000001001\n"), Some(vec![SIGHUP, 13]));
        assert_eq!(ignored_of("Name:\tx\n"), None);
    }
}
