//! `cargo xtask train` and the other commands of the binary `lcl`: sets up
//! what the command needs and passes everything on.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::process::{Logged, cargo};
use crate::project;
use crate::setup::{jpeg, libtorch};

/// Arguments that go to `lcl` as they are.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub struct Arguments {
    /// Everything that `lcl NAME` takes; see `cargo xtask NAME --help`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    passed_on: Vec<OsString>,
}

/// Runs `lcl NAME` with all arguments that follow NAME on xtask's command
/// line.
pub fn run(name: &str) -> Result<ExitCode> {
    // Not from clap, which takes a `--` away.
    let arguments: Vec<_> = env::args_os().skip(2).collect();
    if needs_libtorch(name, &arguments) {
        libtorch::ensure()?;
    }
    build_lcl()?;
    become_program(lcl(name).args(arguments))
}

/// Turns xtask into the program, so that signals, closed pipes and the exit
/// status are between the program and who started xtask.
#[cfg(unix)]
fn become_program(command: &mut Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;

    let name = crate::process::shown(command);
    Err(command.exec()).with_context(|| format!("cannot start `{name}`"))
}

#[cfg(not(unix))]
fn become_program(command: &mut Command) -> Result<ExitCode> {
    let status = crate::process::status(command).context("cannot run lcl")?;
    Ok(exit_code(status.code()))
}

/// Builds `lcl`, with libtorch only if it is there.
pub fn build_lcl() -> Result<()> {
    jpeg::ensure()?;
    let step = Logged {
        name: "build-lcl",
        doing: "building lcl (minutes the first time)",
        undisturbed: false,
    };
    step.run(&mut lcl_of("build")).context("cannot build lcl")
}

/// Returns a command that runs `lcl NAME`; [`build_lcl`] goes first, as building
/// says nothing here.
pub fn lcl(name: &str) -> Command {
    let mut command = lcl_of("run");
    command.args(["--quiet", "--", name]);
    command
}

fn lcl_of(subcommand: &str) -> Command {
    let mut command = cargo();
    command.args([subcommand, "--release", "--package", "host-trainer", "--bin", "lcl"]);
    command.arg("--manifest-path").arg(project::root().join("Cargo.toml"));
    if !libtorch::is_ready() {
        command.arg("--no-default-features");
    }
    if env::var_os("LIBTORCH").is_none() {
        // As the project's cargo configuration has it, which cargo reads only in
        // the project's folders.
        command.env("LIBTORCH", project::libtorch_link());
    }
    command
}

/// Returns the exit status to end with, after a program that ended with
/// `code` or by a signal.
pub fn exit_code(code: Option<i32>) -> ExitCode {
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// Returns whether the command computes in float.
fn needs_libtorch(name: &str, arguments: &[OsString]) -> bool {
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        return false;
    }
    match name {
        "train" | "quantise" | "compare" => true,
        "features" => model(arguments)
            .is_some_and(|model| Path::new(&model).extension() == Some(OsStr::new("safetensors"))),
        "evaluate" => names_float_network(arguments),
        _ => false,
    }
}

/// Returns whether an evaluation is of a checkpoint or of the untrained
/// network, as any of its models.
fn names_float_network(arguments: &[OsString]) -> bool {
    let responses = |at: usize| at > 0 && arguments[at - 1] == "--responses";
    arguments.iter().enumerate().any(|(at, argument)| {
        let text = argument.to_string_lossy();
        let value = text.split_once('=').map_or(&*text, |(_, value)| value);
        let untrained = value == "untrained" || value.starts_with("untrained:");
        let checkpoint = Path::new(value).extension() == Some(OsStr::new("safetensors"));
        untrained || checkpoint && !responses(at) && !text.starts_with("--responses=")
    })
}

/// Returns the value of `--model VALUE` or `--model=VALUE`.
fn model(arguments: &[OsString]) -> Option<OsString> {
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--model" {
            return arguments.next().cloned();
        }
        if let Some(value) = argument.to_str().and_then(|text| text.strip_prefix("--model=")) {
            return Some(value.into());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, line: &str, expected: bool) {
        let arguments: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        assert_eq!(needs_libtorch(name, &arguments), expected, "{name} {line}");
    }

    #[test]
    fn libtorch_is_asked_for_only_where_floats_are_computed() {
        check("train", "", true);
        check("inspect", "m.lcl", false);
        check("features", "--model m.lcl --images i --out f.safetensors", false);
        check("features", "--model=c.safetensors --images i --out f.safetensors", true);
        check("features", "--images i --model c.safetensors --out f.safetensors", true);
        check("train", "--help", false);
        check("evaluate", "behaviour --decisions d.csv", false);
        check("evaluate", "probe --model m.lcl c.safetensors --data d", true);
        check("evaluate", "texture --model m.lcl --images i --against untrained", true);
        check("evaluate", "neural --model=untrained:1 --responses r.npz", true);
        check("evaluate", "neural --model m.lcl --responses r.safetensors", false);
    }

    #[test]
    fn the_status_is_passed_on() {
        assert_eq!(exit_code(Some(0)), ExitCode::SUCCESS);
        assert_eq!(exit_code(Some(3)), ExitCode::from(3));
        assert_eq!(exit_code(None), ExitCode::FAILURE);
    }
}
