//! Runs [`peer::cmsis_nn`] on the board.
#![no_std]
#![no_main]

shared::program!(peer::cmsis_nn);
