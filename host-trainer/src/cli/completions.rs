//! `lcl completions`: what a shell needs to complete the command line.

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;
use host_trainer::say;

/// Prints a script that lets a shell complete commands and options
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lcl completions bash > ~/.local/share/bash-completion/completions/lcl
  lcl completions zsh > ~/.zfunc/_lcl
  lcl completions fish > ~/.config/fish/completions/lcl.fish")]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "lcl", &mut script);
    say!("{}", String::from_utf8(script).context("the script of the shell")?.trim_end());
    Ok(())
}
