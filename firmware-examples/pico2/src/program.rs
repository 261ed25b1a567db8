//! The program of the state machine of PIO that receives the camera's serial line.

use pio::{Program, RP2040_MAX_PROGRAM_SIZE, pio_asm};

/// Returns the program: it takes as many bits of each line as register X says, less
/// one, each at a rising edge of PCLK (GPIO7), from one rise of VSYNC (GPIO9) to its
/// fall, and then waits to be started once more, with flag 0. A line in which HREF
/// (GPIO8, the pin of `jmp`) is low at a bit is shorter, one in which it is still high
/// after the last bit is longer, or the one before was shorter and its clock rested:
/// the program stops there, with flag 1.
///
/// The pins of `in` are the four from D0 (GPIO6) on. `mov pc, pins` goes to the one of
/// the first sixteen instructions that their levels say, so that a line is seen one
/// cycle after HREF rises: a bit may be as short as six cycles, 24 MHz at 150 MHz of
/// PIO. HREF is looked at four cycles after the last fall of PCLK.
pub(crate) fn serial_line() -> Program<RP2040_MAX_PROGRAM_SIZE> {
    let program = pio_asm!(
        ".origin 0",
        // VSYNC is low: the frame is over.
        "    irq wait 0",
        "    irq wait 0",
        "    irq wait 0",
        "    irq wait 0",
        "    irq wait 0",
        "    irq wait 0",
        "    irq wait 0",
        "    irq wait 0",
        // HREF is low: between lines.
        "    mov pc, pins",
        "    mov pc, pins",
        "    mov pc, pins",
        "    mov pc, pins",
        // Both are high.
        "    jmp bit",
        "    jmp bit",
        "    jmp bit",
        "    jmp bit",
        "public start:",
        "    wait 0 gpio 9",
        "    wait 1 gpio 9",
        "line:",
        "    mov y, x",
        "    mov pc, pins",
        "bit:",
        "    wait 1 gpio 7",
        "    in pins, 1",
        "    jmp pin inside",
        "    jmp slipped",
        "inside:",
        "    wait 0 gpio 7",
        "    jmp y-- bit",
        "    nop [2]",
        "    jmp pin slipped",
        "    jmp line",
        "slipped:",
        "    irq wait 1",
    );
    program.program
}

/// Instruction that the program starts at.
pub(crate) const START: u8 = 16;
