//! `cargo xtask emulate`: runs an example on an emulated board.

use std::fs;
use std::path::{Path, absolute};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

use super::host::build_lcl;
use super::{example, exit_code, out};
use crate::boards::{Board, Example, Output};
use crate::firmware::{Model, Program, Run};
use crate::process::{note, print, status};
use crate::project;

/// Arguments of `emulate`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    example: example::Arguments,
    /// Stop a program that takes longer
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask emulate --board mps2-an386 --example features
  cargo xtask emulate --board mps2-an386 --example features --image I.png --out F.safetensors
  cargo xtask emulate --board riscv32-virt --example camera --image photos --size 96
  cargo xtask emulate --board mps3-an547 --example watch --image frames --size 96 --out events.bin
  cargo xtask emulate --board mps2-an386 --example self-test --model M.lcl";

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let (board, example) = arguments.example.chosen()?;
    arguments.example.check_out()?;
    Run::ensure(board)?;
    let model = arguments.example.model()?;

    let folder = project::temporary_folder()?;
    let images = arguments.example.images(example);
    if let Some(images) = images {
        build_lcl()?;
        let status = status(&mut images.frames(model.path(), folder.path()))?;
        if !status.success() {
            return Ok(exit_code(status.code()));
        }
    }
    let program = Program::build(board, example, &model)?;
    Run::build_decoder()?;
    note(format_args!("{} on {}", example.name, board.description));
    let run = Run {
        board,
        program: &program,
        model: model.path(),
        folder: folder.path(),
        counting: example.counts,
        timeout: Duration::from_secs(arguments.timeout),
    };
    let ended = run.run(|line| print(format_args!("{line}\n")))?;
    if !ended.status.success() {
        note(format_args!("{} failed on {} ({})", example.name, board.name, ended.status));
        return Ok(exit_code(ended.status.code()));
    }
    let out = arguments.example.out.as_deref();
    match (out, images) {
        (Some(out), Some(images)) if example.output == Output::Features => {
            let status = status(&mut images.collect(model.path(), folder.path(), out))?;
            if !status.success() {
                return Ok(exit_code(status.code()));
            }
        }
        (Some(out), _) => copy_events(folder.path(), out)?,
        (None, _) => {}
    }
    print(summary((board, example), &model, out, ended.elapsed.as_secs_f64()))?;
    Ok(ExitCode::SUCCESS)
}

/// Puts the events where the user wants them; a program that had nothing to say leaves no file.
fn copy_events(folder: &Path, out: &Path) -> Result<()> {
    let events = folder.join("events.bin");
    let bytes = if events.exists() { fs::read(&events)? } else { Vec::new() };
    out::write(&bytes, out)
}

fn summary(
    (board, example): (&Board, &Example),
    model: &Model,
    out: Option<&Path>,
    seconds: f64,
) -> String {
    let head = format!(
        "\n  board    {} ({})\n  example  {}, ended well after {seconds:.1} s of emulation\n  \
         model    {} ({} bytes)\n",
        board.name,
        board.description,
        example.name,
        shown(model.path()),
        model.len()
    );
    let again = format!("cargo xtask emulate --board {} --example", board.name);
    let wrote = out.map_or_else(String::new, |out| {
        let len = fs::metadata(out).map_or(0, |metadata| metadata.len());
        format!("  wrote    {} ({len} bytes)\n", out.display())
    });
    let next = match (&*example.name, out) {
        ("features", None) => format!("{again} features --out features.safetensors"),
        ("features", Some(_)) => format!("{again} watch"),
        ("watch", None) => format!("{again} watch --out events.bin"),
        ("watch", Some(_)) => format!("{again} camera"),
        ("camera", _) => format!("{again} self-test"),
        _ => format!("cargo xtask bench --board {}", board.name),
    };
    format!("{head}{wrote}  next     {next}\n")
}

/// Returns a path as it is shortest to read: relative to where the user is.
fn shown(path: &Path) -> String {
    let here = absolute(".").unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}
