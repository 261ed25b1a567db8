//! The figures in docs/benchmarks.md.

use std::fs;

use anyhow::{Context, Result};

use super::measure::Measured;
use super::report::millions;
use crate::boards::{Board, Qemu};
use crate::commands::markdown;
use crate::project;

/// Stands for a figure that is not there.
const NONE: &str = "–";

/// Replaces the figures in the page; the prose around them stays.
pub fn update(all: &[Measured]) -> Result<()> {
    let path = project::root().join("docs/benchmarks.md");
    let mut page = project::read(&path)?;
    let sections = [("totals", totals(all)), ("boards", all.iter().map(section).collect())];
    for (name, text) in sections {
        page = replaced(&page, name, &text)
            .with_context(|| format!("{} has no place for `{name}`", path.display()))?;
    }
    let beside = path.with_extension("md.part");
    fs::write(&beside, page)
        .and_then(|()| fs::rename(&beside, &path))
        .with_context(|| format!("cannot update {}", path.display()))
}

/// Returns the page with the text between the marks of that name replaced.
fn replaced(page: &str, name: &str, text: &str) -> Option<String> {
    let (open, close) = (format!("<!-- figures: {name} -->\n"), format!("<!-- end: {name} -->"));
    let (before, rest) = page.split_once(&open)?;
    let (_, after) = rest.split_once(&close)?;
    Some(format!("{before}{open}{text}{close}{after}"))
}

/// Returns one table of the whole network on all boards.
fn totals(all: &[Measured]) -> String {
    let rows = all.iter().flat_map(|measured| {
        let rows = measured.rows(millions, NONE).into_iter();
        rows.filter_map(|(line, [size, _, _, count, macs, baseline, ratio])| {
            let memory = line.memory?;
            let [ram, stack, flash] = [memory.ram_bytes, memory.stack_bytes, memory.flash_bytes]
                .map(|bytes| bytes.to_string());
            let name = measured.board.name.clone();
            Some(vec![name, size, count, macs, baseline, ratio, ram, stack, flash])
        })
    });
    let head = "board | size | millions of instructions | MACs per instruction | CMSIS-NN | ratio | RAM, \
                bytes | stack, bytes | flash with the blob, bytes";
    format!("\n{}\n", markdown(head, rows))
}

/// Returns the section of one board.
fn section(measured: &Measured) -> String {
    let Board { name, description, target, qemu, .. } = measured.board;
    let Some(Qemu { program, arguments, counting }) = qemu else { return String::new() };
    let head = "size | stage | operation | millions of instructions | MACs per instruction | CMSIS-NN | \
                ratio";
    let rows = measured.rows(millions, NONE).into_iter().map(|(_, fields)| fields.to_vec());
    format!(
        "\n### {name}\n\n- Board: {description}, target `{target}`\n- Emulator: `{program} {} {}`\n\
         - Flags: those of `firmware-examples/{name}/.cargo/config.toml` and of the release profile\n\
         - Compiler: {}\n\n{}\n",
        arguments.join(" "),
        counting.join(" "),
        measured.compiler,
        markdown(head, rows),
    )
}

#[cfg(test)]
mod tests {
    use super::super::measure::tests::{measured, total};
    use super::*;

    #[test]
    fn only_the_figures_between_the_marks_change() {
        let page = "a\n<!-- figures: b -->\nold\n<!-- end: b -->\nz\n";
        let expected = "a\n<!-- figures: b -->\nnew\n<!-- end: b -->\nz\n";
        assert_eq!(replaced(page, "b", "new\n").as_deref(), Some(expected));
        assert_eq!(replaced(page, "c", "new\n"), None);
        let text = totals(&[measured(vec![total()])]);
        let row = "| mps2-an386 | 96 | 53.40 | 0.50 | 106.80 | 0.50 | 5 | 7 | 6 |\n";
        assert!(text.starts_with("\n| board | size |") && text.contains(row), "{text}");
    }
}
