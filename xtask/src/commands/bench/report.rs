//! Measurements as JSON, and as rows beside what CMSIS-NN takes.

use super::baseline::Baseline;
use super::line::Line;
use super::measure::Measured;

/// Returns one JSON object a line.
pub fn json(measured: &Measured) -> String {
    let object = |line| object(measured.board.name, line, &measured.baselines) + "\n";
    measured.lines.iter().map(object).collect()
}

/// Every value is a number or a name of letters, digits and `-_`, so that
/// nothing is to be escaped.
fn object(board: &str, line: &Line, baselines: &[Baseline]) -> String {
    let Line { size, stage, op, instructions, macs, memory } = line;
    let memory = memory.map_or_else(String::new, |memory| {
        format!(
            r#","ram_bytes":{},"flash_bytes":{},"stack_bytes":{}"#,
            memory.ram_bytes, memory.flash_bytes, memory.stack_bytes
        )
    });
    let baseline = baseline(baselines, line)
        .map_or_else(String::new, |baseline| format!(r#","cmsis_nn_instructions":{baseline}"#));
    format!(
        r#"{{"board":"{board}","size":{size},"stage":{stage},"op":"{op}","instructions":{instructions},"macs":{macs}{memory}{baseline}}}"#
    )
}

/// Returns what CMSIS-NN takes for that operation, where it has the same one.
fn baseline(baselines: &[Baseline], line: &Line) -> Option<u64> {
    let baseline = Baseline::find(baselines, line.size)?;
    match line.op.as_str() {
        "conv2d" => Some(baseline.stage(line.stage)?.conv2d),
        "total" => Some(baseline.total),
        _ => None,
    }
}

/// One row of a table for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Width and height of the image, in pixels.
    pub size: u64,
    /// Stage from 1, or 0 for what belongs to none.
    stage: u64,
    /// Operation, the sum over a stage's `pool`, `other` or `total`.
    pub op: String,
    /// Instructions.
    pub instructions: u64,
    macs: u64,
    baseline: Option<u64>,
}

impl Row {
    /// Returns the stage as people count it.
    pub fn stage(&self) -> String {
        if self.stage == 0 { "-".to_owned() } else { self.stage.to_string() }
    }

    /// Returns the multiply-accumulates for each instruction, or `none`.
    pub fn macs_per_instruction(&self, none: &str) -> String {
        fraction((self.macs > 0).then_some(self.macs), self.instructions, none)
    }

    /// Returns CMSIS-NN's millions of instructions, or `none`.
    pub fn baseline_millions(&self, none: &str) -> String {
        self.baseline
            .map_or_else(|| none.to_owned(), |baseline| format!("{:.2}", millions(baseline)))
    }

    /// Returns the share of CMSIS-NN's instructions, or `none`.
    pub fn share_of_baseline(&self, none: &str) -> String {
        let Some(baseline) = self.baseline else { return none.to_owned() };
        fraction(Some(self.instructions), baseline, none)
    }
}

/// Returns a count in millions.
pub fn millions(count: u64) -> f64 {
    count as f64 / 1e6
}

fn fraction(above: Option<u64>, below: u64, none: &str) -> String {
    let ratio = |above| format!("{:.2}", above as f64 / below.max(1) as f64);
    above.map_or_else(|| none.to_owned(), ratio)
}

/// Returns the measurements as rows, with a sum over each stage's pooling,
/// which CMSIS-NN does with other operations.
pub fn rows(measured: &Measured) -> Vec<Row> {
    let Measured { lines, baselines, .. } = measured;
    let mut rows: Vec<Row> = Vec::new();
    let mut pool: Option<Row> = None;
    for line in lines {
        let row = Row {
            size: line.size,
            stage: line.stage,
            op: line.op.clone(),
            instructions: line.instructions,
            macs: line.macs,
            baseline: baseline(baselines, line),
        };
        if pool.as_ref().is_some_and(|pool| (pool.size, pool.stage) != (row.size, row.stage)) {
            rows.extend(pool.take());
        }
        if row.stage != 0 && row.op != "conv2d" {
            let stage =
                Baseline::find(baselines, row.size).and_then(|baseline| baseline.stage(row.stage));
            let sum = pool.get_or_insert_with(|| Row {
                op: "pool".to_owned(),
                instructions: 0,
                baseline: stage.map(|stage| stage.pool),
                ..row.clone()
            });
            sum.instructions += row.instructions;
        }
        rows.push(row);
    }
    rows.extend(pool);
    rows
}

/// Returns a table for the terminal.
pub fn table(measured: &Measured) -> String {
    let head = format!(
        "{:>5} {:>6}  {:<10} {:>15} {:>10} {:>12} {:>6}\n",
        "size", "stage", "operation", "instructions", "MACs/insn", "CMSIS-NN, M", "ratio"
    );
    let rows = rows(measured).into_iter().map(|row| {
        let memory = || {
            let mut totals = measured.lines.iter().filter(|line| line.size == row.size);
            let memory = totals.find_map(|line| line.memory)?;
            Some(format!(
                "{:>5}  RAM {} bytes, stack {} bytes, flash {} bytes with the blob\n\n",
                row.size, memory.ram_bytes, memory.stack_bytes, memory.flash_bytes
            ))
        };
        let memory = if row.op == "total" { memory() } else { None };
        let line = format!(
            "{:>5} {:>6}  {:<10} {:>15} {:>10} {:>12} {:>6}",
            row.size,
            row.stage(),
            row.op,
            row.instructions,
            row.macs_per_instruction(""),
            row.baseline_millions(""),
            row.share_of_baseline("")
        );
        format!("{}\n{}", line.trim_end(), memory.unwrap_or_default())
    });
    head + &rows.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::super::line::Memory;
    use super::*;
    use crate::boards;

    fn line(stage: u64, op: &str, instructions: u64, macs: u64) -> Line {
        Line { size: 96, stage, op: op.to_owned(), instructions, macs, memory: None }
    }

    fn measured(lines: Vec<Line>) -> Measured {
        let board = boards::board("mps2-an386").expect("it is known");
        let baselines = Baseline::recorded(board.name);
        Measured { board, compiler: String::new(), lines, baselines }
    }

    fn total() -> Line {
        let memory = Memory { ram_bytes: 5, flash_bytes: 6, stack_bytes: 7 };
        Line { memory: Some(memory), ..line(0, "total", 53_400_000, 26_700_000) }
    }

    #[test]
    fn objects_have_the_fields_that_others_read() {
        let text = json(&measured(vec![line(1, "max_rows", 1, 0), total()]));
        let expected = concat!(
            r#"{"board":"mps2-an386","size":96,"stage":1,"op":"max_rows","instructions":1,"macs":0}"#,
            "\n",
            r#"{"board":"mps2-an386","size":96,"stage":0,"op":"total","instructions":53400000,"#,
            r#""macs":26700000,"ram_bytes":5,"flash_bytes":6,"stack_bytes":7,"#,
            r#""cmsis_nn_instructions":106800000}"#,
            "\n"
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn pooling_is_summed_over_each_stage() {
        let lines = vec![
            line(1, "conv2d", 100, 50),
            line(1, "max_rows", 10, 0),
            line(1, "max_blur", 5, 0),
            line(2, "conv2d", 200, 50),
            line(2, "max", 7, 0),
            line(0, "other", 1, 0),
        ];
        let rows = rows(&measured(lines));
        let rows: Vec<_> =
            rows.iter().map(|row| (row.stage, row.op.as_str(), row.instructions)).collect();
        let expected = [
            (1, "conv2d", 100),
            (1, "max_rows", 10),
            (1, "max_blur", 5),
            (1, "pool", 15),
            (2, "conv2d", 200),
            (2, "max", 7),
            (2, "pool", 7),
            (0, "other", 1),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn the_table_compares_with_what_was_recorded() {
        let text = table(&measured(vec![line(1, "max_blur", 1_775_000, 0), total()]));
        let ends = |start: &str, end: &str| {
            text.lines().any(|line| line.trim_start().starts_with(start) && line.ends_with(end))
        };
        assert!(ends("96      1  pool", "3.55   0.50"), "{text}");
        assert!(ends("96      -  total", "0.50       106.80   0.50"), "{text}");
        assert!(text.contains("stack 7 bytes"), "{text}");
    }
}
