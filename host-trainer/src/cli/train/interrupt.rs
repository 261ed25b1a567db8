//! Requests to end: Ctrl-C, and the signals of a terminal that closes or of a
//! cluster.
//!
//! A signal that was ignored when the program started, as `nohup` has it, stays
//! ignored.

use std::{
    io::{self, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, Result};
use host_trainer::tell;

/// Exit status of a program that was asked to end and did.
pub const INTERRUPTED: i32 = 130;

/// What a run does when it is asked to end.
#[derive(Debug)]
pub struct Interrupt {
    asked: AtomicBool,
    /// What it says where it ends at once; otherwise it finishes its step.
    at_once: Mutex<Option<String>>,
    says: bool,
}

impl Interrupt {
    /// Listens for requests: the first one ends a run as
    /// [`ends_at_once`](Self::ends_at_once) and
    /// [`finishes_step`](Self::finishes_step) say, the second one at once. Who
    /// does not say anything `says` not.
    pub fn listen(says: bool) -> Result<Arc<Self>> {
        let this = Arc::new(Self {
            asked: AtomicBool::new(false),
            at_once: Mutex::new(Some("stopped before the first step".to_owned())),
            says,
        });
        let asked = Arc::clone(&this);
        listen(true, move |_| asked.ask())?;
        Ok(this)
    }

    /// Takes a request to end.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
        let at_once = self.at_once.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match at_once {
            Some(reason) => {
                if self.says {
                    tell!("{reason}");
                }
                exit(INTERRUPTED);
            }
            None if self.says => {
                tell!("\nfinishing the step and saving; press Ctrl-C again to stop at once");
            }
            None => {}
        }
    }

    /// From now on, a request ends the program after the step that it is at.
    pub fn finishes_step(&self) {
        *self.at_once.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// From now on, a request ends the program at once, with a reason.
    pub fn ends_at_once(&self, reason: String) {
        *self.at_once.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    /// Returns whether somebody has asked.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Ends the program without taking anything down: libtorch's threads may still
/// be at work.
pub fn exit(status: i32) -> ! {
    let _ = io::stdout().flush();
    #[cfg(unix)]
    signal_hook::low_level::exit(status);
    #[cfg(not(unix))]
    std::process::exit(status)
}

/// Calls `asked` with the number of each request to end, from 1; with
/// `twice_ends`, the second request ends the program whatever it is at.
#[cfg(unix)]
pub fn listen(twice_ends: bool, mut asked: impl FnMut(u32) + Send + 'static) -> Result<()> {
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGTERM},
        flag,
        iterator::Signals,
    };

    let context = "cannot listen for Ctrl-C";
    let heard: Vec<i32> =
        [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|&signal| !is_ignored(signal)).collect();
    let once = Arc::new(AtomicBool::new(false));
    for &signal in heard.iter().filter(|_| twice_ends) {
        // In this order: the first request only sets what the second one finds.
        flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&once))
            .and_then(|_| flag::register(signal, Arc::clone(&once)))
            .context(context)?;
    }
    let mut signals = Signals::new(&heard).context(context)?;
    std::thread::spawn(move || {
        for (number, _) in (1..).zip(signals.forever()) {
            asked(number);
        }
    });
    Ok(())
}

/// Returns whether the program was started to ignore a signal.
#[cfg(unix)]
#[allow(unsafe_code)]
fn is_ignored(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action the call only writes the old one, which is
    // plain integers, for which zeros are sound too.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(not(unix))]
pub fn listen(twice_ends: bool, mut asked: impl FnMut(u32) + Send + 'static) -> Result<()> {
    let mut number = 0;
    ctrlc::set_handler(move || {
        number += 1;
        if twice_ends && number > 1 {
            exit(INTERRUPTED);
        }
        asked(number);
    })
    .context("cannot listen for Ctrl-C")
}
