//! A training step of both stages beside PyTorch's literal one.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::json;

use crate::commands::host::{build_lcl, lcl};
use crate::commands::markdown;
use crate::process::{note, output, shown};
use crate::project;
use crate::setup::libtorch;

/// Times that the programs run in turn; the least time of each counts.
const ROUNDS: usize = 3;

/// Images in the batch.
const BATCH: &str = "256";

/// Precisions of `lcl step`.
const PRECISIONS: [&str; 2] = ["float32", "bfloat16"];

/// Measures with the PyTorch of `python`, and returns a table or one JSON
/// object a line.
pub fn measure(python: &Path, json: bool) -> Result<String> {
    if output(Command::new(python).args(["-c", "import torch"])).is_none() {
        bail!(
            "{} has no PyTorch: run `pip install torch==2.11.0` in an environment, and name its \
             Python with --python",
            python.display()
        );
    }
    libtorch::ensure()?;
    build_lcl()?;
    note("measuring on one core: leave the machine alone for a minute");
    let (mut literal, mut own) = (f64::INFINITY, [f64::INFINITY; 2]);
    for _ in 0..ROUNDS {
        let script = project::root().join("host-trainer/benches/literal_step.py");
        let mut step = Command::new(python);
        step.arg(script).args(["--batch", BATCH]).env_remove("LD_LIBRARY_PATH");
        literal = literal.min(milliseconds(&mut step)?);
        for (least, precision) in own.iter_mut().zip(PRECISIONS) {
            let mut step = lcl("step");
            step.args(["--batch", BATCH, "--precision", precision]);
            *least = least.min(milliseconds(&mut step)?);
        }
    }
    Ok(report(literal, own, json))
}

/// Runs a program that prints one JSON object with `milliseconds`.
fn milliseconds(command: &mut Command) -> Result<f64> {
    #[derive(Deserialize)]
    struct Step {
        milliseconds: f64,
    }
    command.env("OMP_NUM_THREADS", "1");
    let text = output(command).with_context(|| format!("{} failed", shown(command)))?;
    let step: Step = serde_json::from_str(&text)
        .with_context(|| format!("{} printed {text:?}", shown(command)))?;
    Ok(step.milliseconds)
}

fn report(literal: f64, own: [f64; 2], json: bool) -> String {
    let steps = own.into_iter().zip(PRECISIONS).map(|(ms, name)| (ms, name, ms / literal));
    if json {
        let objects = steps.map(|(ms, precision, ratio)| {
            let object = json!({
                "precision": precision, "ms": ms, "literal_ms": literal, "ratio": ratio,
            });
            format!("{object}\n")
        });
        return objects.collect();
    }
    let row = |(ms, name, ratio): (f64, &str, f64)| {
        vec![name.to_owned(), format!("{ms:.0}"), format!("{ratio:.2}")]
    };
    let first = (literal, "PyTorch, as the paper writes it", 1.0);
    let table = markdown(" | ms | ratio", [first].into_iter().chain(steps).map(row));
    format!("a step of both stages, batch {BATCH}, one core\n\n{table}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_the_literal_step() {
        let table = report(2000.0, [600.0, 400.0], false);
        assert!(table.contains("| float32 | 600 | 0.30 |"), "{table}");
        let lines = report(2000.0, [600.0, 400.0], true);
        let last = lines.lines().last().expect("a line");
        assert!(last.contains(r#""precision":"bfloat16""#) && last.contains(r#""ratio":0.2"#));
        let mut echo = Command::new("echo");
        assert_eq!(milliseconds(echo.arg(r#"{"milliseconds": 12.5}"#)).ok(), Some(12.5));
        assert!(milliseconds(Command::new("echo").arg(r#"{"seconds": 12.5}"#)).is_err());
    }
}
