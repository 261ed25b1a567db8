//! One measurement, as programs log it.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The start of each measurement in the example's log.
const PREFIX: &str = "bench ";

/// CMSIS-NN's instructions, as they were recorded.
const RECORDED: &str = include_str!("cmsis-nn.txt");

/// One measurement: `bench size=96 stage=1 op=conv2d instructions=… macs=…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Width and height of the image, in pixels.
    pub size: u64,
    /// Stage from 1, or 0 for what belongs to none.
    pub stage: u64,
    /// Operation, `other` or `total`; `pool` is the sum over a stage's.
    pub op: String,
    pub instructions: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// What only the total has.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

/// What a program takes, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the unit is in the name")]
pub struct Memory {
    /// RAM of the front-end.
    pub ram_bytes: u64,
    /// Flash of program and blob.
    pub flash_bytes: u64,
    /// Deepest stack.
    pub stack_bytes: u64,
}

impl Line {
    /// Reads one line of the log, or returns `None` if it is no measurement.
    pub fn parse(text: &str) -> Result<Option<Self>> {
        let Some(fields) = text.strip_prefix(PREFIX) else {
            return Ok(None);
        };
        let pairs = fields.split_whitespace().filter_map(|field| field.split_once('='));
        let fields = pairs.map(|(name, value)| {
            let number = value.parse::<u64>().map(Value::from);
            (name.to_owned(), number.unwrap_or_else(|_| value.into()))
        });
        let line: Self = serde_json::from_value(Value::Object(fields.collect::<Map<_, _>>()))
            .with_context(|| format!("cannot read the measurement `{text}`"))?;
        ensure!(line.op != "total" || line.memory.is_some(), "`{text}` does not say the memory");
        Ok(Some(line))
    }

    /// Returns whether both are of the same operation.
    pub fn is_for(&self, other: &Self) -> bool {
        (self.size, self.stage, &self.op) == (other.size, other.stage, &other.op)
    }
}

/// Returns the lines, with a sum over each stage's pooling behind it, which engines do
/// with different operations.
pub fn with_pools(lines: &[Line]) -> Vec<Line> {
    let mut all: Vec<Line> = Vec::new();
    let mut pool: Option<Line> = None;
    for line in lines {
        all.extend(pool.take_if(|pool| (pool.size, pool.stage) != (line.size, line.stage)));
        if line.stage != 0 && line.op != "conv2d" {
            let none = Line { op: "pool".to_owned(), instructions: 0, ..line.clone() };
            pool.get_or_insert(none).instructions += line.instructions;
        }
        all.push(line.clone());
    }
    all.extend(pool);
    all
}

/// Returns what was recorded of CMSIS-NN on that board.
pub fn recorded(board: &str) -> Vec<Line> {
    let rows = RECORDED.lines().filter_map(|row| row.strip_prefix(board)?.strip_prefix(' '));
    let lines = rows.flat_map(|row| {
        let mut numbers = row.split_whitespace().filter_map(|number| number.parse().ok());
        let size = numbers.next().unwrap_or(0);
        let ops = [(1, "conv2d"), (1, "pool"), (2, "conv2d"), (2, "pool"), (0, "total")];
        ops.into_iter().zip(numbers).map(move |((stage, op), instructions)| Line {
            size,
            stage,
            op: op.to_owned(),
            instructions,
            macs: 0,
            memory: None,
        })
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards;

    #[test]
    fn measurements_are_read_and_damaged_ones_named() {
        let text = "bench size=96 stage=1 op=conv2d instructions=12 macs=34";
        let line = Line::parse(text).expect("it is well-formed").expect("it is a measurement");
        let (op, memory) = ("conv2d".to_owned(), None);
        assert_eq!(line, Line { size: 96, stage: 1, op, instructions: 12, macs: 34, memory });
        let total = text.replace("conv2d", "total");
        let error = Line::parse(&total).expect_err("it has no memory").to_string();
        assert!(error.contains("memory"), "{error}");
        let total = total + " ram_bytes=5 flash_bytes=6 stack_bytes=7";
        let line = Line::parse(&total).expect("it is well-formed").expect("it is a measurement");
        let memory = Memory { ram_bytes: 5, flash_bytes: 6, stack_bytes: 7 };
        assert_eq!(line.memory, Some(memory));
        assert!(matches!(Line::parse("mps2-an386: model"), Ok(None)));
        let error = Line::parse("bench size=96 stage=1 op=conv2d macs=1").expect_err("no count");
        assert!(format!("{error:#}").contains("instructions"), "{error:#}");
    }

    #[test]
    fn recorded_totals_are_the_sums_as_far_as_they_were_rounded() {
        let mut count = 0;
        for board in boards::emulated() {
            for total in recorded(&board.name).iter().filter(|line| line.op == "total") {
                let all = recorded(&board.name);
                let of_size = all.iter().filter(|line| line.size == total.size && line.stage != 0);
                let sum: u64 = of_size.map(|line| line.instructions).sum();
                assert!(sum.abs_diff(total.instructions) * 1000 <= 5 * sum, "{}", board.name);
                count += 1;
            }
        }
        assert_eq!(count, RECORDED.lines().filter(|row| !row.starts_with('#')).count());
    }
}
