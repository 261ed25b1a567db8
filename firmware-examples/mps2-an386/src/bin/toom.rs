//! Runs [`shared::toom`] on this board.
#![no_std]
#![no_main]

emulated::program!(mps2_an386::Mps2An386, shared::toom);
