//! A 32-bit RISC-V (RV32IMAC), on QEMU's machine `virt`.
#![no_std]

use emulated::{Emulated, Machine};

pub use emulated::{entry, run};

/// The board, as programs have it.
pub type Board = Emulated<Riscv32Virt>;

/// What sets it apart.
#[derive(Debug)]
pub struct Riscv32Virt;

impl Machine for Riscv32Virt {
    const NAME: &'static str = "riscv32-virt";
    const MAX_WIDTH: usize = 224;
    const INSTRUCTIONS_PER_SECOND: u32 = 160_000_000;
    const CLOCK: &'static str = "computed at one a cycle for the 160 MHz of an ESP32-C6";

    #[inline]
    fn ticks() -> u32 {
        emulated::minstret()
    }
}
