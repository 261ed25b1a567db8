//! Measurements for people and for programs.

use super::line::Line;

/// Returns one JSON object a line.
pub fn json(board: &str, lines: &[Line]) -> String {
    lines.iter().map(|line| object(board, line) + "\n").collect()
}

/// Every value is a number or a name of letters, digits and `-_`, so that
/// nothing is to be escaped.
fn object(board: &str, line: &Line) -> String {
    let Line { size, stage, op, instructions, macs, memory } = line;
    let memory = memory.map_or_else(String::new, |memory| {
        format!(
            r#","ram_bytes":{},"flash_bytes":{},"stack_bytes":{}"#,
            memory.ram_bytes, memory.flash_bytes, memory.stack_bytes
        )
    });
    format!(
        r#"{{"board":"{board}","size":{size},"stage":{stage},"op":"{op}","instructions":{instructions},"macs":{macs}{memory}}}"#
    )
}

/// Returns a table for the terminal.
pub fn table(lines: &[Line]) -> String {
    let head = format!(
        "{:>5} {:>6}  {:<10} {:>15} {:>12} {:>10}\n",
        "size", "stage", "operation", "instructions", "MACs", "MACs/insn"
    );
    let rows = lines.iter().map(row).collect::<Vec<_>>();
    head + &rows.concat()
}

fn row(line: &Line) -> String {
    let ratio = ratio(line).map_or_else(String::new, |ratio| format!("{ratio:.2}"));
    let memory = line.memory.map_or_else(String::new, |memory| {
        format!(
            "{:>5}  RAM {} bytes, stack {} bytes, flash {} bytes with the blob\n\n",
            line.size, memory.ram_bytes, memory.stack_bytes, memory.flash_bytes
        )
    });
    format!(
        "{:>5} {:>6}  {:<10} {:>15} {:>12} {ratio:>10}\n{memory}",
        line.size,
        stage(line),
        line.op,
        line.instructions,
        line.macs
    )
}

/// Returns the stage as people count it.
pub fn stage(line: &Line) -> String {
    if line.stage == 0 { "-".to_owned() } else { line.stage.to_string() }
}

/// Returns the multiply-accumulates for each instruction, where there are any.
pub fn ratio(line: &Line) -> Option<f64> {
    (line.macs > 0).then(|| line.macs as f64 / line.instructions.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::super::line::Memory;
    use super::*;

    fn total() -> Line {
        Line {
            size: 96,
            stage: 0,
            op: "total".to_owned(),
            instructions: 200,
            macs: 100,
            memory: Some(Memory { ram_bytes: 5, flash_bytes: 6, stack_bytes: 7 }),
        }
    }

    #[test]
    fn objects_have_the_fields_that_others_read() {
        let expected = concat!(
            r#"{"board":"b","size":96,"stage":0,"op":"total","instructions":200,"macs":100,"#,
            r#""ram_bytes":5,"flash_bytes":6,"stack_bytes":7}"#,
            "\n"
        );
        assert_eq!(json("b", &[total()]), expected);
    }

    #[test]
    fn the_table_says_how_much_is_done_for_an_instruction() {
        let text = table(&[total()]);
        assert!(text.contains("0.50") && text.contains("stack 7 bytes"), "{text}");
    }
}
