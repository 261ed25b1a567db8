//! What a program takes of a board's memory, read from its file.

use std::ops::Range;

use anyhow::{Context, Result};
use object::{Object, ObjectSegment, ObjectSymbol};

/// What a program takes of a board's memory, and what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of flash: code, constants and initial values.
    pub flash_bytes: u64,
    pub flash_len: u64,
    pub ram_bytes: u64,
    pub ram_len: u64,
    /// Bytes of RAM that remain for the stack.
    pub stack_room: u64,
    /// Addresses of the model partition, as the program reads it.
    pub model: Range<u64>,
    /// Where the model partition lies in flash: there too, unless the chip maps
    /// flash to other addresses.
    pub model_in_flash: u64,
}

impl Usage {
    /// Reads it from a program, with symbols of the board's linker script.
    pub fn read(elf: &[u8]) -> Result<Self> {
        let file = object::File::parse(elf)?;
        let find = |name| {
            let symbol = file.symbols().find(|symbol| symbol.name() == Ok(name));
            symbol.map(|symbol| symbol.address())
        };
        let address = |name| {
            find(name)
                .with_context(|| format!("it has no symbol {name}: is it an example for a board?"))
        };
        let range = |start, end| Ok::<_, anyhow::Error>(address(start)?..address(end)?);
        let len = |range: &Range<u64>| range.end.saturating_sub(range.start);

        let flash = range("_flash_start", "_flash_end")?;
        let ram = range("_ram_start", "_ram_end")?;
        let model = range("_model_start", "_model_end")?;
        let stack = address(if find("__estack").is_some() { "__estack" } else { "_stack_end" })?
            ..address("_stack_start")?;
        let segments = file.segments().map(|segment| segment.file_range().1);
        Ok(Self {
            flash_bytes: segments.sum(),
            flash_len: len(&flash),
            ram_bytes: stack.start.saturating_sub(ram.start),
            ram_len: len(&ram),
            stack_room: len(&stack),
            model_in_flash: find("_model_in_flash").unwrap_or(model.start),
            model,
        })
    }
}
