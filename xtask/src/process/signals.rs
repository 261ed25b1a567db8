//! Ctrl-C, and the signals by which a terminal, a shell or a cluster ends a job.

use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::held::held;

/// How long a program may take to end once it is asked to.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often programs are looked at meanwhile.
const POLL: Duration = Duration::from_millis(10);

/// Waits for a signal in a thread of its own. One that is ignored already, as
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

/// Ends what xtask holds, and xtask as the signal would have ended it.
fn end(signal: i32) {
    let mut programs: Vec<Pid> = {
        let mut held = held();
        held.ending = true;
        held.programs.iter().filter_map(|&id| i32::try_from(id).ok()).map(Pid::from_raw).collect()
    };
    for &program in &programs {
        kill(program, Signal::SIGTERM).ok();
    }
    let asked = Instant::now();
    while asked.elapsed() < PATIENCE && !programs.is_empty() {
        programs.retain(|&program| still_runs(program));
        thread::sleep(POLL);
    }
    for &program in &programs {
        kill(program, Signal::SIGKILL).ok();
    }
    for folder in &held().folders {
        fs::remove_dir_all(folder).ok();
    }
    emulate_default_handler(signal).ok();
}

/// Returns whether a program has not ended, whoever waits for it.
fn still_runs(program: Pid) -> bool {
    match waitpid(program, Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::StillAlive) | Err(Errno::EINTR) => true,
        Ok(_) | Err(_) => false,
    }
}

/// Returns the signals that are ignored. Where the system does not say, that is
/// taken for true of a hang-up, which `nohup` ignores.
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
