//! One binary for all tests that need more than one crate: `lcl` as a user
//! types it, its integers against an independent computation, a board, and a browser.

mod arguments;
mod bad_input;
mod board;
mod command;
mod components;
mod ended;
mod evaluate;
mod flash;
#[cfg(unix)]
mod images;
mod integers;
#[cfg(unix)]
mod interrupts;
mod never_lost;
mod output;
mod quantisation;
mod quantise;
mod report;
mod resuming;
mod run_folder;
mod runs;
mod sensor;
mod show;
mod train;
mod workers;
#[cfg(target_os = "linux")]
mod workers_lost;
