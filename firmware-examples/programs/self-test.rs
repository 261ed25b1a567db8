//! Runs [`shared::self_test`] on the board.
#![no_std]
#![no_main]

shared::program!(shared::self_test);
