//! `cargo xtask boards`: lists boards, and holds what programs take of real
//! ones.

mod sizes;

use std::process::ExitCode;

use anyhow::{Result, ensure};

use crate::boards::{self, Board};
use crate::firmware::{Layout, Model, Program};
use crate::process::{find, print};
use crate::project;
use crate::setup::bare_metal;
use sizes::Built;

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

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.check || arguments.update {
        let built = build()?;
        let sizes = sizes::of(&built)?;
        if arguments.update {
            sizes.write()?;
        } else {
            sizes::SIZES.read()?.check(&sizes, |_| true)?;
        }
    } else {
        print(table())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds every example that a real board has, with a blob of the published
/// geometry beside it.
fn build() -> Result<Vec<Built>> {
    let folder = project::temporary_folder()?;
    let model = Model::random(folder.path(), Layout::Small)?;
    ensure!(
        model.len() == Model::FULL_LEN,
        "a full blob has {} bytes: put that into Model::FULL_LEN in xtask/src/firmware/model.rs",
        model.len()
    );
    let mut all = Vec::new();
    for (board, real) in boards::real() {
        for example in boards::examples().filter(|example| board.has(example)) {
            let program = Program::build(board, example, &model)?;
            all.push(Built {
                board: board.name.clone(),
                example: example.name.clone(),
                twin: real.twin.clone(),
                compiler: program.compiler().to_owned(),
                usage: program.usage().clone(),
                model_len: model.len(),
            });
        }
    }
    Ok(all)
}

fn table() -> String {
    boards::all().iter().map(entry).collect::<Vec<_>>().join("\n")
}

fn entry(board: &Board) -> String {
    let examples = boards::examples().filter(|example| board.has(example));
    let examples: Vec<_> = examples.map(|example| &*example.name).collect();
    let command = if board.real.is_some() { "flash" } else { "emulate" };
    let camera = board.real.as_ref().and_then(|real| real.camera.as_deref());
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
        camera.unwrap_or("none: images of this machine"),
        examples.join(", "),
        needs.collect::<Vec<_>>().join(", "),
        board.name,
    )
}

/// Returns the tools that a board needs, each with how to have it if it is missing.
fn needs(board: &Board) -> [(String, Option<String>); 2] {
    let flasher = board.real.as_ref().map(|real| real.flasher.program());
    let emulator = board.qemu.as_ref().map_or("", |qemu| &qemu.program);
    let (program, remedy) = match flasher {
        None => (emulator, "`cargo xtask setup emulator` installs it".to_owned()),
        Some((program, install)) => (program, format!("run `{install}`")),
    };
    let rust = format!("run `rustup target add {}`", board.target);
    [
        (
            format!("Rust for {}", board.target),
            (!bare_metal::is_there(&board.target)).then_some(rust),
        ),
        (program.to_owned(), find(program).is_none().then_some(remedy)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_board_is_listed_with_what_it_needs() {
        let text = table();
        for board in boards::all() {
            assert!(text.contains(&format!("{}\n  core", board.name)), "{text}");
        }
        assert!(text.contains("probe-rs (") && text.contains("qemu-system-arm ("), "{text}");
        assert!(text.contains("xtask flash --board pico2"), "{text}");
        assert!(text.contains("xtask emulate --board mps2-an386"), "{text}");
    }
}
