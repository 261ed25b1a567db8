//! The flash, RAM and stack that programs take of real boards:
//! firmware-examples/sizes.txt.

use anyhow::{Result, bail};

use crate::commands::bench::deepest_stack;
use crate::commands::figures::{Figure, File, Row, Rows};
use crate::firmware::Usage;

/// The file. Paths of source files are in the flash.
pub static SIZES: File = File {
    name: "sizes.txt",
    head: "\
# What programs take of real boards, in bytes. `cargo xtask boards --check` builds them and holds them
# against it and `cargo xtask boards --update` writes it. Flash is the program with a full LCL-V2 blob,
# RAM are statics. Stack is not of the program: it is the deepest that `bench` took on the emulated board
# of the same core.
",
    columns: "board          example    flash_bytes  ram_bytes  stack_bytes",
    between: "with",
    figures: &[
        Figure { name: "bytes of flash", relative: [0, 0], slack: [512, 15_360] },
        Figure { name: "bytes of RAM", relative: [0, 0], slack: [0, 1_856] },
        Figure { name: "bytes of stack", relative: [0, 0], slack: [64, 1_920] },
    ],
    update: "cargo xtask boards --update",
};

/// Most flash that the example `features` may take with a full blob.
const FEATURES_FLASH_LIMIT: u64 = 400_000;

/// A program that was built.
#[derive(Clone, Debug)]
pub struct Built {
    pub board: String,
    pub example: String,
    pub twin: String,
    pub compiler: String,
    pub usage: Usage,
    pub model_len: u64,
}

/// Returns the sizes of programs, after checking that each fits its board.
pub fn of(built: &[Built]) -> Result<Rows> {
    let row = |built: &Built| {
        let stack_bytes = deepest_stack(&built.twin)?;
        let flash_bytes = built.fits(stack_bytes)?;
        let keys = [built.board.clone(), built.example.clone()];
        Ok(Row { keys, figures: vec![flash_bytes, built.usage.ram_bytes, stack_bytes] })
    };
    let rows = built.iter().map(row).collect::<Result<_>>()?;
    let compiler = built.first().map(|built| built.compiler.clone()).unwrap_or_default();
    Ok(Rows { file: &SIZES, compiler, all: rows })
}

impl Built {
    /// Returns the flash of the program and a full blob, in bytes.
    fn fits(&self, stack_bytes: u64) -> Result<u64> {
        let Self { board, example, usage, .. } = self;
        let flash_bytes = usage.flash_bytes + self.model_len;
        if usage.flash_bytes > usage.flash_len {
            bail!(
                "{example} takes {} bytes of flash and {board} has {} for programs",
                usage.flash_bytes,
                usage.flash_len
            );
        }
        if example == "features" && flash_bytes > FEATURES_FLASH_LIMIT {
            bail!(
                "{example} with a full blob takes {flash_bytes} bytes of flash on {board}: it is to \
                 take {FEATURES_FLASH_LIMIT} at most"
            );
        }
        if stack_bytes > usage.stack_room {
            bail!(
                "{example} leaves {} bytes for the stack on {board}, and {stack_bytes} were measured \
                 on {}",
                usage.stack_room,
                self.twin
            );
        }
        Ok(flash_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards;
    use crate::project;

    #[test]
    fn a_program_that_does_not_fit_is_said_with_its_sizes() {
        let check = |flash_bytes, ram_bytes: u64, expected: Option<&str>| {
            let usage = Usage {
                flash_bytes,
                flash_len: 500_000,
                ram_bytes,
                ram_len: 70_000,
                stack_room: 70_000 - ram_bytes,
                model: 0..500_000,
                model_in_flash: 0,
            };
            let [board, example, twin] =
                ["nrf52840-dk", "features", "mps2-an386"].map(str::to_owned);
            let compiler = "rustc 1.95.0".to_owned();
            let rows = of(&[Built { board, example, twin, compiler, usage, model_len: 330_000 }]);
            match expected {
                None => assert_eq!(rows.expect("it fits").all[0].figures[..2], [370_000, 60_000]),
                Some(expected) => {
                    let error = rows.expect_err("it does not fit").to_string();
                    assert!(error.contains(expected), "{error}");
                }
            }
        };
        check(40_000, 60_000, None);
        check(600_000, 60_000, Some("600000 bytes of flash and nrf52840-dk has 500000"));
        check(70_001, 60_000, Some("takes 400001 bytes of flash on nrf52840-dk"));
        check(40_000, 69_000, Some("leaves 1000 bytes for the stack"));
    }

    #[test]
    fn the_file_has_every_program_of_a_real_board() {
        let sizes = SIZES.read().expect("the file is there");
        let path = project::firmware().join(SIZES.name);
        assert_eq!(project::read(&path).ok(), Some(sizes.to_string()));
        for (board, _) in boards::real() {
            for example in boards::examples().filter(|example| board.has(example)) {
                let keys = [board.name.clone(), example.name.clone()];
                assert!(sizes.all.iter().any(|row| row.keys == keys), "{keys:?}");
            }
        }
    }
}
