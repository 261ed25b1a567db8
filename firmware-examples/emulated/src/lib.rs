//! What emulated boards share: semihosting files, the log, the exit status and
//! the instruction counter.
//!
//! The emulator runs in a folder that has `frames.bin`; the program writes
//! `rows.bin` there. Start with [`Machine`], which a board implements, and
//! [`run`], which its binaries call.
#![no_std]

mod files;
mod machine;
mod memory;
mod spin;
mod stop;

// The critical section and the log of every emulated board.
use cortex_m as _;
use defmt_semihosting as _;

pub use files::FileError;
pub use machine::{Emulated, Machine, run};
