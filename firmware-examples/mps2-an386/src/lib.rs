//! Arm's MPS2 board with image AN386: a Cortex-M4F, as QEMU's `mps2-an386`
//! emulates it.
#![no_std]

use emulated::{Emulated, Fpgaio, Machine};

pub use emulated::{entry, run};

/// The board, as programs have it.
pub type Board = Emulated<Mps2An386>;

/// What sets it apart.
#[derive(Debug)]
pub struct Mps2An386;

impl Machine for Mps2An386 {
    const NAME: &'static str = "mps2-an386";
    const MAX_WIDTH: usize = 224;
    const INSTRUCTIONS_PER_SECOND: u32 = 168_000_000;
    const CLOCK: &'static str = "computed at one a cycle for the 168 MHz of an STM32F407";

    #[inline]
    fn ticks() -> u32 {
        Fpgaio::Mps2.counter()
    }
}
