//! The instructions, RAM, flash and stack that each emulated board may take:
//! firmware-examples/budgets.txt.

use anyhow::{Context, Result};

use super::measure::Measured;
use crate::commands::figures::{Figure, File, Row, Rows};
use crate::firmware::Layout;

/// The file. Paths of source files, which panics name, are in the flash.
pub static BUDGETS: File = File {
    name: "budgets.txt",
    head: "\
# What one image of that size may take on each board. `cargo xtask bench --check` holds measurements
# against it and `cargo xtask bench --update` writes it. Flash is the example `bench` with the blob.
",
    columns: "board              size  instructions  ram_bytes  flash_bytes  stack_bytes",
    between: "at",
    figures: &[
        Figure { name: "instructions", relative: [2, 60], slack: [0, 0] },
        Figure { name: "bytes of RAM", relative: [0, 0], slack: [0, 0] },
        Figure { name: "bytes of flash", relative: [0, 0], slack: [512, 15_360] },
        Figure { name: "bytes of stack", relative: [0, 0], slack: [64, 1_920] },
    ],
    update: "cargo xtask bench --update",
};

/// Returns what a board is called in a row of a layout.
fn key(board: &str, layout: Layout) -> String {
    match layout {
        Layout::Small => board.to_owned(),
        Layout::Fast => format!("{board}/{}", layout.name()),
    }
}

/// Returns the totals, as rows of the file.
pub fn of(measured: &[Measured], layout: Layout) -> Rows {
    let rows = measured.iter().flat_map(|measured| {
        measured.lines.iter().filter_map(|line| {
            let memory = line.memory?;
            let keys = [key(&measured.board.name, layout), line.size.to_string()];
            let (ram, flash) = (memory.ram_bytes, memory.flash_bytes);
            Some(Row { keys, figures: vec![line.instructions, ram, flash, memory.stack_bytes] })
        })
    });
    let rows = rows.collect();
    let compiler = measured.first().map(|measured| measured.compiler.clone()).unwrap_or_default();
    Rows { file: &BUDGETS, compiler, all: rows }
}

/// Returns an error if a measurement of those boards is not as the file says, or is
/// missing: of `size`, or of every size.
pub fn check(measured: &[Measured], layout: Layout, size: Option<u32>) -> Result<()> {
    BUDGETS.read()?.check(&of(measured, layout), |row| {
        let [board, of_size] = &row.keys;
        measured.iter().any(|measured| key(&measured.board.name, layout) == *board)
            && size.is_none_or(|size| size.to_string() == *of_size)
    })
}

/// Returns the instructions that the file has for an image of that side on a board, and of which
/// compiler they are.
pub fn instructions(board: &str, side: u64) -> Result<(u64, String)> {
    let budgets = BUDGETS.read()?;
    let keys = [board.to_owned(), side.to_string()];
    let row = budgets.all.iter().find(|row| row.keys == keys);
    let instructions = row.and_then(|row| row.figures.first().copied());
    let instructions =
        instructions.with_context(|| format!("firmware-examples/budgets.txt has no {board}"))?;
    Ok((instructions, budgets.compiler))
}

/// Returns the deepest stack that the file has for a board, in bytes.
pub fn deepest_stack(board: &str) -> Result<u64> {
    let budgets = BUDGETS.read()?;
    let rows = budgets.all.iter().filter(|row| row.keys[0] == board);
    let deepest = rows.filter_map(|row| row.figures.last().copied()).max();
    deepest.with_context(|| format!("firmware-examples/budgets.txt has no row of {board}"))
}

#[cfg(test)]
mod tests {
    use super::super::measure::tests::{line, measured, total};
    use super::*;
    use crate::{boards, project};

    #[test]
    fn totals_are_rows_and_no_size_of_a_board_may_be_missing() {
        let measured = [measured(vec![line(0, "other", 1, 0), total()])];
        let rows = of(&measured, Layout::Small);
        assert_eq!(rows.all.len(), 1);
        assert_eq!(rows.all[0].figures, [53_400_000, 5, 6, 7]);
        let error =
            check(&measured, Layout::Small, None).expect_err("two sizes are missing").to_string();
        assert!(error.contains("mps2-an386 at 48: it has a row and was not measured"), "{error}");
        assert!(!error.contains("mps2-an385"), "{error}");
        let error = check(&measured, Layout::Small, Some(96)).expect_err("it differs").to_string();
        assert!(error.contains("5 bytes of RAM, better") && !error.contains("at 48"), "{error}");
    }

    #[test]
    fn the_file_has_every_board() {
        let budgets = BUDGETS.read().expect("the file is there");
        let path = project::firmware().join(BUDGETS.name);
        assert_eq!(project::read(&path).ok(), Some(budgets.to_string()));
        for board in boards::emulated() {
            let of_board = budgets.all.iter().filter(|row| row.keys[0] == board.name);
            assert_eq!(of_board.count(), 3, "{}", board.name);
        }
    }
}
