//! Arm's MPS2 board with image AN505: a Cortex-M33, as QEMU's `mps2-an505`
//! emulates it.
#![no_std]

use emulated::{Emulated, Fpgaio, Machine};

pub use emulated::{entry, run};

/// The board, as programs have it.
pub type Board = Emulated<Mps2An505>;

/// What sets it apart.
#[derive(Debug)]
pub struct Mps2An505;

impl Machine for Mps2An505 {
    const NAME: &'static str = "mps2-an505";
    const MAX_WIDTH: usize = 224;
    const INSTRUCTIONS_PER_SECOND: u32 = 160_000_000;
    const CLOCK: &'static str = "computed at one a cycle for the 160 MHz of an STM32U585";

    #[inline]
    fn ticks() -> u32 {
        Fpgaio::Mps2Secure.counter()
    }
}
