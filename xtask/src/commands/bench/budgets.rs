//! What each board may take: firmware-examples/budgets.txt.
//!
//! A figure that gets worse is a regression; one that gets better is to be
//! lowered in the file, so that it cannot creep back.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{fmt, fs};

use anyhow::{Context, Result, bail};

use super::measure::Measured;
use crate::project;

/// Start of the file.
const HEAD: &str = "\
# What one image of that size may take on each board. `cargo xtask bench --check` holds measurements
# against it and `cargo xtask bench --update` writes it. Flash is the example `bench` with the blob.
";

/// What the compiler's line starts with.
const COMPILER: &str = "compiler: ";

const COLUMNS: &str = "board         size  instructions  ram_bytes  flash_bytes  stack_bytes";

/// Wider slack for another compiler than the file's, whose code differs.
const OTHER_COMPILER: u64 = 30;

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budgets {
    compiler: String,
    rows: Vec<Row>,
}

/// One image size on one board.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    board: String,
    size: u64,
    /// In the order of [`FIGURES`].
    figures: [u64; FIGURES.len()],
}

/// A figure, and how far a measurement may be from it.
struct Figure {
    name: &'static str,
    /// In thousandths of the budget.
    relative_slack: u64,
    /// In addition.
    slack: u64,
}

const FIGURES: [Figure; 4] = [
    Figure { name: "instructions", relative_slack: 2, slack: 0 },
    Figure { name: "bytes of RAM", relative_slack: 0, slack: 0 },
    // Paths of source files, which panics name, are in it.
    Figure { name: "bytes of flash", relative_slack: 0, slack: 512 },
    Figure { name: "bytes of stack", relative_slack: 0, slack: 64 },
];

/// A measurement that is not as the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    board: String,
    size: u64,
    name: &'static str,
    budget: u64,
    got: u64,
}

impl Budgets {
    /// Reads the file.
    pub fn read() -> Result<Self> {
        let path = path();
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Writes the file.
    pub fn write(&self) -> Result<()> {
        let path = path();
        fs::write(&path, self.to_string())
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Takes the measurements of those boards and sizes over. All rows of the
    /// file are of one compiler.
    pub fn replace(&mut self, measured: &[Measured]) -> Result<()> {
        let new = rows(measured);
        for measured in measured {
            let stays = |old: &Row| !new.iter().any(|new| old.is_for(new));
            if measured.compiler != self.compiler && self.rows.iter().any(stays) {
                bail!(
                    "the budgets are of {} and this is {}: run `cargo xtask bench --update` for \
                     every board and size",
                    self.compiler,
                    measured.compiler
                );
            }
        }
        for row in new {
            match self.rows.iter_mut().find(|old| old.is_for(&row)) {
                Some(old) => *old = row,
                None => self.rows.push(row),
            }
        }
        if let Some(first) = measured.first() {
            self.compiler.clone_from(&first.compiler);
        }
        Ok(())
    }

    /// Returns an error where a measurement is not as the file says, or is
    /// missing: of `size`, or of every size.
    pub fn check(&self, measured: &[Measured], size: Option<u32>) -> Result<()> {
        let others = measured.iter().any(|measured| measured.compiler != self.compiler);
        let got = rows(measured);
        let missing: Vec<String> = self.missing(measured, &got, size).collect();
        let findings = self.findings(got, if others { OTHER_COMPILER } else { 1 })?;
        if findings.is_empty() && missing.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        for missing in &missing {
            writeln!(text, "  {missing}")?;
        }
        for finding in &findings {
            writeln!(text, "  {finding}")?;
        }
        if others {
            writeln!(text, "  (the budgets are of {})", self.compiler)?;
        }
        bail!(
            "not as the budgets say:\n{text}where it is worse, find out why; where it is better or \
             has a reason, run `cargo xtask bench --update` and commit the file"
        );
    }

    /// Returns the rows of those boards that nothing was measured for: a check of
    /// no figure holds nothing.
    fn missing(
        &self,
        measured: &[Measured],
        got: &[Row],
        size: Option<u32>,
    ) -> impl Iterator<Item = String> {
        let boards: Vec<&str> = measured.iter().map(|measured| measured.board.name).collect();
        let wanted = move |row: &&Row| {
            boards.contains(&row.board.as_str())
                && size.is_none_or(|size| row.size == u64::from(size))
                && !got.iter().any(|got| got.is_for(row))
        };
        let missing = self.rows.iter().filter(wanted);
        missing.map(|row| format!("{} at {}: nothing was measured", row.board, row.size))
    }

    fn findings(&self, rows: Vec<Row>, slack: u64) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for row in rows {
            let Some(budget) = self.rows.iter().find(|budget| budget.is_for(&row)) else {
                bail!(
                    "there is no budget for {} at {}: run `cargo xtask bench --update --board {}`",
                    row.board,
                    row.size,
                    row.board
                );
            };
            let pairs = budget.figures.into_iter().zip(row.figures).zip(FIGURES);
            let outside = pairs.filter(|((budget, got), figure)| {
                let allowed = slack * (figure.slack + budget * figure.relative_slack / 1000);
                budget.abs_diff(*got) > allowed
            });
            findings.extend(outside.map(|((budget, got), figure)| Finding {
                board: row.board.clone(),
                size: row.size,
                name: figure.name,
                budget,
                got,
            }));
        }
        Ok(findings)
    }

    fn parse(text: &str) -> Result<Self> {
        let mut budgets = Self::default();
        for line in text.lines() {
            if let Some(compiler) = line.strip_prefix(COMPILER) {
                compiler.clone_into(&mut budgets.compiler);
            } else if !line.is_empty() && !line.starts_with('#') && line != COLUMNS {
                let row = Row::parse(line).with_context(|| format!("it has the line `{line}`"));
                budgets.rows.push(row?);
            }
        }
        Ok(budgets)
    }
}

impl fmt::Display for Budgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}{COMPILER}{}\n\n{COLUMNS}", self.compiler)?;
        for Row { board, size, figures: [instructions, ram, flash, stack] } in &self.rows {
            writeln!(
                f,
                "{board:<13} {size:>4}  {instructions:>12}  {ram:>9}  {flash:>11}  {stack:>11}"
            )?;
        }
        Ok(())
    }
}

impl Row {
    fn is_for(&self, other: &Self) -> bool {
        (&self.board, self.size) == (&other.board, other.size)
    }

    fn parse(line: &str) -> Result<Self> {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [board, size, instructions, ram, flash, stack] = fields[..] else {
            bail!("a row has six columns and this one {}", fields.len());
        };
        let number =
            |text: &str| text.parse().with_context(|| format!("`{text}` is to be a number"));
        Ok(Self {
            board: board.to_owned(),
            size: number(size)?,
            figures: [number(instructions)?, number(ram)?, number(flash)?, number(stack)?],
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { board, size, name, budget, got } = self;
        let verdict = if got > budget { "worse than" } else { "better than" };
        write!(f, "{board} at {size}: {got} {name}, {verdict} its budget of {budget}")
    }
}

/// Returns the deepest stack that the file has for a board, in bytes.
pub fn deepest_stack(board: &str) -> Result<u64> {
    let budgets = Budgets::read()?;
    let rows = budgets.rows.iter().filter(|row| row.board == board);
    let deepest = rows.map(|Row { figures: [.., stack], .. }| *stack).max();
    deepest.with_context(|| format!("firmware-examples/budgets.txt has no row of {board}"))
}

fn path() -> PathBuf {
    project::firmware().join("budgets.txt")
}

/// Returns the totals, as rows of the file.
fn rows(measured: &[Measured]) -> Vec<Row> {
    let rows = measured.iter().flat_map(|measured| {
        measured.lines.iter().filter_map(|line| {
            let memory = line.memory?;
            let figures =
                [line.instructions, memory.ram_bytes, memory.flash_bytes, memory.stack_bytes];
            Some(Row { board: measured.board.name.to_owned(), size: line.size, figures })
        })
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::super::line::{Line, Memory};
    use super::*;
    use crate::boards::{self, BOARDS};

    fn budgets() -> Budgets {
        let row = |board: &str, size| Row {
            board: board.to_owned(),
            size,
            figures: [1_000_000, 500, 400_000, 3_000],
        };
        Budgets {
            compiler: "rustc 1.96.0".to_owned(),
            rows: vec![row("mps2-an385", 48), row("mps2-an386", 48)],
        }
    }

    fn measured(instructions: u64, ram_bytes: u64, stack_bytes: u64) -> Measured {
        let memory = Memory { ram_bytes, flash_bytes: 400_000, stack_bytes };
        let total = Line {
            size: 48,
            stage: 0,
            op: "total".to_owned(),
            instructions,
            macs: 1,
            memory: Some(memory),
        };
        let other = Line { op: "other".to_owned(), memory: None, ..total.clone() };
        Measured {
            board: &BOARDS[0],
            compiler: budgets().compiler,
            lines: vec![other, total],
            baselines: Vec::new(),
        }
    }

    #[track_caller]
    fn check(measured: Measured, expected: Option<&str>) {
        match (budgets().check(&[measured], None), expected) {
            (Ok(()), None) => {}
            (Err(error), Some(expected)) => {
                let error = error.to_string();
                assert!(error.contains(expected) && error.contains("--update"), "{error}");
            }
            (result, expected) => panic!("{result:?}, {expected:?}"),
        }
    }

    #[test]
    fn figures_are_held_in_both_directions() {
        check(measured(1_000_000, 500, 3_000), None);
        check(measured(1_002_000, 500, 3_064), None);
        check(measured(1_002_001, 500, 3_000), Some("1002001 instructions, worse than"));
        check(measured(997_999, 500, 3_000), Some("997999 instructions, better than"));
        check(measured(1_000_000, 501, 3_000), Some("501 bytes of RAM, worse than"));
        check(measured(1_000_000, 499, 3_000), Some("499 bytes of RAM, better than"));
        check(measured(1_000_000, 500, 3_065), Some("3065 bytes of stack, worse than"));
    }

    #[test]
    fn another_compiler_has_more_slack_where_code_differs() {
        let other = |instructions, ram_bytes| Measured {
            compiler: "rustc 1.85.0".to_owned(),
            ..measured(instructions, ram_bytes, 3_000)
        };
        check(other(1_060_000, 500), None);
        check(other(1_060_001, 500), Some("of rustc 1.96.0"));
        check(other(1_000_000, 501), Some("bytes of RAM"));
    }

    #[test]
    fn a_size_without_a_budget_is_an_error() {
        let mut budgets = budgets();
        budgets.rows.remove(0);
        let error =
            budgets.check(&[measured(1, 1, 1)], None).expect_err("there is none").to_string();
        assert!(error.contains("--update --board mps2-an385"), "{error}");
    }

    #[test]
    fn a_budget_that_nothing_was_measured_for_is_an_error() {
        let mut budgets = budgets();
        budgets.rows.push(Row { size: 96, ..budgets.rows[0].clone() });
        let sound = measured(1_000_000, 500, 3_000);
        assert!(budgets.check(&[sound], Some(48)).is_ok());
        let silent = Measured { lines: Vec::new(), ..measured(1, 1, 1) };
        for (measured, expected) in [
            (measured(1_000_000, 500, 3_000), "mps2-an385 at 96: nothing was measured"),
            (silent, "mps2-an385 at 48: nothing was measured"),
        ] {
            let error =
                budgets.check(&[measured], None).expect_err("a figure is missing").to_string();
            assert!(error.contains(expected) && !error.contains("mps2-an386"), "{error}");
        }
    }

    #[test]
    fn the_file_is_read_as_it_is_written() {
        let mut budgets = budgets();
        assert_eq!(Budgets::parse(&budgets.to_string()).ok(), Some(budgets.clone()));
        budgets.replace(&[measured(5, 6, 7)]).expect("the compiler is the same");
        assert_eq!(budgets.rows[0].figures, [5, 6, 400_000, 7]);
        assert_eq!(budgets.rows[1], self::budgets().rows[1]);
        assert!(Budgets::parse("mps2-an385 48 1 2 3").is_err());
    }

    #[test]
    fn rows_of_two_compilers_are_refused() {
        let other = Measured { compiler: "rustc 1.85.0".to_owned(), ..measured(5, 6, 7) };
        let mut budgets = budgets();
        let error = budgets.replace(&[other]).expect_err("one row stays").to_string();
        assert!(error.contains("1.96.0") && error.contains("1.85.0"), "{error}");
        assert_eq!(budgets, self::budgets());
    }

    #[test]
    fn every_board_has_budgets() {
        let budgets = Budgets::read().expect("the file is there");
        for board in boards::emulated() {
            let of_board = budgets.rows.iter().filter(|row| row.board == board.name);
            assert_eq!(of_board.count(), 3, "{}", board.name);
        }
    }
}
