//! Runs [`baseline::cmsis_nn`] on the board.
#![no_std]
#![no_main]

shared::program!(baseline::cmsis_nn);
