//! Running programs, and what xtask prints.

mod logged;
mod running;
#[cfg(unix)]
mod signals;

use std::env;
use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

pub use logged::Logged;
pub use running::{Running, until_signal};

/// Prints what xtask is about to do.
pub fn note(text: impl Display) {
    // Whoever closed standard error does not want to know.
    writeln!(io::stderr(), "xtask: {text}").ok();
}

/// Prints to standard output. A reader that went away, as `head` does, wants no
/// more: that is no error, and the work is done to its end.
pub fn print(text: impl Display) -> Result<()> {
    let mut output = io::stdout().lock();
    match write!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// Returns the cargo that runs xtask, as a command.
pub fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Returns the command as a user would type it.
pub fn shown(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
    let arguments = command.get_args().map(|argument| quoted(&argument.to_string_lossy()));
    [name.into_owned()].into_iter().chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Returns a word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

pub fn status(command: &mut Command) -> Result<ExitStatus> {
    Running::start(command)?.wait()
}

/// Runs a command that is to succeed.
pub fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// Returns the output of a command, or `None` if it cannot run or fails.
pub fn output(command: &mut Command) -> Option<String> {
    command.stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::piped());
    let mut running = Running::start(command).ok()?;
    let mut bytes = Vec::new();
    running.take_stdout()?.read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    running.wait().ok()?.success().then_some(text)
}

/// Returns the path of a program in the `PATH`.
pub fn find(program: impl AsRef<OsStr>) -> Option<PathBuf> {
    let name = format!("{}{}", program.as_ref().to_string_lossy(), env::consts::EXE_SUFFIX);
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(&name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_a_shell_takes_them() {
        let mut command = Command::new("/usr/bin/tool");
        command.args(["--out", "a b", "", "it's", "$HOME", "n=1"]);
        assert_eq!(shown(&command), r"tool --out 'a b' '' 'it'\''s' '$HOME' n=1");
    }
}
