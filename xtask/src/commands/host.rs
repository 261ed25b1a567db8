//! `cargo xtask train` and the other commands of the binary `lcl`: builds it and
//! passes everything on.

use std::env;
use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use super::exit_code;
use crate::process::{Logged, cargo, note, status};
use crate::setup::{self, libtorch};
use crate::{CHECKED, project};

/// The package of the binary.
const PACKAGE: &str = "host-trainer";

/// Exit status of an `lcl` without libtorch that was asked for more.
const NEEDS_LIBTORCH: i32 = 3;

/// Arguments that go to `lcl` as they are.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub struct Arguments {
    /// Everything that `lcl NAME` takes; see `cargo xtask NAME --help`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    passed_on: Vec<OsString>,
}

impl Arguments {
    /// Runs `lcl` with xtask's own command line. If `lcl` says that it needs libtorch
    /// for that, it is set up first.
    #[expect(clippy::unused_self, reason = "clap takes a `--` away: this is not from its fields")]
    pub fn run(&self) -> Result<ExitCode> {
        let command = || {
            let mut command = lcl_of("run");
            command.args(["--quiet", "--"]).args(env::args_os().skip(1));
            command
        };
        if !libtorch::is_ready() {
            build_lcl()?;
            let status = status(&mut command())?;
            if status.code() != Some(NEEDS_LIBTORCH) {
                return Ok(exit_code(status.code()));
            }
            note("setting libtorch up, and then the same command again");
            libtorch::ensure()?;
        }
        build_lcl()?;
        become_program(&mut command())
    }
}

/// Turns xtask into the program, so that signals, closed pipes and the exit
/// status are between the program and whoever started xtask.
fn become_program(command: &mut Command) -> Result<ExitCode> {
    #[cfg(unix)]
    {
        let name = crate::process::shown(command);
        Err(std::os::unix::process::CommandExt::exec(command))
            .with_context(|| format!("cannot start `{name}`"))
    }
    #[cfg(not(unix))]
    Ok(exit_code(status(command).context("cannot run lcl")?.code()))
}

/// Builds `lcl`, with libtorch only if it is there.
pub fn build_lcl() -> Result<()> {
    setup::jpeg()?;
    Logged::new("build-lcl", "building lcl (minutes the first time)")
        .run(&mut lcl_of("build"))
        .context("cannot build lcl")
}

/// Returns a command that runs `lcl NAME`; [`build_lcl`] goes first, as building
/// says nothing here.
pub fn lcl(name: &str) -> Command {
    let mut command = lcl_of("run");
    command.args(["--quiet", "--", name]);
    command
}

fn lcl_of(subcommand: &str) -> Command {
    let mut command = cargo_of(subcommand);
    command.args(["--bin", "lcl"]);
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

/// Returns a command of cargo for the package of `lcl`.
pub fn cargo_of(subcommand: &str) -> Command {
    let mut command = cargo();
    if let Some(config) = env::var_os(CHECKED.0) {
        command.arg("--config").arg(config);
    }
    command.args([subcommand, "--release", "--package", PACKAGE, "--manifest-path"]);
    command.arg(project::root().join("Cargo.toml"));
    command
}
