//! Measurements as JSON, and as rows beside CMSIS-NN's.

use anyhow::Result;
use serde::Serialize;

use super::baseline::Baseline;
use super::line::Line;
use super::measure::Measured;

pub fn json(measured: &Measured) -> Result<String> {
    #[derive(Serialize)]
    struct Object<'a> {
        board: &'a str,
        #[serde(flatten)]
        line: &'a Line,
        #[serde(skip_serializing_if = "Option::is_none")]
        cmsis_nn_instructions: Option<u64>,
    }
    let objects = measured.lines.iter().map(|line| {
        let cmsis_nn_instructions = baseline(&measured.baselines, line);
        let object = Object { board: &measured.board.name, line, cmsis_nn_instructions };
        Ok(serde_json::to_string(&object)? + "\n")
    });
    objects.collect()
}

/// Returns CMSIS-NN's instructions for that operation, if it has the same one.
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
    /// The measurement; its operation may be `pool`, the sum over a stage's.
    pub line: Line,
    baseline: Option<u64>,
}

impl Row {
    /// Returns size, stage, operation, instructions, multiply-accumulates for each
    /// instruction, CMSIS-NN's millions of instructions, and the ratio to them; `none`
    /// stands for a figure that is not there.
    pub fn fields(&self, instructions: impl Fn(u64) -> String, none: &str) -> [String; 7] {
        let Line { size, stage, op, instructions: count, macs, .. } = &self.line;
        let fraction = |above: Option<u64>, below: u64| {
            let ratio = |above| format!("{:.2}", above as f64 / below.max(1) as f64);
            above.map_or_else(|| none.to_owned(), ratio)
        };
        [
            size.to_string(),
            if *stage == 0 { "-".to_owned() } else { stage.to_string() },
            op.clone(),
            instructions(*count),
            fraction((*macs > 0).then_some(*macs), *count),
            self.baseline.map_or_else(|| none.to_owned(), millions),
            fraction(self.baseline.map(|_| *count), self.baseline.unwrap_or(1)),
        ]
    }
}

pub fn millions(count: u64) -> String {
    format!("{:.2}", count as f64 / 1e6)
}

/// Returns the measurements as rows, with a sum over each stage's pooling,
/// which CMSIS-NN does with other operations.
pub fn rows(Measured { lines, baselines, .. }: &Measured) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut pool: Option<Row> = None;
    for line in lines {
        let other = |pool: &mut Row| (pool.line.size, pool.line.stage) != (line.size, line.stage);
        rows.extend(pool.take_if(other));
        if line.stage != 0 && line.op != "conv2d" {
            let sum = pool.get_or_insert_with(|| {
                let stage = Baseline::find(baselines, line.size);
                let stage = stage.and_then(|baseline| baseline.stage(line.stage));
                let line = Line { op: "pool".to_owned(), instructions: 0, ..line.clone() };
                Row { line, baseline: stage.map(|stage| stage.pool) }
            });
            sum.line.instructions += line.instructions;
        }
        rows.push(Row { line: line.clone(), baseline: baseline(baselines, line) });
    }
    rows.extend(pool);
    rows
}

pub fn table(measured: &Measured) -> String {
    let line = |[size, stage, op, count, macs, baseline, ratio]: &[String; 7]| {
        let line = format!(
            "{size:>5} {stage:>6}  {op:<10} {count:>15} {macs:>10} {baseline:>12} {ratio:>6}"
        );
        line.trim_end().to_owned() + "\n"
    };
    let heads = ["size", "stage", "operation", "instructions", "MACs/insn", "CMSIS-NN, M", "ratio"];
    let mut text = line(&heads.map(str::to_owned));
    for row in rows(measured) {
        text += &line(&row.fields(|count| count.to_string(), ""));
        if let Some(memory) = row.line.memory {
            let (ram, flash, stack) = (memory.ram_bytes, memory.flash_bytes, memory.stack_bytes);
            let sizes = format!("RAM {ram} bytes, stack {stack} bytes, flash {flash} bytes");
            text += &[&format!("{:>5}  ", row.line.size), &sizes, " with the blob\n\n"].concat();
        }
    }
    text
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
        let baselines = Baseline::recorded(&board.name);
        Measured { board, compiler: String::new(), lines, baselines }
    }

    fn total() -> Line {
        let memory = Memory { ram_bytes: 5, flash_bytes: 6, stack_bytes: 7 };
        Line { memory: Some(memory), ..line(0, "total", 53_400_000, 26_700_000) }
    }

    #[test]
    fn objects_have_the_fields_that_others_read() {
        let text = json(&measured(vec![line(1, "max_rows", 1, 0), total()])).expect("plain values");
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
        let rows: Vec<_> = rows.iter().map(|Row { line, .. }| line).collect();
        let rows = rows.iter().map(|line| (line.stage, line.op.as_str(), line.instructions));
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
        assert_eq!(rows.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_table_compares_with_the_recorded_figures() {
        let text = table(&measured(vec![line(1, "max_blur", 1_775_000, 0), total()]));
        let ends = |start: &str, end: &str| {
            text.lines().any(|line| line.trim_start().starts_with(start) && line.ends_with(end))
        };
        assert!(ends("96      1  pool", "3.55   0.50"), "{text}");
        assert!(ends("96      -  total", "0.50       106.80   0.50"), "{text}");
        assert!(text.contains("stack 7 bytes"), "{text}");
    }
}
