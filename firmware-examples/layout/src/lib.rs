//! Where a board's memory lies, told to the linker.
//!
//! The build script of each board states three regions and calls
//! [`Layout::emit`]. Nothing of this crate reaches the firmware.

use std::path::Path;
use std::{env, fs, io};

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First address.
    pub origin: u32,
    /// Length in bytes.
    pub length: u32,
}

impl Region {
    const fn end(self) -> u64 {
        self.origin as u64 + self.length as u64
    }

    const fn overlaps(self, other: Self) -> bool {
        (self.origin as u64) < other.end() && (other.origin as u64) < self.end()
    }
}

/// The memory of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Flash of the program.
    pub flash: Region,
    /// Flash of the model partition: a blob is placed at its start, so that
    /// another blob never needs another build.
    pub model: Region,
    /// RAM.
    pub ram: Region,
}

/// Alignment of the model partition, which a blob is read in place from.
const MODEL_ALIGNMENT: u32 = 16;

/// Variable with the length in bytes of the blob that goes with the program:
/// where it is set, a program whose model partition is too small for the blob
/// does not link. `cargo xtask` sets it.
const MODEL_LEN: &str = "LCL_MODEL_LEN";

impl Layout {
    /// Writes `memory.x` into the output folder of a build script and passes
    /// the linker what a firmware needs.
    ///
    /// # Errors
    ///
    /// Returns an error where the regions overlap, the model partition is not
    /// aligned, `LCL_MODEL_LEN` is no number, or the file cannot be written.
    pub fn emit(self) -> io::Result<()> {
        self.emit_with("")
    }

    /// As [`Layout::emit`], with `sections` of a linker script that a chip asks
    /// for besides.
    ///
    /// # Errors
    ///
    /// As [`Layout::emit`].
    pub fn emit_with(self, sections: &str) -> io::Result<()> {
        self.check().map_err(io::Error::other)?;
        let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
        let script = self.memory_x(model_len()?) + sections;
        fs::write(Path::new(&out).join("memory.x"), script)?;
        println!("cargo:rustc-link-search={}", Path::new(&out).display());
        for argument in ["--nmagic", "-Tlink.x", "-Tdefmt.x"] {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
        println!("cargo:rerun-if-changed=build.rs");
        Ok(())
    }

    fn check(self) -> Result<(), &'static str> {
        if self.model.origin % MODEL_ALIGNMENT != 0 {
            return Err("the model partition is not aligned to 16 bytes");
        }
        let Self { flash, model, ram } = self;
        if flash.overlaps(model) || flash.overlaps(ram) || model.overlaps(ram) {
            return Err("two regions of memory overlap");
        }
        Ok(())
    }

    fn memory_x(self, model_len: Option<u64>) -> String {
        let line = |name: &str, region: Region| {
            format!("  {name} : ORIGIN = {:#010x}, LENGTH = {:#x}\n", region.origin, region.length)
        };
        // The names by which riscv-rt asks for memory.
        let alias = |(name, region)| format!("REGION_ALIAS(\"REGION_{name}\", {region});\n");
        let aliases = [
            ("TEXT", "FLASH"),
            ("RODATA", "FLASH"),
            ("DATA", "RAM"),
            ("BSS", "RAM"),
            ("HEAP", "RAM"),
            ("STACK", "RAM"),
        ]
        .map(alias);
        let regions = [line("FLASH", self.flash), line("MODEL", self.model), line("RAM", self.ram)];
        // Read from the program by xtask, which places the blob and says what
        // is left.
        let ends = [("flash", "FLASH"), ("model", "MODEL"), ("ram", "RAM")].map(|(name, region)| {
            format!(
                "_{name}_start = ORIGIN({region});\n_{name}_end = ORIGIN({region}) + LENGTH({region});\n"
            )
        });
        format!(
            "MEMORY\n{{\n{}}}\n{}{}{}",
            regions.concat(),
            ends.concat(),
            aliases.concat(),
            room_for_model(model_len, self.model)
        )
    }
}

/// The memory of a board whose chip reads flash through a memory management
/// unit, and whose HAL has a linker script of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MappedLayout {
    /// Flash of the program, from the start of flash.
    pub flash: Region,
    /// Flash of the model partition, from the start of flash.
    pub model: Region,
    /// Address that the program maps the model partition to.
    pub model_mapped_to: u32,
    /// RAM, as the HAL's linker script has it.
    pub ram: Region,
}

impl MappedLayout {
    /// Writes a linker script beside the HAL's and passes the linker what a
    /// firmware needs.
    ///
    /// # Errors
    ///
    /// Returns an error where the regions overlap, `LCL_MODEL_LEN` is no number,
    /// or the file cannot be written.
    pub fn emit(self) -> io::Result<()> {
        let Self { flash, model, .. } = self;
        if flash.overlaps(model) {
            return Err(io::Error::other("program and model partition overlap"));
        }
        let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
        fs::write(Path::new(&out).join("layout.x"), self.layout_x(model_len()?))?;
        println!("cargo:rustc-link-search={}", Path::new(&out).display());
        for argument in ["-Tlinkall.x", "-Tlayout.x", "-Tdefmt.x"] {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
        println!("cargo:rerun-if-changed=build.rs");
        Ok(())
    }

    fn layout_x(self, model_len: Option<u64>) -> String {
        let Self { flash, model, model_mapped_to, ram } = self;
        let mapped = Region { origin: model_mapped_to, length: model.length };
        let ends = [("flash", flash), ("model", mapped), ("ram", ram)].map(|(name, region)| {
            format!("_{name}_start = {:#x};\n_{name}_end = {:#x};\n", region.origin, region.end())
        });
        let sizes = IMAGE_SECTIONS.map(|section| format!("SIZEOF({section})")).join(" + ");
        format!(
            "{}_model_in_flash = {:#x};\n_text_start = ADDR(.text);\n\
             _text_end = ADDR(.text) + SIZEOF(.text);\n\
             ASSERT({sizes} + {IMAGE_PADDING:#x} <= {length:#x}, \"the program does not fit its \
             {length} bytes of flash, which the model partition follows\");\n{}",
            ends.concat(),
            model.origin,
            room_for_model(model_len, model),
            length = flash.length,
        )
    }
}

/// Sections that are in the image of a program of esp-hal.
const IMAGE_SECTIONS: [&str; 6] = [".rodata_desc", ".rodata", ".text", ".trap", ".rwtext", ".data"];

/// Most bytes that an image has besides: two segments begin at the offset in a
/// page of 64 KiB that they are mapped to, and headers and checksum are small.
const IMAGE_PADDING: u32 = 2 * 64 * 1024;

/// Returns the length of the blob, where the environment states it.
fn model_len() -> io::Result<Option<u64>> {
    println!("cargo:rerun-if-env-changed={MODEL_LEN}");
    let Some(text) = env::var_os(MODEL_LEN) else { return Ok(None) };
    let len = text.to_str().and_then(|text| text.parse().ok());
    let error = || io::Error::other(format!("{MODEL_LEN} is to be a number of bytes"));
    len.ok_or_else(error).map(Some)
}

/// Returns what lets the linker refuse a blob that its partition is too small
/// for.
fn room_for_model(model_len: Option<u64>, model: Region) -> String {
    let Some(len) = model_len else { return String::new() };
    let room = model.length;
    format!(
        "ASSERT({len} <= {room}, \"the model takes {len} bytes and the board's model partition has \
         {room}: take a smaller model\");\n"
    )
}

#[cfg(test)]
mod tests;
