//! A training step of both stages beside PyTorch's literal one.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::commands::host::{build_lcl, lcl};
use crate::process::{note, output, shown};
use crate::project;
use crate::setup::libtorch;

/// Times that the programs run in turn; the least time of each counts.
const ROUNDS: usize = 3;

/// Images in the batch.
const BATCH: &str = "256";

/// What `lcl step` takes for each precision.
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
        literal = literal.min(milliseconds(&mut baseline(python))?);
        for (least, precision) in own.iter_mut().zip(PRECISIONS) {
            let mut step = lcl("step");
            step.args(["--batch", BATCH, "--precision", precision]);
            *least = least.min(milliseconds(&mut step)?);
        }
    }
    Ok(report(literal, own, json))
}

fn baseline(python: &Path) -> Command {
    let script = project::root().join("host-trainer/benches/literal_step.py");
    let mut command = Command::new(python);
    command.arg(script).args(["--batch", BATCH]).env_remove("LD_LIBRARY_PATH");
    command
}

/// Runs a program that prints one JSON object with `milliseconds`.
fn milliseconds(command: &mut Command) -> Result<f64> {
    command.env("OMP_NUM_THREADS", "1");
    let text = output(command).with_context(|| format!("{} failed", shown(command)))?;
    parsed(&text).with_context(|| format!("{} printed {text:?}", shown(command)))
}

fn parsed(text: &str) -> Option<f64> {
    let object = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let (name, value) = object.split_once(':')?;
    if name == "\"milliseconds\"" { value.trim().parse().ok() } else { None }
}

fn report(literal: f64, own: [f64; 2], json: bool) -> String {
    let mut text = String::new();
    if !json {
        let _ = writeln!(text, "a step of both stages, batch {BATCH}, one core\n");
        let _ = writeln!(text, "| | ms | ratio |\n|---|---|---|");
        let _ = writeln!(text, "| PyTorch, as the paper writes it | {literal:.0} | 1 |");
    }
    for (ms, precision) in own.into_iter().zip(PRECISIONS) {
        let ratio = ms / literal;
        let _ = if json {
            writeln!(
                text,
                "{{\"precision\":\"{precision}\",\"ms\":{ms:.1},\"literal_ms\":{literal:.1},\
                 \"ratio\":{ratio:.4}}}"
            )
        } else {
            writeln!(text, "| {precision} | {ms:.0} | {ratio:.2} |")
        };
    }
    text
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
        assert!(last.starts_with("{\"precision\":\"bfloat16\"") && last.ends_with("0.2000}"));
    }

    #[test]
    fn what_the_programs_print_is_understood() {
        assert_eq!(parsed("{\"milliseconds\": 12.5}\n"), Some(12.5));
        assert_eq!(parsed("{\"milliseconds\":12.5}"), Some(12.5));
        assert_eq!(parsed("{\"seconds\":12.5}"), None);
        assert_eq!(parsed(""), None);
    }
}
