//! Arm's MPS2 board with image AN386: a Cortex-M4F, as QEMU's `mps2-an386`
//! emulates it.
#![no_std]

use emulated::{Emulated, Machine};
use lcl_infer::memory_len;
use shared::Program;
use static_cell::ConstStaticCell;

/// The board.
#[derive(Debug)]
pub struct Mps2An386;

impl Machine for Mps2An386 {
    const NAME: &'static str = "mps2-an386";
    const MAX_WIDTH: usize = 224;

    #[inline]
    #[expect(unsafe_code, reason = "reads a register")]
    fn ticks() -> u32 {
        const FPGAIO_COUNTER: *const u32 = core::ptr::without_provenance(0x4002_8018);
        // SAFETY: the address is that of a register that may be read at any
        // time and has no side effect.
        unsafe { FPGAIO_COUNTER.read_volatile() }
    }
}

#[repr(align(16))]
struct Memory([u8; memory_len(Mps2An386::MAX_WIDTH)]);

static MEMORY: ConstStaticCell<Memory> =
    ConstStaticCell::new(Memory([0; memory_len(Mps2An386::MAX_WIDTH)]));

/// Runs `program` and ends the emulator with its status.
pub fn run(program: Program<Emulated<Mps2An386>>) -> ! {
    let Memory(memory) = MEMORY.take();
    emulated::run(memory, program)
}
