//! Runs [`shared::toom`] on this board.
#![no_std]
#![no_main]

emulated::program!(mps2_an385::Mps2An385, shared::toom);
