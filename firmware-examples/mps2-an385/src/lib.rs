//! Arm's MPS2 board with image AN385: a Cortex-M3, as QEMU's `mps2-an385`
//! emulates it.
#![no_std]

use emulated::{Emulated, Fpgaio, Machine};

pub use emulated::{entry, run};

/// The board, as programs have it.
pub type Board = Emulated<Mps2An385>;

/// What sets it apart.
#[derive(Debug)]
pub struct Mps2An385;

impl Machine for Mps2An385 {
    const NAME: &'static str = "mps2-an385";
    const MAX_WIDTH: usize = 224;
    const INSTRUCTIONS_PER_SECOND: u32 = 120_000_000;
    const CLOCK: &'static str = "computed at one a cycle for the 120 MHz of an STM32F207";

    #[inline]
    fn ticks() -> u32 {
        Fpgaio::Mps2.counter()
    }
}
