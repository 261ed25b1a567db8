//! Arm's MPS3 board with image AN547: a Cortex-M55, as QEMU's `mps3-an547`
//! emulates it.
#![no_std]

use emulated::{Emulated, Fpgaio, Machine};

pub use emulated::{entry, run};

/// The board, as programs have it.
pub type Board = Emulated<Mps3An547>;

/// What sets it apart.
#[derive(Debug)]
pub struct Mps3An547;

impl Machine for Mps3An547 {
    const NAME: &'static str = "mps3-an547";
    const MAX_WIDTH: usize = 224;
    const INSTRUCTIONS_PER_SECOND: u32 = 400_000_000;
    const CLOCK: &'static str = "computed at one a cycle for the 400 MHz of an Alif Ensemble E7";

    #[inline]
    fn ticks() -> u32 {
        Fpgaio::Mps3Secure.counter()
    }
}
