//! Runs [`shared::toom`] on this board.
#![no_std]
#![no_main]

emulated::program!(riscv32_virt::Riscv32Virt, shared::toom);
