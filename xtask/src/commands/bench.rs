//! `cargo xtask bench`: counts what each operation costs on a board.

mod line;
mod page;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::host::exit_code;
use crate::boards;
use crate::firmware::{Program, Run, TemporaryFolder, check_fits, find_model};
use crate::process::note;
use line::Line;

/// Arguments of `bench`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Board, such as mps2-an386
    #[arg(long)]
    board: String,
    /// Blob to place in the board's flash [default: the newest run's]
    #[arg(long, value_name = "M.lcl")]
    model: Option<PathBuf>,
    /// Report only this image size, in pixels
    #[arg(long, value_name = "N")]
    size: Option<u32>,
    /// Print one JSON object a line instead of a table
    #[arg(long)]
    json: bool,
    /// Put the figures into docs/benchmarks.md
    #[arg(long)]
    page: bool,
    /// Stop a program that takes longer
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask bench --board mps2-an386
  cargo xtask bench --board mps2-an386 --size 96 --json";

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let board = boards::board(&arguments.board)?;
    let example = boards::example("bench")?;
    let model = find_model(arguments.model.as_deref())?;
    Run::ensure(board)?;
    let program = Program::build(board, example)?;
    check_fits(&model, program.model_partition())?;

    note(format!("counting on {}", board.description));
    let folder = TemporaryFolder::new()?;
    let run = Run {
        board,
        program: &program,
        model: &model,
        folder: folder.path(),
        counting: true,
        timeout: Duration::from_secs(arguments.timeout),
    };
    let ended = run.run(|line| eprintln!("{line}"))?;
    if !ended.status.success() {
        return Ok(exit_code(ended.status.code()));
    }
    let lines = ended.log.iter().filter_map(|line| Line::parse(line).transpose());
    let mut lines: Vec<Line> = lines.collect::<Result<_>>().context("cannot read the log")?;
    if arguments.page {
        page::update(board, &lines)?;
    }
    if let Some(size) = arguments.size {
        lines.retain(|line| line.size == u64::from(size));
    }
    if lines.is_empty() {
        bail!("nothing was measured at that size: leave out --size to see every size");
    }
    let text =
        if arguments.json { report::json(board.name, &lines) } else { report::table(&lines) };
    print!("{text}");
    Ok(ExitCode::SUCCESS)
}
