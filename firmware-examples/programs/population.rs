//! Runs [`shared::population`] on the board.
#![no_std]
#![no_main]

shared::program!(shared::population, shared::population_memory_len);
