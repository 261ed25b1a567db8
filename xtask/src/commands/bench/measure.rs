//! Running the example `bench`, and its baseline, on a board.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::baseline::Baseline;
use super::line::Line;
use crate::boards::{self, Board};
use crate::firmware::{Model, Program, Run};
use crate::process::note;
use crate::setup::cmsis_nn;

/// What was measured on one board.
#[derive(Debug)]
pub struct Measured {
    /// The board.
    pub board: &'static Board,
    /// The compiler that built the program.
    pub compiler: String,
    /// The measurements, by size, then stage.
    pub lines: Vec<Line>,
    /// What CMSIS-NN takes, by size.
    pub baselines: Vec<Baseline>,
}

/// How to measure.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The blob.
    pub model: &'a Model,
    /// A folder for files of the run.
    pub folder: &'a Path,
    /// When to take a program for hung.
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
        Ok(Measured { board, compiler, lines, baselines: Baseline::recorded(board.name) })
    }

    /// Builds CMSIS-NN for the board, runs it with the same weights and
    /// returns what it takes.
    pub fn measure_baseline(&self, board: &'static Board) -> Result<Vec<Baseline>> {
        let library = cmsis_nn::build(board)?;
        let program = Program::build_baseline(board, &library)?;
        let weights = self.model.with_plain_weights(self.folder)?;
        note(format!("{}, {}", cmsis_nn::NAME, cmsis_nn::compiler()));
        Ok(Baseline::logged(&self.run(board, &program, &weights)?))
    }

    fn run(&self, board: &Board, program: &Program, model: &Model) -> Result<Vec<Line>> {
        let &Setting { folder, timeout, .. } = self;
        model.check_fits(program.model_partition())?;
        note(format!("counting on {}", board.description));
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
