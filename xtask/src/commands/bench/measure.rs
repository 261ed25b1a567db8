//! Running the example `bench`, and its baseline, on a board.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::line::{Line, recorded};
use crate::boards::{self, Board};
use crate::firmware::{Model, Program, Run};
use crate::process::note;
use crate::setup::cmsis_nn;

/// What was measured on one board.
#[derive(Debug)]
pub struct Measured {
    pub board: &'static Board,
    pub compiler: String,
    pub lines: Vec<Line>,
    pub baseline: Vec<Line>,
}

/// How to measure.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    pub model: &'a Model,
    pub folder: &'a Path,
    pub timeout: Duration,
}

impl Setting<'_> {
    /// Builds the example for the board and runs it; CMSIS-NN's figures are
    /// the recorded ones.
    pub fn measure(&self, board: &'static Board) -> Result<Measured> {
        Run::build_decoder()?;
        let program = Program::build(board, boards::example("bench")?, self.model)?;
        let lines = self.run(board, &program, self.model)?;
        let compiler = program.compiler().to_owned();
        Ok(Measured { board, compiler, lines, baseline: recorded(&board.name) })
    }

    /// Builds CMSIS-NN for the board, runs it with the same weights and
    /// returns what it takes.
    pub fn measure_baseline(&self, board: &'static Board) -> Result<Vec<Line>> {
        let library = cmsis_nn::build(board)?;
        let program = Program::build_baseline(board, &library)?;
        let weights = self.model.with_plain_weights(self.folder)?;
        note(format_args!("{}, {}", cmsis_nn::NAME, cmsis_nn::compiler()));
        self.run(board, &program, &weights)
    }

    fn run(&self, board: &'static Board, program: &Program, model: &Model) -> Result<Vec<Line>> {
        let &Setting { folder, timeout, .. } = self;
        model.check_fits(program.model_partition())?;
        note(format_args!("counting on {}", board.description));
        let model = model.path();
        let run = Run { board, program, model, folder, counting: true, timeout };
        let ended = run.run(|line| {
            // The figures are for standard output.
            writeln!(io::stderr(), "{line}").ok();
            Ok(())
        })?;
        if !ended.status.success() {
            bail!("the program failed on {} ({})", board.name, ended.status);
        }
        let lines = ended.log.iter().filter_map(|line| Line::parse(line).transpose());
        lines.collect::<Result<_>>().context("cannot read the log")
    }
}

#[cfg(test)]
pub mod tests {
    use super::super::line::Memory;
    use super::*;

    pub fn line(stage: u64, op: &str, instructions: u64, macs: u64) -> Line {
        Line { size: 96, stage, op: op.to_owned(), instructions, macs, memory: None }
    }

    pub fn total() -> Line {
        let memory = Memory { ram_bytes: 5, flash_bytes: 6, stack_bytes: 7 };
        Line { memory: Some(memory), ..line(0, "total", 53_400_000, 26_700_000) }
    }

    pub fn measured(lines: Vec<Line>) -> Measured {
        let board = boards::board("mps2-an386").expect("it is known");
        Measured {
            board,
            compiler: "rustc 1.96.0".to_owned(),
            lines,
            baseline: recorded(&board.name),
        }
    }
}
