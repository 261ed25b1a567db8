//! Runs [`shared::bench`] on the board.
#![no_std]
#![no_main]

shared::program!(shared::bench);
