//! Measurements as JSON, and as rows beside CMSIS-NN's.

use anyhow::Result;
use serde::Serialize;

use super::line::{Line, with_pools};
use super::measure::Measured;

/// Returns one JSON object a line.
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
        let cmsis_nn_instructions = measured.baseline_of(line);
        let object = Object { board: &measured.board.name, line, cmsis_nn_instructions };
        Ok(serde_json::to_string(&object)? + "\n")
    });
    objects.collect()
}

impl Measured {
    /// Returns CMSIS-NN's instructions for that operation, if it has the same one.
    fn baseline_of(&self, line: &Line) -> Option<u64> {
        let same = with_pools(&self.baseline).into_iter().find(|other| other.is_for(line));
        same.map(|line| line.instructions)
    }

    /// Returns rows for people: the measurement, then its size, stage, operation,
    /// instructions, multiply-accumulates for each, CMSIS-NN's millions of
    /// instructions, and the ratio to them; `none` stands for a figure that is not there.
    pub fn rows(&self, count: fn(u64) -> String, none: &str) -> Vec<(Line, [String; 7])> {
        let ratio = |above: u64, below: u64| format!("{:.2}", above as f64 / below.max(1) as f64);
        let row = |line: Line| {
            let Line { size, stage, instructions, macs, .. } = line;
            let baseline = self.baseline_of(&line);
            let or_none = |text: Option<String>| text.unwrap_or_else(|| none.to_owned());
            let fields = [
                size.to_string(),
                if stage == 0 { "-".to_owned() } else { stage.to_string() },
                line.op.clone(),
                count(instructions),
                or_none((macs > 0).then(|| ratio(macs, instructions))),
                or_none(baseline.map(millions)),
                or_none(baseline.map(|baseline| ratio(instructions, baseline))),
            ];
            (line, fields)
        };
        with_pools(&self.lines).into_iter().map(row).collect()
    }
}

/// Returns a count in millions.
pub fn millions(count: u64) -> String {
    format!("{:.2}", count as f64 / 1e6)
}

/// Returns a table for the terminal.
pub fn table(measured: &Measured) -> String {
    let text_of = |[size, stage, op, count, macs, baseline, ratio]: &[String; 7]| {
        let line = format!(
            "{size:>5} {stage:>6}  {op:<10} {count:>15} {macs:>10} {baseline:>12} {ratio:>6}"
        );
        line.trim_end().to_owned() + "\n"
    };
    let heads = ["size", "stage", "operation", "instructions", "MACs/insn", "CMSIS-NN, M", "ratio"];
    let mut text = text_of(&heads.map(str::to_owned));
    for (line, fields) in measured.rows(|count| count.to_string(), "") {
        text += &text_of(&fields);
        if let Some(memory) = line.memory {
            let (ram, flash, stack) = (memory.ram_bytes, memory.flash_bytes, memory.stack_bytes);
            let sizes = format!("RAM {ram} bytes, stack {stack} bytes, flash {flash} bytes");
            text += &[&format!("{:>5}  ", line.size), &sizes, " with the blob\n\n"].concat();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::measure::tests::{line, measured, total};
    use super::*;

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
    fn pooling_is_summed_over_each_stage_and_stands_beside_cmsis_nn() {
        let lines = vec![
            line(1, "conv2d", 100, 50),
            line(1, "max_rows", 1_700_000, 0),
            line(1, "max_blur", 75_000, 0),
            line(2, "conv2d", 200, 50),
            line(2, "max", 7, 0),
            total(),
        ];
        let text = table(&measured(lines));
        let rows: Vec<_> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
        let row = |at: usize| rows[at].join(" ");
        assert_eq!(row(1), "96 1 conv2d 100 0.50 26.76 0.00");
        assert_eq!(row(4), "96 1 pool 1775000 3.55 0.50");
        assert_eq!(row(7), "96 2 pool 7 2.54 0.00");
        assert_eq!(row(8), "96 - total 53400000 0.50 106.80 0.50");
        assert!(text.contains("stack 7 bytes"), "{text}");
    }
}
