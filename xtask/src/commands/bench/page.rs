//! The figures in docs/benchmarks.md.

use std::fs;

use anyhow::{Context, Result};

use super::line::Line;
use super::report::{ratio, stage};
use crate::boards::{Board, Runner};
use crate::project;

/// Replaces the board's figures in the page; the prose around them stays.
pub fn update(board: &Board, lines: &[Line]) -> Result<()> {
    let path = project::root().join("docs/benchmarks.md");
    let context = || format!("cannot update {}", path.display());
    let page = fs::read_to_string(&path).with_context(context)?;
    let page = replaced(&page, board.name, &section(board, lines)).with_context(|| {
        format!("{} has no place for the figures of {}", path.display(), board.name)
    })?;
    let beside = path.with_extension("md.part");
    fs::write(&beside, page).and_then(|()| fs::rename(&beside, &path)).with_context(context)
}

/// Returns the page with what is between the board's marks replaced.
fn replaced(page: &str, board: &str, section: &str) -> Option<String> {
    let (open, close) = (format!("<!-- figures: {board} -->\n"), format!("<!-- end: {board} -->"));
    let (before, rest) = page.split_once(&open)?;
    let (_, after) = rest.split_once(&close)?;
    Some(format!("{before}{open}{section}{close}{after}"))
}

fn section(board: &Board, lines: &[Line]) -> String {
    let Runner::Qemu { program, arguments, counting } = board.runner;
    let costs = lines.iter().map(|line| {
        let millions = line.instructions as f64 / 1e6;
        let ratio = ratio(line).map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
        let (size, stage, op) = (line.size, stage(line), &line.op);
        format!("| {size} | {stage} | {op} | {millions:.2} | {ratio} |")
    });
    let memory = lines.iter().filter_map(|line| {
        let memory = line.memory?;
        Some(format!(
            "| {} | {} | {} | {} |",
            line.size, memory.ram_bytes, memory.stack_bytes, memory.flash_bytes
        ))
    });
    format!(
        "\n- Board: {}, target `{}`\n- Emulator: `{program} {} {}`\n\
         - Flags: those of the release profile in `firmware-examples/Cargo.toml`\n\
         - Command: `cargo xtask bench --board {} --page`\n\n\
         | size | stage | operation | millions of instructions | MACs per instruction |\n\
         |---|---|---|---|---|\n{}\n\n\
         | size | RAM, bytes | stack, bytes | flash with the blob, bytes |\n\
         |---|---|---|---|\n{}\n\n",
        board.description,
        board.target,
        arguments.join(" "),
        counting.join(" "),
        board.name,
        costs.collect::<Vec<_>>().join("\n"),
        memory.collect::<Vec<_>>().join("\n"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_figures_of_the_board_change() {
        let page = "a\n<!-- figures: b -->\nold\n<!-- end: b -->\nz\n";
        let expected = "a\n<!-- figures: b -->\nnew\n<!-- end: b -->\nz\n";
        assert_eq!(replaced(page, "b", "new\n").as_deref(), Some(expected));
        assert_eq!(replaced(page, "c", "new\n"), None);
    }
}
