//! States the board's memory.

use layout::{Layout, Region};

/// The memory of the example `kernels`, for which tightly coupled RAM is too
/// small, goes into the AXI SRAM: `src/axi_sram.rs` clears it at the start. The
/// pattern is its mangled name.
const KERNELS: &str = "
MEMORY { AXI_SRAM : ORIGIN = 0x24010000, LENGTH = 448K }
SECTIONS {
  .axi_sram (NOLOAD) : ALIGN(16) {
    _axi_sram_start = .;
    *(.bss.*6shared7kernels6MEMORY*)
    . = ALIGN(4);
    _axi_sram_end = .;
  } > AXI_SRAM
} INSERT BEFORE .bss;
";

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
        // a probe.
        ram: Region { origin: 0x2000_0000, length: 0x2_0000 },
    }
    .emit_with(&[KERNELS, CAMERA].concat())
}
