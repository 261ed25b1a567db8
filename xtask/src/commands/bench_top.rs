//! `cargo xtask bench-top`: runs the programs that would be flashed on models of chips
//! and cameras (firmware-examples/bench-top).

use std::process::ExitCode;

use anyhow::Result;

use crate::boards;
use crate::commands::exit_code;
use crate::firmware::{Layout, Model, Program, Run, target_dir};
use crate::process::{Logged, cargo, note, shown, status};
use crate::{project, setup};

/// Arguments of `bench-top`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Boards [default: all that have a model]
    boards: Vec<String>,
    /// Only cases whose name has this
    #[arg(long, value_name = "TEXT")]
    case: Option<String>,
    /// Show the log of each case
    #[arg(long)]
    verbose: bool,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask bench-top
  cargo xtask bench-top nucleo-h743zi --case 'held low' --verbose";

/// Boards with a model, and the programs that cases run.
const MODELLED: &[(&str, &[&str])] =
    &[("nucleo-h743zi", &["self-test", "features", "camera", "watch"])];

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let find = |name: &String| boards::named("board", MODELLED.iter(), name, |board| board.0);
    let mut chosen = arguments.boards.iter().map(find).collect::<Result<Vec<_>>>()?;
    if chosen.is_empty() {
        chosen = MODELLED.iter().collect();
    }
    let mut command = setup::bench_top()?;
    let folder = project::temporary_folder()?;
    let model = Model::random(folder.path(), Layout::Small)?;
    for (board, programs) in &chosen {
        let board = boards::board(board)?;
        for program in *programs {
            Program::build(board, boards::example(program)?, &model)?;
        }
    }
    Run::build_decoder()?;
    let mut expected = cargo();
    expected.current_dir(project::firmware());
    expected.args(["build", "--package", "sensor", "--example", "expected"]);
    Logged::new("build-expected", "building what computes what boards are to send")
        .run(&mut expected)?;

    let built = project::firmware().join("target");
    command.arg("--model").arg(model.path());
    command.arg("--expected").arg(built.join("debug/examples/expected"));
    command.arg("--decoder").arg(project::root().join("target/debug/defmt-log"));
    for (board, _) in &chosen {
        let folder = target_dir(boards::board(board)?);
        command.arg("--built").arg(format!("{board}={}", folder.display()));
    }
    if let Some(case) = &arguments.case {
        command.args(["--case", case]);
    }
    if arguments.verbose {
        command.arg("--verbose");
    }
    note(format_args!("$ {}", shown(&command)));
    Ok(exit_code(status(&mut command)?.code()))
}
