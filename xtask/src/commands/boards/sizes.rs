//! What programs take of real boards: firmware-examples/sizes.txt.
//!
//! As with the budgets of emulated boards, a figure that gets worse is a
//! regression, and one that gets better is to be lowered in the file.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{fmt, fs};

use anyhow::{Context, Result, bail};

use crate::commands::bench::deepest_stack;
use crate::firmware::Usage;
use crate::project;

/// Start of the file.
const HEAD: &str = "\
# What programs take of real boards, in bytes. `cargo xtask boards --check` builds them and holds them
# against it and `cargo xtask boards --update` writes it. Flash is the program with a full LCL-V2 blob,
# RAM are statics. Stack is not of the program: it is the deepest that `bench` took on the emulated board
# of the same core.
";

/// What the compiler's line starts with.
const COMPILER: &str = "compiler: ";

const COLUMNS: &str = "board          example    flash_bytes  ram_bytes  stack_bytes";

/// How far flash may be from the file: paths of source files are in it.
const FLASH_SLACK: u64 = 512;

/// How far the stack may be from the file.
const STACK_SLACK: u64 = 64;

/// Wider slack for another compiler than the file's, whose code differs.
const OTHER_COMPILER: u64 = 30;

/// Most flash that the example `features` may take with a full blob.
const FEATURES_FLASH_LIMIT: u64 = 400_000;

/// A program that was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// Board.
    pub board: &'static str,
    /// Example.
    pub example: &'static str,
    /// Emulated board of the same core.
    pub twin: &'static str,
    /// The compiler that built it.
    pub compiler: String,
    /// What it takes.
    pub usage: Usage,
    /// Length of a full blob, in bytes.
    pub model_len: u64,
}

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    compiler: String,
    rows: Vec<Row>,
}

/// One program on one board.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    board: String,
    example: String,
    /// Flash, RAM, stack, in bytes.
    figures: [u64; 3],
}

const NAMES: [&str; 3] = ["flash", "RAM", "stack"];

impl Sizes {
    /// Returns the sizes of programs, after checking that each fits its board.
    pub fn of(built: &[Built]) -> Result<Self> {
        let row = |built: &Built| {
            let stack_bytes = deepest_stack(built.twin)?;
            built.check_fits(stack_bytes)?;
            let figures =
                [built.usage.flash_bytes + built.model_len, built.usage.ram_bytes, stack_bytes];
            let (board, example) = (built.board.to_owned(), built.example.to_owned());
            Ok(Row { board, example, figures })
        };
        let rows = built.iter().map(row).collect::<Result<_>>()?;
        let compiler = built.first().map(|built| built.compiler.clone()).unwrap_or_default();
        Ok(Self { compiler, rows })
    }

    /// Reads the file.
    pub fn read() -> Result<Self> {
        let path = path();
        let context = || format!("cannot read {}", path.display());
        let text = fs::read_to_string(&path).with_context(context)?;
        Self::parse(&text).with_context(context)
    }

    /// Writes the file.
    pub fn write(&self) -> Result<()> {
        let path = path();
        fs::write(&path, self.to_string())
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Returns an error where a program does not fit or is not as the file
    /// says.
    pub fn check(&self, built: &[Built]) -> Result<()> {
        let got = Self::of(built)?;
        let slack = if got.compiler == self.compiler { 1 } else { OTHER_COMPILER };
        let mut text = String::new();
        for row in &got.rows {
            let Some(budget) = self.rows.iter().find(|budget| budget.is_for(row)) else {
                writeln!(text, "  {} on {} has no row", row.example, row.board)?;
                continue;
            };
            let allowed = [FLASH_SLACK * slack, STACK_SLACK * (slack - 1), STACK_SLACK * slack];
            let pairs = budget.figures.into_iter().zip(row.figures).zip(NAMES).zip(allowed);
            for (((budget, got), name), _) in
                pairs.filter(|(((budget, got), _), allowed)| budget.abs_diff(*got) > *allowed)
            {
                let verdict = if got > budget { "worse than" } else { "better than" };
                let Row { board, example, .. } = row;
                writeln!(
                    text,
                    "  {example} on {board}: {got} bytes of {name}, {verdict} its budget of {budget}"
                )?;
            }
        }
        for row in self.rows.iter().filter(|row| !got.rows.iter().any(|got| got.is_for(row))) {
            writeln!(text, "  {} on {} has a row and is no program", row.example, row.board)?;
        }
        if text.is_empty() {
            return Ok(());
        }
        if slack > 1 {
            writeln!(text, "  (the sizes are of {})", self.compiler)?;
        }
        bail!(
            "not as firmware-examples/sizes.txt says:\n{text}where it is worse, find out why; where \
             it is better or has a reason, run `cargo xtask boards --update` and commit the file"
        );
    }

    fn parse(text: &str) -> Result<Self> {
        let mut sizes = Self::default();
        for line in text.lines() {
            if let Some(compiler) = line.strip_prefix(COMPILER) {
                compiler.clone_into(&mut sizes.compiler);
            } else if !line.is_empty() && !line.starts_with('#') && line != COLUMNS {
                let row = Row::parse(line).with_context(|| format!("it has the line `{line}`"));
                sizes.rows.push(row?);
            }
        }
        Ok(sizes)
    }
}

impl Built {
    fn check_fits(&self, stack_bytes: u64) -> Result<()> {
        let Self { board, example, usage, model_len, .. } = self;
        let flash_bytes = usage.flash_bytes + model_len;
        if usage.flash_bytes > usage.flash_len {
            bail!(
                "{example} takes {} bytes of flash and {board} has {} for programs",
                usage.flash_bytes,
                usage.flash_len
            );
        }
        if *example == "features" && flash_bytes > FEATURES_FLASH_LIMIT {
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
        Ok(())
    }
}

impl Row {
    fn is_for(&self, other: &Self) -> bool {
        (&self.board, &self.example) == (&other.board, &other.example)
    }

    fn parse(line: &str) -> Result<Self> {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [board, example, flash, ram, stack] = fields[..] else {
            bail!("a row has five columns and this one {}", fields.len());
        };
        let number =
            |text: &str| text.parse().with_context(|| format!("`{text}` is to be a number"));
        let figures = [number(flash)?, number(ram)?, number(stack)?];
        Ok(Self { board: board.to_owned(), example: example.to_owned(), figures })
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}{COMPILER}{}\n\n{COLUMNS}", self.compiler)?;
        for Row { board, example, figures: [flash, ram, stack] } in &self.rows {
            writeln!(f, "{board:<14} {example:<9}  {flash:>11}  {ram:>9}  {stack:>11}")?;
        }
        Ok(())
    }
}

fn path() -> PathBuf {
    project::firmware().join("sizes.txt")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::{self, EXAMPLES};

    fn built(flash_bytes: u64, ram_bytes: u64) -> Built {
        let usage = Usage {
            flash_bytes,
            flash_len: 500_000,
            ram_bytes,
            ram_len: 70_000,
            stack_room: 70_000 - ram_bytes,
            model: 0..500_000,
            model_in_flash: 0,
        };
        Built {
            board: "nrf52840-dk",
            example: "features",
            twin: "mps2-an386",
            compiler: "rustc 1.95.0".to_owned(),
            usage,
            model_len: 330_000,
        }
    }

    #[track_caller]
    fn check(got: Built, expected: Option<&str>) {
        let sizes = Sizes::of(&[built(40_000, 60_000)]).expect("it fits");
        match (sizes.check(&[got]), expected) {
            (Ok(()), None) => {}
            (Err(error), Some(expected)) => {
                let error = error.to_string();
                assert!(error.contains(expected), "{error}");
            }
            (result, expected) => panic!("{result:?}, {expected:?}"),
        }
    }

    #[test]
    fn sizes_are_held_in_both_directions() {
        check(built(40_512, 60_000), None);
        check(built(40_513, 60_000), Some("370513 bytes of flash, worse than"));
        check(built(39_487, 60_000), Some("369487 bytes of flash, better than"));
        check(built(40_000, 60_004), Some("60004 bytes of RAM, worse than"));
        let other = Built { compiler: "rustc 1.85.0".to_owned(), ..built(50_000, 60_004) };
        check(other, None);
        let other = Built { example: "kernels", ..built(40_000, 60_000) };
        check(other.clone(), Some("has no row"));
        check(other, Some("features on nrf52840-dk has a row and is no program"));
    }

    #[test]
    fn what_does_not_fit_is_said_with_its_sizes() {
        check(built(600_000, 60_000), Some("600000 bytes of flash and nrf52840-dk has 500000"));
        check(built(70_001, 60_000), Some("takes 400001 bytes of flash on nrf52840-dk"));
        check(built(40_000, 69_000), Some("leaves 1000 bytes for the stack"));
    }

    #[test]
    fn the_file_is_read_as_it_is_written() {
        let sizes = Sizes::of(&[built(40_000, 60_000)]).expect("it fits");
        assert_eq!(Sizes::parse(&sizes.to_string()).ok(), Some(sizes));
        assert!(Sizes::parse("pico2 features 1 2").is_err());
    }

    #[test]
    fn every_program_of_a_real_board_has_a_row() {
        let sizes = Sizes::read().expect("the file is there");
        for (board, _) in boards::real() {
            for example in EXAMPLES.iter().filter(|example| board.has(example)) {
                let is_there = |row: &Row| row.board == board.name && row.example == example.name;
                assert!(sizes.rows.iter().any(is_there), "{} on {}", example.name, board.name);
            }
        }
    }
}
