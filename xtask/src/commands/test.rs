//! `cargo xtask test`: every check of the project, one after another.

mod steps;

use std::fmt;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::boards;
use crate::process::{note, print, run as run_command, shown};
use steps::STEPS;

/// Arguments of `test` and `ci`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Only these steps [default: all]
    steps: Vec<String>,
    /// List the steps
    #[arg(long)]
    list: bool,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask test
  cargo xtask test format clippy
  cargo xtask test --list";

/// What a step is whose tool is missing and cannot be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    Skips,
    Fails,
}

impl Missing {
    /// With `CI=true` no step may be skipped.
    pub fn of_environment() -> Self {
        let is_ci = std::env::var("CI").is_ok_and(|value| value == "true" || value == "1");
        if is_ci { Self::Fails } else { Self::Skips }
    }
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

/// Runs the checks; `missing` says what a missing tool means.
pub fn run(arguments: &Arguments, missing: Missing) -> Result<ExitCode> {
    if arguments.list {
        for step in &*STEPS {
            print(format_args!("{:<12} {}\n", step.name, step.shows))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let find = |name: &String| boards::named("step", STEPS.iter(), name, |step| &step.name);
    let mut chosen = arguments.steps.iter().map(find).collect::<Result<Vec<_>>>()?;
    if chosen.is_empty() {
        chosen = STEPS.iter().collect();
    }
    let mut results = Vec::new();
    for step in chosen {
        note(format_args!("{}: {}", step.name, step.shows));
        let started = Instant::now();
        let outcome = run_step(step.prepare(), missing);
        if let Outcome::Failed(reason) | Outcome::Skipped(reason) = &outcome {
            note(format_args!("{}: {reason}", step.name));
        }
        results.push((&*step.name, outcome, started.elapsed()));
    }
    print(table(&results))?;
    Ok(if count_failed(&results) > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn run_step(prepared: Result<Vec<Command>>, missing: Missing) -> Outcome {
    let commands = match prepared {
        Ok(commands) => commands,
        Err(error) if missing == Missing::Skips => return Outcome::Skipped(format!("{error:#}")),
        Err(error) => return Outcome::Failed(format!("{error:#}")),
    };
    for mut command in commands {
        note(format_args!("$ {}", shown(&command)));
        if let Err(error) = run_command(&mut command) {
            return Outcome::Failed(format!("{error:#}"));
        }
    }
    Outcome::Passed
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => write!(f, "passed"),
            Self::Failed(reason) => write!(f, "FAILED: {reason}"),
            Self::Skipped(reason) => write!(f, "skipped: {reason}"),
        }
    }
}

fn count_failed(results: &[(&str, Outcome, Duration)]) -> usize {
    results.iter().filter(|(_, outcome, _)| matches!(outcome, Outcome::Failed(_))).count()
}

fn table(results: &[(&str, Outcome, Duration)]) -> String {
    let line =
        |name: &str, seconds: &str, result: &str| format!("{name:<12} {seconds:>7}  {result}\n");
    let rows = results
        .iter()
        .map(|(name, outcome, took)| line(name, &took.as_secs().to_string(), &outcome.to_string()));
    let total: Duration = results.iter().map(|(_, _, took)| *took).sum();
    let failed = format!("{} of {} steps failed", count_failed(results), results.len());
    let total = line("total", &total.as_secs().to_string(), &failed);
    format!("\n{}{}{total}", line("step", "seconds", "result"), rows.collect::<String>())
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_step_fails_with_its_first_command_that_fails_and_a_missing_tool_as_it_is_asked() {
        let programs = |names: &[&str]| Ok(names.iter().map(Command::new).collect());
        for missing in [Missing::Skips, Missing::Fails] {
            for (names, expected) in [
                (&["true", "false"][..], "`false` failed"),
                (&["no-such-tool"], "cannot start `no-such-tool`"),
            ] {
                let outcome = run_step(programs(names), missing);
                assert!(matches!(&outcome, Outcome::Failed(reason) if reason.contains(expected)));
            }
            assert_eq!(run_step(programs(&["true"]), missing), Outcome::Passed);
        }
        let reason = "the tool is missing".to_owned();
        let error = || Err(anyhow!("the tool is missing"));
        assert_eq!(run_step(error(), Missing::Skips), Outcome::Skipped(reason.clone()));
        assert_eq!(run_step(error(), Missing::Fails), Outcome::Failed(reason));
    }

    #[test]
    fn tests_that_a_step_names_are_there() {
        // Cargo is content with a filter that no test passes.
        let tests = crate::project::root().join("tests/integration");
        let main = std::fs::read_to_string(tests.join("main.rs")).expect("it is there");
        let report = std::fs::read_to_string(tests.join("report.rs")).expect("it is there");
        assert!(main.contains("\nmod report;") && report.contains("\n#[test]\n"));
    }

    #[test]
    fn the_table_says_how_each_step_ended() {
        let results = [
            ("format", Outcome::Passed, Duration::from_secs(2)),
            ("board", Outcome::Skipped("no QEMU".to_owned()), Duration::from_secs(1)),
            ("docs", Outcome::Failed("why".to_owned()), Duration::from_secs(1)),
        ];
        let expected = "
step         seconds  result
format             2  passed
board              1  skipped: no QEMU
docs               1  FAILED: why
total              4  1 of 3 steps failed
";
        assert_eq!(table(&results), expected);
        assert_eq!(count_failed(&results[..2]), 0);
    }
}
