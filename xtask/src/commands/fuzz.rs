//! `cargo xtask fuzz`: any bytes into lcl-infer.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::process::{Logged, Running, cargo, note, output, print, run as run_command, shown};
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

/// Fuzzes all targets at the same time.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let target = arguments.target;
    let targets = target.as_ref().map_or(Target::value_variants(), std::slice::from_ref);
    rustup::toolchain("nightly", None).context("fuzzing needs a nightly Rust")?;
    let fuzz = || {
        let mut command = rustup::of("nightly", "cargo");
        command.current_dir(project::root().join("fuzz")).arg("fuzz");
        command
    };
    if output(fuzz().arg("--version")).is_none() {
        Logged::new("install-cargo-fuzz", "installing cargo-fuzz (about a minute)")
            .run(cargo().args(["install", "cargo-fuzz", "--locked"]))?;
    }
    // The inputs to start from.
    let mut seeds = cargo();
    seeds.current_dir(project::root().join("fuzz"));
    run_command(seeds.args(["run", "--quiet", "--example", "seeds", "--", "corpus"]))?;
    run_command(fuzz().args(["build", "--fuzz-dir", "."]))?;
    let mut running = Vec::new();
    for target in targets {
        let name = format!("{target:?}").to_lowercase();
        let mut command = fuzz();
        command.args(["run", "--fuzz-dir", ".", &name]).arg(format!("corpus/{name}")).arg("--");
        command.arg(format!("-max_total_time={}", arguments.seconds));
        command.arg(format!("-max_len={MAX_LEN}")).arg(format!("-timeout={TIMEOUT}"));
        command.args(["-print_final_stats=1", "-verbosity=0"]);
        note(format_args!("$ {}", shown(&command)));
        running.push((name, Running::start(&mut command)?));
    }
    for (name, mut target) in running {
        let status = target.wait()?;
        ensure!(status.success(), "fuzzing `{name}` failed ({status})");
    }
    print(format_args!("\n  no failure in {} s of each target\n", arguments.seconds))?;
    Ok(ExitCode::SUCCESS)
}
