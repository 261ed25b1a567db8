//! The program of the state machine of PIO that receives the camera's serial line.

use pio::{Program, RP2040_MAX_PROGRAM_SIZE, pio_asm};

/// Returns the program: it takes one bit at each rising edge of PCLK (GPIO7) while
/// HREF (GPIO8, the pin of `jmp`) is high, from one rise of VSYNC (GPIO9) to its
/// fall, and then waits to be started once more. The pins of `in` start at D0
/// (GPIO6).
///
/// Two cycles after PCLK has fallen HREF is looked at, which may fall as late:
/// without them a camera whose PCLK rests between lines would not be seen to end
/// its frame.
pub(crate) fn serial_line() -> Program<RP2040_MAX_PROGRAM_SIZE> {
    let program = pio_asm!(
        "    wait 0 gpio 9",
        "    wait 1 gpio 9",
        "between:",
        "    jmp pin line",
        "    mov osr, pins",
        "    out null, 3",
        "    out y, 1",
        "    jmp y-- between",
        "    irq wait 0",
        "line:",
        "    wait 1 gpio 7",
        "    jmp pin bit",
        "    jmp between",
        "bit:",
        "    in pins, 1",
        "    wait 0 gpio 7 [2]",
        "    jmp pin line",
        "    jmp between",
    );
    program.program
}
