//! Runs [`shared::toom`] on the board.
#![no_std]
#![no_main]

shared::program!(shared::toom);
