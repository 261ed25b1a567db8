//! `cargo xtask test`: every check of the project, one after another.

mod steps;

use std::fmt;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::process::{note, print, run as run_command, shown};
use steps::{STEPS, Step};

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
    /// It is skipped, and the others decide.
    Skips,
    /// It fails.
    Fails,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

/// Runs the command; with `CI=true` no step may be skipped.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true" || value == "1");
    run_with(arguments, if is_ci { Missing::Fails } else { Missing::Skips })
}

/// Runs the checks; `missing` says what a missing tool means.
pub fn run_with(arguments: &Arguments, missing: Missing) -> Result<ExitCode> {
    if arguments.list {
        for step in STEPS {
            print(format_args!("{:<12} {}\n", step.name, step.description))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = choose(&arguments.steps)?;
    let mut results = Vec::new();
    for step in chosen {
        note(format!("{}: {}", step.name, step.description));
        let started = Instant::now();
        let outcome = run_step(step, missing);
        if let Outcome::Failed(reason) | Outcome::Skipped(reason) = &outcome {
            note(format!("{}: {reason}", step.name));
        }
        results.push((step.name, outcome, started.elapsed()));
    }
    print(table(&results))?;
    Ok(if any_failed(&results) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn any_failed(results: &[(&str, Outcome, Duration)]) -> bool {
    results.iter().any(|(_, outcome, _)| matches!(outcome, Outcome::Failed(_)))
}

fn choose(names: &[String]) -> Result<Vec<&'static Step>> {
    if names.is_empty() {
        return Ok(STEPS.iter().collect());
    }
    let find = |name: &String| {
        let Some(step) = STEPS.iter().find(|step| step.name == name) else {
            let known: Vec<_> = STEPS.iter().map(|step| step.name).collect();
            bail!("unknown step `{name}`; the steps are: {}", known.join(", "));
        };
        Ok(step)
    };
    names.iter().map(find).collect()
}

fn run_step(step: &Step, missing: Missing) -> Outcome {
    let commands = match (step.prepare)() {
        Ok(commands) => commands,
        Err(error) if missing == Missing::Skips => return Outcome::Skipped(format!("{error:#}")),
        Err(error) => return Outcome::Failed(format!("{error:#}")),
    };
    for mut command in commands {
        note(format!("$ {}", shown(&command)));
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

fn table(results: &[(&str, Outcome, Duration)]) -> String {
    let row = |name: &str, elapsed: Duration, outcome: &dyn fmt::Display| {
        format!("{name:<12} {:>7}  {outcome}\n", elapsed.as_secs())
    };
    let rows = results.iter().map(|(name, outcome, elapsed)| row(name, *elapsed, outcome));
    let total = results.iter().map(|(_, _, elapsed)| *elapsed).sum();
    let failed = results.iter().filter(|(_, outcome, _)| matches!(outcome, Outcome::Failed(_)));
    let verdict = format!("{} of {} steps failed", failed.count(), results.len());
    let rows = rows.chain([row("total", total, &verdict)]).collect::<Vec<_>>();
    format!("\n{:<12} {:>7}  result\n{}", "step", "seconds", rows.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_chosen_by_name() {
        assert_eq!(choose(&[]).map(|steps| steps.len()).ok(), Some(STEPS.len()));
        let error = choose(&["lint".to_owned()]).expect_err("there is none").to_string();
        assert!(error.contains("lint") && error.contains("clippy"), "{error}");
    }

    #[test]
    fn a_missing_tool_skips_a_step_unless_none_may_be_skipped() {
        let step = Step {
            name: "step",
            description: "needs what is not there",
            prepare: || bail!("the tool is missing"),
        };
        let reason = "the tool is missing".to_owned();
        assert_eq!(run_step(&step, Missing::Skips), Outcome::Skipped(reason.clone()));
        assert_eq!(run_step(&step, Missing::Fails), Outcome::Failed(reason));
    }

    #[cfg(unix)]
    #[test]
    fn a_step_fails_with_its_first_command_that_fails_whatever_is_missing() {
        use std::process::Command;

        let step = |prepare| Step { name: "step", description: "runs commands", prepare };
        let check = |step: &Step, expected: &str| {
            for missing in [Missing::Skips, Missing::Fails] {
                let Outcome::Failed(reason) = run_step(step, missing) else { panic!("it passed") };
                assert!(reason.contains(expected), "{reason}");
            }
        };
        check(&step(|| Ok(vec![Command::new("true"), Command::new("false")])), "`false` failed");
        check(&step(|| Ok(vec![Command::new("no-such-tool")])), "cannot start `no-such-tool`");
        let sound = step(|| Ok(vec![Command::new("true")]));
        assert_eq!(run_step(&sound, Missing::Skips), Outcome::Passed);
    }

    #[test]
    fn one_failure_among_steps_is_the_status() {
        let took = Duration::ZERO;
        let failed = ("a", Outcome::Failed("why".to_owned()), took);
        let results = [("b", Outcome::Passed, took), failed, ("c", Outcome::Passed, took)];
        assert!(any_failed(&results));
        assert!(!any_failed(&results[..1]));
        assert!(table(&results).contains("1 of 3 steps failed"));
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
        let skipped = Outcome::Skipped("no QEMU".to_owned());
        let results = [
            ("format", Outcome::Passed, Duration::from_secs(2)),
            ("board", skipped, Duration::from_secs(1)),
        ];
        let expected = "
step         seconds  result
format             2  passed
board              1  skipped: no QEMU
total              3  0 of 2 steps failed
";
        assert_eq!(table(&results), expected);
    }
}
