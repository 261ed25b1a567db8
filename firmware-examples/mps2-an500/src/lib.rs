//! Arm's MPS2 board with image AN500: a Cortex-M7, as QEMU's `mps2-an500`
//! emulates it.
#![no_std]

use emulated::{Emulated, Fpgaio, Machine};

pub use emulated::{entry, run};

/// The board, as programs have it.
pub type Board = Emulated<Mps2An500>;

/// What sets it apart.
#[derive(Debug)]
pub struct Mps2An500;

impl Machine for Mps2An500 {
    const NAME: &'static str = "mps2-an500";
    const MAX_WIDTH: usize = 224;
    const INSTRUCTIONS_PER_SECOND: u32 = 480_000_000;
    const CLOCK: &'static str = "computed at one a cycle for the 480 MHz of an STM32H743";

    #[inline]
    fn ticks() -> u32 {
        Fpgaio::Mps2.counter()
    }
}
