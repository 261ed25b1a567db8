//! The kernels of this machine: milliseconds, and shares of what its
//! multipliers do at most.

use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::firmware::TemporaryFolder;
use crate::process::{cargo, note, output, shown};
use crate::setup::host_baselines;

/// Which kernels are held against which instruction.
const PEAKS: [(&str, &str); 2] = [("avx512-vnni", "vpdpbusd zmm"), ("avx2", "vpmaddwd ymm")];

/// Times that everything runs in turn where baselines are measured too.
const ROUNDS: usize = 3;

/// Seconds of a baseline in a round.
const BASELINE_SECONDS: &str = "4";

/// One operation of one table of kernels.
#[derive(Clone, Debug, PartialEq)]
struct Time {
    size: u32,
    kernels: String,
    operation: String,
    ms: f64,
    macs: f64,
}

/// What is measured beside the kernels: an instruction's GMAC/s, or a baseline's
/// milliseconds.
#[derive(Clone, Debug, PartialEq)]
struct Mark {
    size: u32,
    name: String,
    value: f64,
}

/// The best of every run.
#[derive(Debug, Default)]
struct Figures {
    times: Vec<Time>,
    peaks: Vec<Mark>,
    baselines: Vec<Mark>,
}

/// Measures, and returns a table or one JSON object a line.
pub fn measure(size: Option<u32>, baseline: bool, json: bool) -> Result<String> {
    let folder = TemporaryFolder::new()?;
    let mut commands = vec![own()];
    if baseline {
        for mut command in [host_baselines::python_packages()?, host_baselines::tract()?] {
            command.arg(folder.path()).arg(BASELINE_SECONDS);
            commands.push(command);
        }
    }
    note("measuring: leave the machine alone for a minute");
    let mut figures = Figures::default();
    for _ in 0..if baseline { ROUNDS } else { 1 } {
        for command in &mut commands {
            let Some(text) = output(command) else {
                bail!("`{}` failed: run it by hand to see why", shown(command));
            };
            figures.take(&text)?;
        }
    }
    if let Some(size) = size {
        figures.times.retain(|time| time.size == size);
    }
    if figures.times.is_empty() {
        bail!("nothing was measured at that size: leave out --size to see every size");
    }
    Ok(if json { figures.json() } else { figures.table() })
}

/// Returns the benchmark of lcl-infer, as a command.
fn own() -> Command {
    let mut command = cargo();
    command.args(["bench", "--quiet", "--package", "lcl-infer"]);
    command.args(["--features", "std", "--bench", "host"]);
    command
}

impl Figures {
    /// Takes in what a program prints: the least time and the highest peak of
    /// all runs stay.
    fn take(&mut self, text: &str) -> Result<()> {
        for line in text.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let number = |field: &str| -> Result<f64> {
                field.parse().with_context(|| format!("cannot read the line {line:?}"))
            };
            match fields.as_slice() {
                ["time", size, kernels, operation, ms, macs] => {
                    let (ms, macs) = (number(ms)?, number(macs)?);
                    let (kernels, operation) = (kernels.to_string(), operation.to_string());
                    let size = size.parse()?;
                    let known = self.times.iter_mut().find(|time| {
                        (time.size, &time.kernels, &time.operation) == (size, &kernels, &operation)
                    });
                    match known {
                        Some(time) => time.ms = time.ms.min(ms),
                        None => self.times.push(Time { size, kernels, operation, ms, macs }),
                    }
                }
                ["peak", size, name, gmacs] => {
                    mark(&mut self.peaks, size.parse()?, name, number(gmacs)?, f64::max);
                }
                ["baseline", size, name, ms] => {
                    mark(&mut self.baselines, size.parse()?, name, number(ms)?, f64::min);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn totals(&self) -> impl Iterator<Item = &Time> {
        self.times.iter().filter(|time| time.operation == "total")
    }

    /// Returns the share of its instruction's peak that a total reaches.
    fn share(&self, time: &Time) -> Option<f64> {
        let (_, instruction) = PEAKS.iter().find(|(kernels, _)| *kernels == time.kernels)?;
        let same = |peak: &&Mark| peak.size == time.size && peak.name == *instruction;
        Some(gmacs(time) / self.peaks.iter().find(same)?.value)
    }

    fn table(&self) -> String {
        let mut text = String::new();
        let mut line = |fields: &[String]| {
            let _ = writeln!(text, "| {} |", fields.join(" | "));
        };
        let heads =
            ["size", "kernels or baseline", "conv1", "pool1", "conv2", "pool2", "ms", "GMAC/s"];
        let mut head: Vec<String> = heads.map(str::to_owned).to_vec();
        head.push("of the peak".to_owned());
        let names: Vec<&str> = unique(self.baselines.iter().map(|baseline| baseline.name.as_str()));
        head.extend(names.iter().map(|name| format!("of {name}")));
        line(&head);
        line(&vec!["---".to_owned(); head.len()]);
        for total in self.totals() {
            let mut fields = vec![total.size.to_string(), total.kernels.clone()];
            let own = |time: &&Time| (time.size, &time.kernels) == (total.size, &total.kernels);
            fields.extend(self.times.iter().filter(own).map(|time| format!("{:.3}", time.ms)));
            fields.push(format!("{:.1}", gmacs(total)));
            fields.push(self.share(total).map_or_else(none, |share| format!("{share:.2}")));
            for name in &names {
                let same = |baseline: &&Mark| baseline.size == total.size && baseline.name == *name;
                let ratio =
                    self.baselines.iter().find(same).map(|baseline| total.ms / baseline.value);
                fields.push(ratio.map_or_else(none, |ratio| format!("{ratio:.2}")));
            }
            line(&fields);
        }
        let sizes = unique(self.totals().map(|total| total.size));
        for baseline in self.baselines.iter().filter(|baseline| sizes.contains(&baseline.size)) {
            let mut fields = vec![none(); head.len()];
            fields[..2].clone_from_slice(&[baseline.size.to_string(), baseline.name.clone()]);
            fields[6] = format!("{:.3}", baseline.value);
            line(&fields);
        }
        for peak in self.peaks.iter().filter(|peak| sizes.contains(&peak.size)) {
            let mut fields = vec![none(); head.len()];
            fields[..2].clone_from_slice(&[peak.size.to_string(), peak.name.clone()]);
            fields[7] = format!("{:.1}", peak.value);
            line(&fields);
        }
        text
    }

    fn json(&self) -> String {
        let mut text = String::new();
        for Time { size, kernels, operation, ms, macs } in &self.times {
            let _ = writeln!(
                text,
                r#"{{"board": "host", "kernels": "{kernels}", "size": {size}, "op": "{operation}", "ms": {ms}, "macs": {macs}}}"#
            );
        }
        for Mark { size, name, value } in &self.peaks {
            let _ = writeln!(
                text,
                r#"{{"board": "host", "peak": "{name}", "size": {size}, "gmacs_per_second": {value}}}"#
            );
        }
        for Mark { size, name, value } in &self.baselines {
            let _ = writeln!(
                text,
                r#"{{"board": "host", "baseline": "{name}", "size": {size}, "ms": {value}}}"#
            );
        }
        text
    }
}

fn mark(marks: &mut Vec<Mark>, size: u32, name: &str, value: f64, best: fn(f64, f64) -> f64) {
    match marks.iter_mut().find(|mark| mark.size == size && mark.name == name) {
        Some(mark) => mark.value = best(mark.value, value),
        None => marks.push(Mark { size, name: name.to_owned(), value }),
    }
}

/// Returns 10^9 multiply-accumulates a second.
fn gmacs(time: &Time) -> f64 {
    time.macs / time.ms / 1e6
}

fn none() -> String {
    "–".to_owned()
}

fn unique<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut unique = Vec::new();
    for item in items {
        if !unique.contains(&item) {
            unique.push(item);
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "\
peak\t96\tvpmaddwd ymm\t100.0
time\t96\tavx2\tconv1\t0.2\t10000000
time\t96\tavx2\tpool1\t0.01\t0
time\t96\tavx2\tconv2\t0.4\t50000000
time\t96\tavx2\tpool2\t0.01\t0
time\t96\tavx2\ttotal\t0.75\t60000000
baseline\t96\tother 1\t1.5
";

    #[test]
    fn the_best_of_several_runs_stays() {
        let mut figures = Figures::default();
        figures.take(RUN).expect("it is well formed");
        let slower = "time\t96\tavx2\ttotal\t0.8\t60000000\nbaseline\t96\tother 1\t1.4\n";
        figures.take(slower).expect("it is well formed");
        let totals: Vec<f64> = figures.totals().map(|total| total.ms).collect();
        assert_eq!((totals, figures.baselines[0].value), (vec![0.75], 1.4));
    }

    #[test]
    fn ratios_stand_beside_the_times() {
        let mut figures = Figures::default();
        figures.take(RUN).expect("it is well formed");
        let expected = "| 96 | avx2 | 0.200 | 0.010 | 0.400 | 0.010 | 0.750 | 80.0 | 0.80 | 0.50 |";
        assert!(figures.table().lines().any(|line| line == expected), "{}", figures.table());
    }

    #[test]
    fn a_damaged_line_is_an_error() {
        assert!(Figures::default().take("baseline\t96\tother 1\tfast").is_err());
    }
}
