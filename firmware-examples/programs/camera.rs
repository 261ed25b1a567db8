//! Runs [`shared::camera`] on the board.
#![no_std]
#![no_main]

shared::program!(shared::camera);
