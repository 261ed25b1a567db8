//! Prints a defmt log: the bytes of a board on standard input, lines on
//! standard output, as they come.
//!
//! It is a program of its own so that xtask stays quick to build: only what
//! runs a board needs the decoder.

use std::io::{ErrorKind, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs, io};

use anyhow::{Context, Result, bail};
use defmt_decoder::{DecodeError, Frame, StreamDecoder, Table};

fn main() -> ExitCode {
    match decode() {
        Err(error) if !is_closed(&error) => {
            writeln!(io::stderr(), "error: {error:#}").ok();
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Returns whether nobody reads the lines any more, so that there is nobody to
/// tell.
fn is_closed(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

fn decode() -> Result<()> {
    let elf = env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .context("which program writes the log? Usage: defmt-log ELF < LOG")?;
    let bytes = fs::read(&elf).with_context(|| format!("cannot read {}", elf.display()))?;
    let table = Table::parse(&bytes)
        .with_context(|| format!("cannot read the log's formats in {}", elf.display()))?;
    let Some(table) = table else {
        bail!("{} has no defmt log", elf.display());
    };
    print(&mut *table.new_stream_decoder(), table.encoding().can_recover())
}

fn print(decoder: &mut dyn StreamDecoder, can_recover: bool) -> Result<()> {
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let mut bytes = [0; 4096];
    loop {
        let count = input.read(&mut bytes).context("cannot read the log")?;
        if count == 0 {
            return Ok(());
        }
        decoder.received(&bytes[..count]);
        loop {
            match decoder.decode() {
                Ok(frame) => writeln!(output, "{}", line(&frame))?,
                Err(DecodeError::UnexpectedEof) => break,
                Err(DecodeError::Malformed) if can_recover => {
                    writeln!(output, "(a damaged line of the log)")?;
                }
                Err(DecodeError::Malformed) => bail!("the log is damaged"),
            }
        }
        output.flush()?;
    }
}

/// Returns what a line says, after its level where that is a warning or worse.
fn line(frame: &Frame<'_>) -> String {
    let message = frame.display_message();
    match frame.level() {
        Some(level) if matches!(level.as_str(), "warn" | "error") => {
            format!("{}: {message}", level.as_str())
        }
        _ => message.to_string(),
    }
}
