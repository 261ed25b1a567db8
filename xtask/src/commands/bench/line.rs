//! One measurement, as the program logs it.

use anyhow::{Context, Result, bail};

/// What the example's log says before each measurement.
const PREFIX: &str = "bench ";

/// One measurement: `bench size=96 stage=1 op=conv2d instructions=… macs=…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Width and height of the image, in pixels.
    pub size: u64,
    /// Stage from 1, or 0 for what belongs to none.
    pub stage: u64,
    /// Operation, `other` or `total`.
    pub op: String,
    /// What the board counts.
    pub instructions: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// What only the total has.
    pub memory: Option<Memory>,
}

/// What a program takes, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Reads one line of the log, or nothing where it is no measurement.
    pub fn parse(text: &str) -> Result<Option<Self>> {
        let Some(fields) = text.strip_prefix(PREFIX) else {
            return Ok(None);
        };
        let field = |name: &str| {
            let mut pairs = fields.split_whitespace().filter_map(|field| field.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let number = |name: &str| {
            let value = field(name).with_context(|| format!("`{text}` has no {name}"))?;
            value.parse().with_context(|| format!("{name} is no number in `{text}`"))
        };
        let Some(op) = field("op") else { bail!("`{text}` has no op") };
        let memory = if op == "total" {
            Some(Memory {
                ram_bytes: number("ram_bytes")?,
                flash_bytes: number("flash_bytes")?,
                stack_bytes: number("stack_bytes")?,
            })
        } else {
            None
        };
        Ok(Some(Self {
            size: number("size")?,
            stage: number("stage")?,
            op: op.to_owned(),
            instructions: number("instructions")?,
            macs: number("macs")?,
            memory,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measurements_are_read() {
        let text = "bench size=96 stage=1 op=conv2d instructions=12 macs=34";
        let line = Line::parse(text).expect("it is well-formed").expect("it is a measurement");
        let expected = Line {
            size: 96,
            stage: 1,
            op: "conv2d".to_owned(),
            instructions: 12,
            macs: 34,
            memory: None,
        };
        assert_eq!(line, expected);
    }

    #[test]
    fn the_total_has_memory() {
        let text = "bench size=96 stage=0 op=total instructions=12 macs=34 ram_bytes=5 \
                    flash_bytes=6 stack_bytes=7";
        let line = Line::parse(text).expect("it is well-formed").expect("it is a measurement");
        let memory = Memory { ram_bytes: 5, flash_bytes: 6, stack_bytes: 7 };
        assert_eq!(line.memory, Some(memory));
    }

    #[test]
    fn other_lines_are_passed_over_and_damaged_ones_named() {
        assert!(matches!(Line::parse("mps2-an386: model"), Ok(None)));
        let error = Line::parse("bench size=96 stage=1 op=conv2d macs=1").expect_err("no count");
        assert!(error.to_string().contains("instructions"), "{error}");
    }
}
