//! The kernels of this machine: milliseconds, and shares of the most that its
//! multipliers do.

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::commands::markdown;
use crate::process::{cargo, note, output, shown};
use crate::{project, setup};

/// The instruction that kernels are held against.
const PEAKS: [(&str, &str); 2] = [("avx512-vnni", "vpdpbusd zmm"), ("avx2", "vpmaddwd ymm")];

/// Times that everything runs in turn if baselines are measured too.
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

/// A measurement beside the kernels: an instruction's GMAC/s, or a baseline's
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
    let folder = project::temporary_folder()?;
    let mut own = cargo();
    own.args(["bench", "--quiet", "--package", "lcl-infer"]);
    let mut commands = vec![own];
    commands[0].args(["--features", "std", "--bench", "host"]);
    if baseline {
        for mut command in [setup::python_baselines()?, setup::tract()?] {
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

impl Figures {
    /// Takes in the output of a program: the least time and the highest peak of all
    /// runs stay.
    fn take(&mut self, text: &str) -> Result<()> {
        for line in text.lines() {
            let number = |field: &str| -> Result<f64> {
                field.parse().with_context(|| format!("cannot read the line {line:?}"))
            };
            match *line.split('\t').collect::<Vec<_>>() {
                ["time", size, kernels, operation, ms, macs] => {
                    let (size, ms, macs) = (size.parse()?, number(ms)?, number(macs)?);
                    let known = self.times.iter_mut().find(|time| {
                        (time.size, &*time.kernels, &*time.operation) == (size, kernels, operation)
                    });
                    let (kernels, operation) = (kernels.to_owned(), operation.to_owned());
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
        Some(gmacs(time) / find(&self.peaks, time.size, instruction)?)
    }

    fn table(&self) -> String {
        let mut names: Vec<&str> = self.baselines.iter().map(|mark| mark.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let head = "size | kernels or baseline | conv1 | pool1 | conv2 | pool2 | ms | GMAC/s | of the peak";
        let of_names = names.iter().map(|name| format!("of {name}"));
        let head = [head.to_owned()].into_iter().chain(of_names).collect::<Vec<_>>().join(" | ");
        let or_none =
            |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.2}"));
        let mut rows = Vec::new();
        for total in self.totals() {
            let mut fields = vec![total.size.to_string(), total.kernels.clone()];
            let own = |time: &&Time| (time.size, &time.kernels) == (total.size, &total.kernels);
            fields.extend(self.times.iter().filter(own).map(|time| format!("{:.3}", time.ms)));
            fields.extend([format!("{:.1}", gmacs(total)), or_none(self.share(total))]);
            let ratio =
                |name: &&str| find(&self.baselines, total.size, name).map(|ms| total.ms / ms);
            fields.extend(names.iter().map(|name| or_none(ratio(name))));
            rows.push(fields);
        }
        let marks = self.baselines.iter().map(|mark| (mark, 6, format!("{:.3}", mark.value)));
        let peaks = self.peaks.iter().map(|mark| (mark, 7, format!("{:.1}", mark.value)));
        for (mark, at, value) in marks.chain(peaks) {
            if self.totals().any(|total| total.size == mark.size) {
                let mut fields = vec!["–".to_owned(); 9 + names.len()];
                fields[0] = mark.size.to_string();
                fields[1].clone_from(&mark.name);
                fields[at] = value;
                rows.push(fields);
            }
        }
        markdown(&head, rows)
    }

    fn json(&self) -> String {
        let times = self.times.iter().map(|Time { size, kernels, operation, ms, macs }| {
            json!({"board": "host", "kernels": kernels, "size": size, "op": operation, "ms": ms,
                   "macs": macs})
        });
        let peaks = self.peaks.iter().map(|Mark { size, name, value }| {
            json!({"board": "host", "peak": name, "size": size, "gmacs_per_second": value})
        });
        let baselines = self.baselines.iter().map(|Mark { size, name, value }| {
            json!({"board": "host", "baseline": name, "size": size, "ms": value})
        });
        let objects = times.chain(peaks).chain(baselines).map(|object| object.to_string() + "\n");
        objects.collect()
    }
}

fn find(marks: &[Mark], size: u32, name: &str) -> Option<f64> {
    marks.iter().find(|mark| mark.size == size && mark.name == name).map(|mark| mark.value)
}

fn mark(marks: &mut Vec<Mark>, size: u32, name: &str, value: f64, best: fn(f64, f64) -> f64) {
    match marks.iter_mut().find(|mark| mark.size == size && mark.name == name) {
        Some(mark) => mark.value = best(mark.value, value),
        None => marks.push(Mark { size, name: name.to_owned(), value }),
    }
}

fn gmacs(time: &Time) -> f64 {
    time.macs / time.ms / 1e6
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
    fn the_best_of_several_runs_stays_and_ratios_stand_beside_the_times() {
        let mut figures = Figures::default();
        figures.take(RUN).expect("it is well formed");
        let expected = "| 96 | avx2 | 0.200 | 0.010 | 0.400 | 0.010 | 0.750 | 80.0 | 0.80 | 0.50 |";
        assert!(figures.table().lines().any(|line| line == expected), "{}", figures.table());
        let slower = "time\t96\tavx2\ttotal\t0.8\t60000000\nbaseline\t96\tother 1\t1.4\n";
        figures.take(slower).expect("it is well formed");
        let totals: Vec<f64> = figures.totals().map(|total| total.ms).collect();
        assert_eq!((totals, figures.baselines[0].value), (vec![0.75], 1.4));
        assert_eq!(figures.json().lines().count(), 7);
        assert!(Figures::default().take("baseline\t96\tother 1\tfast").is_err());
    }
}
