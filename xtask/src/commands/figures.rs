//! Figures that a text file holds, a row for each: no measurement may be worse, nor
//! better, so that it cannot creep back.

use std::fmt::{self, Write as _};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::project;

/// The line that says of which compiler all rows are.
const COMPILER: &str = "compiler: ";

/// A file of `firmware-examples` with figures.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    pub name: &'static str,
    pub head: &'static str,
    /// Names of two keys and of the figures; columns end, or names begin, where these do.
    pub columns: &'static str,
    /// The word between the two keys, for people.
    pub between: &'static str,
    pub figures: &'static [Figure],
    pub update: &'static str,
}

/// A figure, and how far a measurement may be from it, with the compiler of the file
/// and with another, whose code differs.
#[derive(Debug, PartialEq, Eq)]
pub struct Figure {
    pub name: &'static str,
    pub relative: [u64; 2],
    pub slack: [u64; 2],
}

/// The rows of a file, or measurements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    pub file: &'static File,
    pub compiler: String,
    pub all: Vec<Row>,
}

/// The figures of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub keys: [String; 2],
    /// The figures, in the order of the file.
    pub figures: Vec<u64>,
}

impl File {
    pub fn read(&'static self) -> Result<Rows> {
        let path = self.path();
        self.parse(&project::read(&path)?)
            .with_context(|| format!("cannot read {}", path.display()))
    }

    pub fn parse(&'static self, text: &str) -> Result<Rows> {
        let mut rows = Rows { file: self, compiler: String::new(), all: Vec::new() };
        for line in text.lines() {
            if let Some(compiler) = line.strip_prefix(COMPILER) {
                compiler.clone_into(&mut rows.compiler);
            } else if !line.is_empty() && !line.starts_with('#') && line != self.columns {
                let mut words = line.split_whitespace().map(str::to_owned);
                let keys = [words.next(), words.next()].map(Option::unwrap_or_default);
                let figures: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
                let count = 2 + figures.len();
                if count != line.split_whitespace().count() || figures.len() != self.figures.len() {
                    bail!("it has the line `{line}`, which is no row of `{}`", self.columns);
                }
                rows.all.push(Row { keys, figures });
            }
        }
        Ok(rows)
    }

    fn path(&self) -> PathBuf {
        project::firmware().join(self.name)
    }

    fn named(&self, row: &Row) -> String {
        let [one, other] = &row.keys;
        format!("{one} {} {other}", self.between)
    }
}

impl Rows {
    pub fn write(&self) -> Result<()> {
        let path = self.file.path();
        fs::write(&path, self.to_string())
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Takes measurements over. All rows of a file are of one compiler.
    pub fn replace(&mut self, new: Self) -> Result<()> {
        let stays = |old: &Row| !new.all.iter().any(|row| row.keys == old.keys);
        if new.compiler != self.compiler && self.all.iter().any(stays) {
            bail!(
                "{} is of {} and this is {}: run `{}` for every board and size",
                self.file.name,
                self.compiler,
                new.compiler,
                self.file.update
            );
        }
        for row in new.all {
            match self.all.iter_mut().find(|old| old.keys == row.keys) {
                Some(old) => *old = row,
                None => self.all.push(row),
            }
        }
        self.compiler = new.compiler;
        Ok(())
    }

    /// Returns an error if a measurement is not as the file says, if it has no row, or
    /// if a `wanted` row was not measured: a check of no figure holds nothing.
    pub fn check(&self, got: &Self, wanted: impl Fn(&Row) -> bool) -> Result<()> {
        let other = usize::from(got.compiler != self.compiler);
        let mut text = String::new();
        let file = self.file;
        for row in &got.all {
            let named = file.named(row);
            let Some(budget) = self.all.iter().find(|budget| budget.keys == row.keys) else {
                writeln!(text, "  {named}: it has no row")?;
                continue;
            };
            let pairs = budget.figures.iter().zip(&row.figures).zip(file.figures);
            for ((&budget, &got), Figure { name, relative, slack }) in pairs {
                if budget.abs_diff(got) > slack[other] + budget * relative[other] / 1000 {
                    let verdict = if got > budget { "worse" } else { "better" };
                    writeln!(
                        text,
                        "  {named}: {got} {name}, {verdict} than its budget of {budget}"
                    )?;
                }
            }
        }
        let measured = |row: &Row| got.all.iter().any(|got| got.keys == row.keys);
        for row in self.all.iter().filter(|row| wanted(row) && !measured(row)) {
            writeln!(text, "  {}: it has a row and was not measured", file.named(row))?;
        }
        if text.is_empty() {
            return Ok(());
        }
        if other > 0 {
            writeln!(text, "  (the figures are of {})", self.compiler)?;
        }
        bail!(
            "not as firmware-examples/{} says:\n{text}where it is worse, find out why; where it is \
             better or has a reason, run `{}` and commit the file",
            file.name,
            file.update
        );
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let File { head, columns, .. } = self.file;
        writeln!(f, "{head}{COMPILER}{}\n\n{columns}", self.compiler)?;
        for row in &self.all {
            let mut line = String::new();
            let values = row.keys.iter().cloned().chain(row.figures.iter().map(u64::to_string));
            let mut end = 0;
            for (value, column) in values.zip(columns.split_whitespace()) {
                let start = end + columns[end..].find(column).unwrap_or(0);
                end = start + column.len();
                let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
                let at = if is_number { end - value.len().min(end) } else { start };
                line += &" ".repeat(at.saturating_sub(line.len()));
                line += &value;
            }
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static FILE: File = File {
        name: "f.txt",
        head: "# Head.\n",
        columns: "board         size  instructions  ram_bytes  flash_bytes",
        between: "at",
        figures: &[
            Figure { name: "instructions", relative: [2, 60], slack: [0, 0] },
            Figure { name: "bytes of RAM", relative: [0, 0], slack: [0, 0] },
            Figure { name: "bytes of flash", relative: [0, 0], slack: [512, 9_999] },
        ],
        update: "cargo xtask update",
    };

    fn rows(compiler: &str, sizes: &[u64], figures: [u64; 3]) -> Rows {
        let row = |size: &u64| Row {
            keys: ["mps2-an385".to_owned(), size.to_string()],
            figures: figures.to_vec(),
        };
        let rows = sizes.iter().map(row).collect();
        Rows { file: &FILE, compiler: compiler.to_owned(), all: rows }
    }

    fn held() -> Rows {
        rows("rustc 1.96.0", &[48, 96], [1_000_000, 500, 40_000])
    }

    #[track_caller]
    fn check(got: &Rows, expected: Option<&str>) {
        match (held().check(got, |row| row.keys[1] == "48"), expected) {
            (Ok(()), None) => {}
            (Err(error), Some(expected)) => {
                let error = error.to_string();
                assert!(error.contains(expected) && error.contains("xtask update"), "{error}");
            }
            (result, expected) => panic!("{result:?}, {expected:?}"),
        }
    }

    #[test]
    fn figures_are_held_in_both_directions_and_wider_for_another_compiler() {
        let same = |figures| rows("rustc 1.96.0", &[48], figures);
        check(&same([1_002_000, 500, 40_512]), None);
        check(
            &same([1_002_001, 500, 40_000]),
            Some("mps2-an385 at 48: 1002001 instructions, worse"),
        );
        check(&same([997_999, 500, 40_000]), Some("997999 instructions, better than its budget"));
        check(&same([1_000_000, 501, 40_000]), Some("501 bytes of RAM, worse"));
        check(&same([1_000_000, 499, 40_000]), Some("499 bytes of RAM, better"));
        check(&same([1_000_000, 500, 40_513]), Some("40513 bytes of flash, worse"));
        let other = |figures| rows("rustc 1.85.0", &[48], figures);
        check(&other([1_060_000, 500, 49_999]), None);
        check(&other([1_060_001, 500, 40_000]), Some("of rustc 1.96.0"));
        check(&other([1_000_000, 501, 40_000]), Some("501 bytes of RAM"));
    }

    #[test]
    fn a_row_on_one_side_alone_is_an_error() {
        let figures = [1_000_000, 500, 40_000];
        check(&rows("rustc 1.96.0", &[48, 224], figures), Some("at 224: it has no row"));
        check(
            &rows("rustc 1.96.0", &[96], figures),
            Some("at 48: it has a row and was not measured"),
        );
        check(&rows("rustc 1.96.0", &[], figures), Some("at 48: it has a row and was not"));
    }

    #[test]
    fn the_file_is_read_as_it_is_written_and_is_of_one_compiler() {
        let text = "# Head.\ncompiler: rustc 1.96.0\n\n\
                    board         size  instructions  ram_bytes  flash_bytes\n\
                    mps2-an385      48       1000000        500        40000\n\
                    mps2-an385      96       1000000        500        40000\n";
        assert_eq!(held().to_string(), text);
        assert_eq!(FILE.parse(text).ok(), Some(held()));
        for line in ["a 1 2 3", "a 1 2 3 x", "a 1 2 3 4 5"] {
            assert!(FILE.parse(line).is_err(), "{line}");
        }
        let mut changed = held();
        let error = changed.replace(rows("rustc 1.85.0", &[48], [5, 6, 7])).expect_err("one stays");
        assert!(error.to_string().contains("1.96.0 and this is rustc 1.85.0"), "{error}");
        changed.replace(rows("rustc 1.96.0", &[48], [5, 6, 7])).expect("the same compiler");
        assert_eq!(changed.all[0].figures, [5, 6, 7]);
        assert_eq!(changed.all[1], held().all[1]);
    }
}
