//! `cargo xtask bench`: counts what each operation costs on boards, or times the
//! kernels of this machine, a step of training, or how its images are made.

mod budgets;
mod host;
mod line;
mod measure;
mod page;
mod report;
mod train;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};

use super::{exit_code, host::cargo_of};
use crate::boards::{self, Board};
use crate::firmware::{Layout, Model, Run};
use crate::process::{print, status};
use crate::{project, setup};
use budgets::BUDGETS;
pub use budgets::{deepest_stack, instructions};
use measure::{Measured, Setting};

/// Arguments of `bench`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Arguments {
    /// Board, such as mps2-an386 [default: every emulated board]
    #[arg(long)]
    board: Option<String>,
    /// Blob to place in the board's flash [default: random weights, always the
    /// same]
    #[arg(long, value_name = "M.lcl")]
    model: Option<PathBuf>,
    /// How the random weights stand in the blob
    #[arg(long, value_enum, default_value_t, conflicts_with_all = ["model", "host", "train", "data", "page"])]
    layout: Layout,
    /// Report only this image size, in pixels
    #[arg(long, value_name = "N")]
    size: Option<u32>,
    /// Print one JSON object a line instead of a table
    #[arg(long)]
    json: bool,
    /// Time the kernels that this machine can run, not a board's
    #[arg(long, conflicts_with_all = ["board", "model", "page", "check", "update"])]
    host: bool,
    /// Time a step of training on one core beside PyTorch's literal one
    #[arg(long, conflicts_with_all = ["board", "model", "size", "host", "baseline", "page", "check", "update"])]
    train: bool,
    /// Python that has PyTorch, for --train
    #[arg(long, value_name = "PYTHON", default_value = "python3", requires = "train")]
    python: PathBuf,
    /// Time how training's images are made, on one core: from JPEGs and from a
    /// pack
    #[arg(long, conflicts_with_all = [
        "host", "board", "model", "size", "json", "baseline", "page", "check", "update",
    ])]
    data: bool,
    /// Measure baselines too: on boards CMSIS-NN 4.0, built for them, with the same
    /// weights and in place of its recorded figures; on the host ONNX Runtime,
    /// OpenVINO and tract
    #[arg(long, conflicts_with_all = ["page", "check", "update"])]
    baseline: bool,
    /// Put the figures of every board into docs/benchmarks.md
    #[arg(long, conflicts_with_all = ["board", "model", "size"])]
    page: bool,
    /// Fail where a figure is not as firmware-examples/budgets.txt says
    #[arg(long, conflicts_with_all = ["model", "update"])]
    check: bool,
    /// Write the figures to firmware-examples/budgets.txt
    #[arg(long, conflicts_with = "model")]
    update: bool,
    /// Stop a program that takes longer
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask bench
  cargo xtask bench --board mps2-an386 --size 96
  cargo xtask bench --board mps2-an386 --layout fast
  cargo xtask bench --board mps2-an386 --model M.lcl --json
  cargo xtask bench --board mps2-an386 --baseline
  cargo xtask bench --host --baseline
  cargo xtask bench --train --python venv/bin/python
  cargo xtask bench --data
  cargo xtask bench --check
  cargo xtask bench --update";

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.data {
        // An example of the trainer that needs no libtorch.
        setup::jpeg()?;
        let mut command = cargo_of("run");
        command.args(["--no-default-features", "--example", "data"]);
        return Ok(exit_code(status(&mut command)?.code()));
    }
    if arguments.host {
        print(host::measure(arguments.size, arguments.baseline, arguments.json)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.train {
        print(train::measure(&arguments.python, arguments.json)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let boards: Vec<&Board> = match &arguments.board {
        Some(name) => vec![boards::board(name)?],
        None => boards::emulated().collect(),
    };
    // Before a model is made for a board that cannot run it.
    boards.iter().try_for_each(|board| Run::ensure(board))?;
    let folder = project::temporary_folder()?;
    let model = match &arguments.model {
        Some(model) => Model::given(model)?,
        None => Model::random(folder.path(), arguments.layout)?,
    };
    let timeout = Duration::from_secs(arguments.timeout);
    let setting = Setting { model: &model, folder: folder.path(), timeout };
    let mut all = Vec::new();
    for board in boards {
        let mut measured = setting.measure(board)?;
        if arguments.baseline && board.gcc.is_some() {
            measured.baseline = setting.measure_baseline(board)?;
        }
        if let Some(size) = arguments.size {
            measured.lines.retain(|line| line.size == u64::from(size));
        }
        if measured.lines.is_empty() {
            bail!("nothing was measured at that size: leave out --size to see every size");
        }
        show(arguments, &measured)?;
        all.push(measured);
    }
    if arguments.page {
        page::update(&all)?;
    }
    if arguments.update {
        let mut budgets = BUDGETS.read()?;
        budgets.replace(budgets::of(&all, arguments.layout))?;
        budgets.write()?;
    }
    if arguments.check {
        budgets::check(&all, arguments.layout, arguments.size)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(arguments: &Arguments, measured: &Measured) -> Result<()> {
    let board = measured.board;
    if arguments.json {
        return print(report::json(measured)?);
    }
    print(format_args!("{}: {}\n\n{}\n", board.name, board.description, report::table(measured)))
}
