//! What an evaluation found, in the forms in which people meet it.

use serde::Serialize;

/// What an evaluation found.
///
/// Serialised it is the JSON object that `lcl evaluate NAME --json` prints; the
/// [`tables`](Self::tables) are what it prints otherwise, the
/// [`page`](Self::page) what `--out` writes.
pub trait Findings: Serialize {
    /// Returns the title of the page.
    fn title(&self) -> String;

    /// Returns the figures that matter, as tables.
    fn tables(&self) -> Vec<Table>;

    /// Returns what a reader must know to judge the figures: what was left out,
    /// how much of it, and what an estimator is biased towards; a sentence
    /// each.
    fn notes(&self) -> Vec<String>;

    /// Returns the sections of the page after its tables and notes, HTML.
    fn page(&self) -> String;
}

/// A table of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// Heads of the columns; the first column is left-aligned, the others are
    /// right-aligned.
    pub heads: Vec<String>,
    /// As many cells a row as there are heads.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Creates a table without rows.
    #[must_use]
    pub fn new(title: &str, heads: &[&str]) -> Self {
        let heads = heads.iter().map(|head| (*head).to_owned()).collect();
        Self { title: title.to_owned(), heads, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

/// The table as text, columns aligned.
impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.heads.len();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.chain(self.heads.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        if !self.title.is_empty() {
            writeln!(f, "{}", self.title)?;
        }
        for row in std::iter::once(&self.heads).chain(&self.rows) {
            let cells = row.iter().zip(&widths).enumerate();
            let aligned = cells.map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            writeln!(f, "{}", aligned.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new("Areas", &["area", "r"]);
        table.row(["V1".to_owned(), "0.5".to_owned()]);
        table.row(["V2, all".to_owned(), "−0.125".to_owned()]);
        let expected = "Areas\narea          r\nV1          0.5\nV2, all  −0.125\n";
        assert_eq!(table.to_string(), expected);
    }
}
