//! One binary for all tests that need more than one crate: `lcl` as a user
//! types it, its integers against an independent computation, and a board.

mod bad_input;
mod board;
mod command;
mod integers;
mod quantisation;
mod train;
