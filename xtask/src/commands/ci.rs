//! `cargo xtask ci`: all checks, and none may be skipped.

use std::process::ExitCode;

use anyhow::Result;

use super::test::{self, Arguments, Missing};

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    test::run_with(arguments, Missing::Fails)
}
