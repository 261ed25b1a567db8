//! One measurement, as the program logs it.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The start of each measurement in the example's log.
const PREFIX: &str = "bench ";

/// One measurement: `bench size=96 stage=1 op=conv2d instructions=… macs=…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Width and height of the image, in pixels.
    pub size: u64,
    /// Stage from 1, or 0 for what belongs to none.
    pub stage: u64,
    pub op: String,
    pub instructions: u64,
    pub macs: u64,
    /// What only the total has.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

/// What a program takes, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the unit is in the name")]
pub struct Memory {
    pub ram_bytes: u64,
    pub flash_bytes: u64,
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
