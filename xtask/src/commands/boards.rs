//! `cargo xtask boards`: lists boards, and holds what programs take of real
//! ones.

mod sizes;

use std::process::ExitCode;

use anyhow::{Result, ensure};

use crate::boards::{self, BOARDS, Board, EXAMPLES, Runner};
use crate::firmware::{Model, Program, TemporaryFolder};
use crate::process::{find, print};
use crate::setup::bare_metal;
use sizes::{Built, Sizes};

/// Arguments of `boards`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// Build every example for every real board, and fail where one does not
    /// fit or is not as large as firmware-examples/sizes.txt says
    #[arg(long, conflicts_with = "update")]
    check: bool,
    /// Build them and write firmware-examples/sizes.txt
    #[arg(long)]
    update: bool,
}

const HELP: &str = "\
Examples:
  cargo xtask boards
  cargo xtask boards --check";

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.check || arguments.update {
        let built = build()?;
        if arguments.update {
            Sizes::of(&built)?.write()?;
        } else {
            Sizes::read()?.check(&built)?;
        }
    } else {
        print(table())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds every example that a real board has, with a blob of the published
/// geometry beside it.
fn build() -> Result<Vec<Built>> {
    let folder = TemporaryFolder::new()?;
    let model = Model::random(folder.path())?;
    ensure!(
        model.len() == Model::FULL_LEN,
        "a full blob has {} bytes: put that into Model::FULL_LEN in xtask/src/firmware/model.rs",
        model.len()
    );
    let mut all = Vec::new();
    for (board, real) in boards::real() {
        for example in EXAMPLES.iter().filter(|example| board.has(example)) {
            let program = Program::build(board, example, &model)?;
            all.push(Built {
                board: board.name,
                example: example.name,
                twin: real.twin,
                compiler: program.compiler().to_owned(),
                usage: program.usage().clone(),
                model_len: model.len(),
            });
        }
    }
    Ok(all)
}

fn table() -> String {
    BOARDS.iter().map(entry).collect::<Vec<_>>().join("\n")
}

fn entry(board: &Board) -> String {
    let examples = EXAMPLES.iter().filter(|example| board.has(example));
    let examples: Vec<_> = examples.map(|example| example.name).collect();
    let command = if board.real().is_some() { "flash" } else { "emulate" };
    let needs = needs(board).into_iter().map(|(what, remedy)| match remedy {
        None => format!("{what} (is there)"),
        Some(remedy) => format!("{what} (MISSING: {remedy})"),
    });
    format!(
        "{}\n  core      {}\n  memory    {}\n  camera    {}\n  examples  {}\n  needs     {}\n  run       \
         cargo xtask {command} --board {} --example features\n",
        board.name,
        board.description,
        board.memory,
        board.real().and_then(|real| real.camera).unwrap_or("none: images of this machine"),
        examples.join(", "),
        needs.collect::<Vec<_>>().join(", "),
        board.name,
    )
}

/// Returns what a board needs installed, each with how to have it where it is
/// missing.
fn needs(board: &Board) -> [(String, Option<String>); 2] {
    let (program, remedy) = match &board.runner {
        Runner::Qemu { program, .. } => {
            (*program, "`cargo xtask setup emulator` installs it".to_owned())
        }
        Runner::Real(real) => {
            let (program, install) = real.flasher.program();
            (program, format!("run `{install}`"))
        }
    };
    let remedy = find(program).is_none().then_some(remedy);
    let rust = if bare_metal::is_there(board.target) {
        None
    } else {
        Some(format!("run `rustup target add {}`", board.target))
    };
    [(format!("Rust for {}", board.target), rust), (program.to_owned(), remedy)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_board_is_listed_with_what_it_needs() {
        let text = table();
        for board in BOARDS {
            assert!(text.contains(&format!("{}\n  core", board.name)), "{text}");
        }
        assert!(text.contains("probe-rs (") && text.contains("qemu-system-arm ("), "{text}");
        assert!(text.contains("xtask flash --board pico2"), "{text}");
        assert!(text.contains("xtask emulate --board mps2-an386"), "{text}");
    }
}
