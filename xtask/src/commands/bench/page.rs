//! The figures in docs/benchmarks.md.

use std::fs;

use anyhow::{Context, Result};

use super::measure::Measured;
use super::report::{millions, rows};
use crate::boards::Runner;
use crate::project;

/// What stands for a figure that there is not.
const NONE: &str = "–";

/// Replaces the figures in the page; the prose around them stays.
pub fn update(all: &[Measured]) -> Result<()> {
    let path = project::root().join("docs/benchmarks.md");
    let context = || format!("cannot update {}", path.display());
    let mut page = fs::read_to_string(&path).with_context(context)?;
    let sections = [("totals", totals(all)), ("boards", all.iter().map(section).collect())];
    for (name, text) in sections {
        page = replaced(&page, name, &text)
            .with_context(|| format!("{} has no place for `{name}`", path.display()))?;
    }
    let beside = path.with_extension("md.part");
    fs::write(&beside, page).and_then(|()| fs::rename(&beside, &path)).with_context(context)
}

/// Returns the page with what is between the marks of that name replaced.
fn replaced(page: &str, name: &str, text: &str) -> Option<String> {
    let (open, close) = (format!("<!-- figures: {name} -->\n"), format!("<!-- end: {name} -->"));
    let (before, rest) = page.split_once(&open)?;
    let (_, after) = rest.split_once(&close)?;
    Some(format!("{before}{open}{text}{close}{after}"))
}

/// Returns one table of the whole network on all boards.
fn totals(all: &[Measured]) -> String {
    let rows = all.iter().flat_map(|measured| {
        let name = measured.board.name;
        rows(measured).into_iter().filter(|row| row.op == "total").map(move |row| {
            let memory = measured.lines.iter().filter(|line| line.size == row.size);
            let memory = memory.filter_map(|line| line.memory).map(|memory| {
                format!("{} | {} | {}", memory.ram_bytes, memory.stack_bytes, memory.flash_bytes)
            });
            format!(
                "| {name} | {} | {:.2} | {} | {} | {} | {} |\n",
                row.size,
                millions(row.instructions),
                row.macs_per_instruction(NONE),
                row.baseline_millions(NONE),
                row.share_of_baseline(NONE),
                memory.collect::<String>()
            )
        })
    });
    format!(
        "\n| board | size | millions of instructions | MACs per instruction | CMSIS-NN | ratio \
         | RAM, bytes | stack, bytes | flash with the blob, bytes |\n\
         |---|---|---|---|---|---|---|---|---|\n{}\n",
        rows.collect::<String>()
    )
}

/// Returns the section of one board.
fn section(measured: &Measured) -> String {
    let board = measured.board;
    let Runner::Qemu { program, arguments, counting } = board.runner else {
        return String::new();
    };
    let rows = rows(measured).into_iter().map(|row| {
        format!(
            "| {} | {} | {} | {:.2} | {} | {} | {} |\n",
            row.size,
            row.stage(),
            row.op,
            millions(row.instructions),
            row.macs_per_instruction(NONE),
            row.baseline_millions(NONE),
            row.share_of_baseline(NONE)
        )
    });
    format!(
        "\n### {name}\n\n- Board: {}, target `{}`\n- Emulator: `{program} {} {}`\n\
         - Flags: those of `firmware-examples/{name}/.cargo/config.toml` and of the release profile\n\
         - Compiler: {}\n\n\
         | size | stage | operation | millions of instructions | MACs per instruction | CMSIS-NN | ratio |\n\
         |---|---|---|---|---|---|---|\n{}\n",
        board.description,
        board.target,
        arguments.join(" "),
        counting.join(" "),
        measured.compiler,
        rows.collect::<String>(),
        name = board.name,
    )
}

#[cfg(test)]
mod tests {
    use super::super::baseline::Baseline;
    use super::super::line::{Line, Memory};
    use super::*;
    use crate::boards::board;

    #[test]
    fn only_the_figures_between_the_marks_change() {
        let page = "a\n<!-- figures: b -->\nold\n<!-- end: b -->\nz\n";
        let expected = "a\n<!-- figures: b -->\nnew\n<!-- end: b -->\nz\n";
        assert_eq!(replaced(page, "b", "new\n").as_deref(), Some(expected));
        assert_eq!(replaced(page, "c", "new\n"), None);
    }

    #[test]
    fn totals_have_a_row_for_each_board_and_size() {
        let memory = Memory { ram_bytes: 5, flash_bytes: 6, stack_bytes: 7 };
        let total = Line {
            size: 96,
            stage: 0,
            op: "total".to_owned(),
            instructions: 53_400_000,
            macs: 26_700_000,
            memory: Some(memory),
        };
        let board = board("mps2-an386").expect("it is known");
        let (lines, baselines) = (vec![total], Baseline::recorded(board.name));
        let text = totals(&[Measured { board, compiler: String::new(), lines, baselines }]);
        let row = "| mps2-an386 | 96 | 53.40 | 0.50 | 106.80 | 0.50 | 5 | 7 | 6 |\n";
        assert!(text.contains(row), "{text}");
    }
}
