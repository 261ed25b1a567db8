//! Runs [`shared::kernels`] on the board.
#![no_std]
#![no_main]

shared::program!(shared::kernels);
