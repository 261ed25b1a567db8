//! States the board's memory.

use layout::{Layout, Region};

/// The start of the AXI SRAM, which the camera's DMA reaches: `src/lib.rs` keeps
/// these 64 KiB from being cached. Nothing is loaded there.
const CAMERA: &str = "
MEMORY { CAMERA : ORIGIN = 0x24000000, LENGTH = 64K }
SECTIONS { .camera (NOLOAD) : ALIGN(4) { *(.camera) } > CAMERA } INSERT AFTER .got;
";

fn main() -> std::io::Result<()> {
    Layout {
        // The two banks of flash, so that a model is written while no program
        // is erased.
        flash: Region { origin: 0x0800_0000, length: 0x10_0000 },
        model: Region { origin: 0x0810_0000, length: 0x10_0000 },
        // Tightly coupled: no wait states, and no cache to keep coherent with
        // a probe. It is too small for the example `kernels`.
        ram: Region { origin: 0x2000_0000, length: 0x2_0000 },
    }
    .emit_with(CAMERA)
}
