//! Runs [`shared::features`] on the board.
#![no_std]
#![no_main]

shared::program!(shared::features);
