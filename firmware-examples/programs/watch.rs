//! Runs [`shared::watch`] on the board.
#![no_std]
#![no_main]

shared::program!(shared::watch, shared::watch_memory_len);
