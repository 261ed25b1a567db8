//! What emulated boards share: semihosting files, the log, the exit status and
//! the instruction counter.
//!
//! The emulator runs in a folder that has `frames.bin`; the program writes
//! `rows.bin` or `events.bin` there. Start with [`Machine`], which a board implements.
#![no_std]

mod arch;
mod files;
mod machine;
mod stop;

// The log of every emulated board.
use defmt_semihosting as _;

pub use arch::*;
pub use files::FileError;
pub use machine::{Emulated, Machine, run};
