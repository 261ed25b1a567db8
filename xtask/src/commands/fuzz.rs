//! `cargo xtask fuzz`: any bytes into lcl-infer.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::process::{Logged, cargo, note, output, print, run as run_command, shown};
use crate::project;
use crate::setup::rustup;

/// Most bytes of an input: enough for any geometry and for a small model.
const MAX_LEN: usize = 4096;

/// Seconds after which one input is taken for hung.
const TIMEOUT: u64 = 25;

/// Arguments of `fuzz`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// What to fuzz [default: each]
    #[arg(value_enum)]
    target: Option<Target>,
    /// How long, for each target
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u64,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask fuzz
  cargo xtask fuzz stream --seconds 1800

Inputs that reach something new are kept in fuzz/corpus and run first the next
time. An input that fails is in fuzz/artifacts; run it alone with
  cargo +nightly fuzz run TARGET fuzz/artifacts/TARGET/FILE";

/// What is fuzzed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// Opening any bytes as a blob
    Open,
    /// Streaming rows through any blob that opens, with every kernel
    Stream,
    /// Watching maps of any size, and reading any bytes as events
    Watch,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let target = arguments.target;
    let targets = target.as_ref().map_or(Target::value_variants(), std::slice::from_ref);
    for mut command in commands(targets, arguments.seconds)? {
        note(format_args!("$ {}", shown(&command)));
        run_command(&mut command)?;
    }
    print(format_args!("\n  nothing was found in {} s for each target\n", arguments.seconds))?;
    Ok(ExitCode::SUCCESS)
}

/// Installs what fuzzing needs and returns what it runs: the inputs to start
/// from, then each target.
pub fn commands(targets: &[Target], seconds: u64) -> Result<Vec<Command>> {
    rustup::toolchain("nightly", None).context("fuzzing needs a nightly Rust")?;
    let nightly = || rustup::of("nightly", "cargo");
    if output(nightly().args(["fuzz", "--version"])).is_none() {
        Logged::new("install-cargo-fuzz", "installing cargo-fuzz (about a minute)")
            .run(cargo().args(["install", "cargo-fuzz", "--locked"]))?;
    }
    let folder = project::root().join("fuzz");
    let mut seeds = cargo();
    seeds.current_dir(&folder).args(["run", "--quiet", "--example", "seeds", "--", "corpus"]);
    let targets = targets.iter().map(|target| {
        let name = format!("{target:?}").to_lowercase();
        let mut command = nightly();
        command.current_dir(&folder).args(["fuzz", "run", "--fuzz-dir", ".", &name]);
        command.arg(format!("corpus/{name}")).arg("--");
        command.arg(format!("-max_total_time={seconds}"));
        command.arg(format!("-max_len={MAX_LEN}"));
        command.arg(format!("-timeout={TIMEOUT}"));
        command.args(["-print_final_stats=1", "-verbosity=0"]);
        command
    });
    Ok([seeds].into_iter().chain(targets).collect())
}
