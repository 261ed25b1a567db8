//! The suite that every kernel of lcl-infer passes, on the host and on boards.
//!
//! [`run`] holds each function of a table of kernels against the naive
//! `lcl_infer::reference`: a few cases by hand, the edges of what the engine
//! takes, and as many drawn from a seed as are asked for; then whole images,
//! streamed. What differs is a [`Mismatch`], which says how to see it again.
//!
//! The suite never allocates and its [`Memory`] is the caller's, so the same
//! code runs in tests and in a firmware.

#![no_std]
#![deny(missing_docs, unsafe_code)]
#![allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "a geometry is handed over by reference, however few bytes it has"
)]
#![expect(
    clippy::result_large_err,
    reason = "a mismatch ends the run, and a board has no heap to box it in"
)]

mod conv;
mod dense;
mod draw;
mod edges;
mod frame;
mod hand;
mod memory;
mod mismatch;
mod norm;
mod opponent;
mod pool;
mod random;
mod readout;
mod resample;
mod retina;
mod toom;
mod window_pool;

use lcl_infer::PoolOrder;
use lcl_infer::kernels::Kernels;

use conv::ConvCase;
use dense::DenseCase;
pub use draw::{Scaling, Style, Values, Weights, fill_parameters};
use frame::FrameCase;
pub use memory::Memory;
pub use mismatch::{Case, Fault, Mismatch, Operation, Shape};
use norm::NormCase;
pub use norm::fill_norm;
use opponent::OpponentCase;
use pool::PoolCase;
pub use random::Random;
use readout::ReadoutCase;
use resample::ResampleCase;
pub use resample::fill_runs;
use retina::RetinaCase;
use toom::ToomCase;
use window_pool::WindowPoolCase;

/// Which cases are drawn, after those that are run every time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cases {
    /// Seed of the first; each takes the next.
    pub seed: u64,
    /// How many. Each runs every operation and every eighth a whole image.
    pub count: u32,
}

/// What a run has shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Summary {
    /// Cases that were run.
    pub cases: usize,
    /// Bytes that were compared.
    pub bytes: usize,
}

/// Runs every case on `kernels`.
///
/// # Examples
///
/// ```
/// use lcl_infer::kernels;
/// use lcl_infer_suite::{Cases, Memory, run};
///
/// let mut memory = Box::new(Memory::new());
/// for kernels in kernels::available() {
///     run(kernels, &mut memory, Cases { seed: 1, count: 2 }).unwrap();
/// }
/// ```
///
/// # Errors
///
/// Returns the first byte that is not what the contract asks for.
pub fn run(
    kernels: &'static Kernels,
    memory: &mut Memory,
    cases: Cases,
) -> Result<Summary, Mismatch> {
    let [by_hand, compared] = hand::run(kernels, memory)?;
    let mut run = Run {
        kernels,
        memory,
        case: Case::Edge(0),
        summary: Summary { cases: by_hand, bytes: compared },
    };
    run.edges()?;
    for offset in 0..u64::from(cases.count) {
        run.drawn(cases.seed.wrapping_add(offset))?;
    }
    Ok(run.summary)
}

struct Run<'a> {
    kernels: &'static Kernels,
    memory: &'a mut Memory,
    case: Case,
    summary: Summary,
}

/// Seed of the numbers of the edges.
const EDGE_SEED: u64 = 1;

/// Whole images are drawn from one seed of so many.
const FRAME_PERIOD: u64 = 8;

impl Run<'_> {
    fn edges(&mut self) -> Result<(), Mismatch> {
        let mut count = 0;
        let mut next = |run: &mut Self| {
            run.case = Case::Edge(count);
            count += 1;
            Random::new(EDGE_SEED.wrapping_add(count as u64))
        };
        for case in edges::convolutions() {
            let mut random = next(self);
            let case = case.ok_or(self.refused())?;
            self.conv(&case, &mut random)?;
        }
        for case in toom::edges() {
            let mut random = next(self);
            self.toom(&case, &mut random)?;
        }
        for case in edges::pools() {
            let mut random = next(self);
            self.pool(&case, &mut random)?;
        }
        for case in edges::window_pools() {
            let mut random = next(self);
            let case = case.ok_or(self.refused())?;
            self.window_pool(&case, &mut random)?;
        }
        for channels in readout::CHANNELS {
            for values in [Values::Any, Values::Largest] {
                let mut random = next(self);
                self.readout(&ReadoutCase { channels, values }, &mut random)?;
            }
        }
        for case in DenseCase::edges() {
            let mut random = next(self);
            let case = case.ok_or(self.refused())?;
            self.dense(&case, &mut random)?;
        }
        for case in edges::norms() {
            let mut random = next(self);
            let case = case.ok_or(self.refused())?;
            self.norm(&case, &mut random)?;
        }
        for case in edges::resamples() {
            let mut random = next(self);
            let case = case.ok_or(self.refused())?;
            self.resample(&case, &mut random)?;
        }
        for case in edges::retinas() {
            let mut random = next(self);
            let case = case.ok_or(self.refused())?;
            self.retina(&case, &mut random)?;
        }
        for case in edges::opponents() {
            let mut random = next(self);
            let case = case.ok_or(self.refused())?;
            self.opponent(&case, &mut random)?;
        }
        for lens in edges::rows() {
            let mut random = next(self);
            self.max_rows(lens, &mut random)?;
        }
        for case in edges::models().chain(edges::chains()) {
            let mut random = next(self);
            let case = case.ok_or(self.refused())?;
            self.frame(&case, &mut random)?;
        }
        Ok(())
    }

    fn drawn(&mut self, seed: u64) -> Result<(), Mismatch> {
        self.case = Case::Seed(seed);
        let random = &mut Random::new(seed);
        let case = ConvCase::draw(random);
        self.conv(&case, random)?;
        let [len, other] = [random.below(300), random.below(300)];
        self.max_rows([len, len], random)?;
        self.max_rows([len, other], random)?;
        for order in PoolOrder::ALL {
            let case = PoolCase::draw(random, order);
            self.pool(&case, random)?;
        }
        let case = WindowPoolCase::draw(random);
        self.window_pool(&case, random)?;
        let case = ToomCase::draw(random);
        self.toom(&case, random)?;
        let case = DenseCase::draw(random);
        self.dense(&case, random)?;
        let case = NormCase::draw(random);
        self.norm(&case, random)?;
        let case = ResampleCase::draw(random);
        self.resample(&case, random)?;
        let case = RetinaCase::draw(random);
        self.retina(&case, random)?;
        let case = OpponentCase::draw(random);
        self.opponent(&case, random)?;
        let case = ReadoutCase::draw(random);
        self.readout(&case, random)?;
        if seed % FRAME_PERIOD == 0 {
            let case = FrameCase::draw(random);
            self.frame(&case, random)?;
        }
        Ok(())
    }

    fn conv(&mut self, case: &ConvCase, random: &mut Random) -> Result<(), Mismatch> {
        let result = conv::check(self.kernels, self.memory, case, random);
        self.count(Operation::Conv2dRow, case.shape(), result)
    }

    fn toom(&mut self, case: &ToomCase, random: &mut Random) -> Result<(), Mismatch> {
        let result = toom::check(self.kernels, self.memory, case, random);
        self.count(Operation::ToomRow, case.shape(), result)
    }

    fn max_rows(&mut self, lens: [usize; 2], random: &mut Random) -> Result<(), Mismatch> {
        let result = pool::check_max_rows(self.kernels, self.memory, lens, random);
        let [row, other] = lens;
        self.count(Operation::MaxRows, Shape::Rows { row, other }, result)
    }

    fn pool(&mut self, case: &PoolCase, random: &mut Random) -> Result<(), Mismatch> {
        let result = pool::check(self.kernels, self.memory, case, random).and_then(|compared| {
            pool::misuse(self.kernels, self.memory, case.order, random)?;
            Ok(compared)
        });
        self.count(pool::operation(case.order), case.shape(), result)
    }

    fn window_pool(&mut self, case: &WindowPoolCase, random: &mut Random) -> Result<(), Mismatch> {
        let result = window_pool::check(self.kernels, self.memory, case, random);
        self.count(case.operation(), case.shape(), result)
    }

    fn readout(&mut self, case: &ReadoutCase, random: &mut Random) -> Result<(), Mismatch> {
        let result = readout::check(self.kernels, self.memory, case, random);
        let row = case.channels;
        self.count(Operation::ReadoutSums, Shape::Rows { row, other: row }, result)
    }

    fn dense(&mut self, case: &DenseCase, random: &mut Random) -> Result<(), Mismatch> {
        let result = dense::check(self.kernels, self.memory, case, random);
        self.count(dense::OPERATION, case.shape(), result)
    }

    fn norm(&mut self, case: &NormCase, random: &mut Random) -> Result<(), Mismatch> {
        let result = norm::check(self.kernels, self.memory, case, random);
        self.count(Operation::NormRow, case.shape(), result)
    }

    fn resample(&mut self, case: &ResampleCase, random: &mut Random) -> Result<(), Mismatch> {
        let result = resample::check(self.kernels, self.memory, case, random);
        self.count(Operation::Resample, case.shape(), result)
    }

    fn retina(&mut self, case: &RetinaCase, random: &mut Random) -> Result<(), Mismatch> {
        let result = retina::check(self.kernels, self.memory, case, random);
        self.count(Operation::RetinaRow, case.shape(), result)
    }

    fn opponent(&mut self, case: &OpponentCase, random: &mut Random) -> Result<(), Mismatch> {
        let result = opponent::check(self.kernels, self.memory, case, random);
        self.count(Operation::Opponent, case.shape(), result)
    }

    fn frame(&mut self, case: &FrameCase, random: &mut Random) -> Result<(), Mismatch> {
        let result = frame::check(self.kernels, self.memory, case, random);
        self.count(Operation::Frontend, case.shape(), result)
    }

    fn count(
        &mut self,
        operation: Operation,
        shape: Shape,
        result: Result<usize, Fault>,
    ) -> Result<(), Mismatch> {
        match result {
            Ok(compared) => {
                self.summary.cases += 1;
                self.summary.bytes += compared;
                Ok(())
            }
            Err(fault) => Err(self.mismatch(operation, shape, fault)),
        }
    }

    fn refused(&self) -> Mismatch {
        self.mismatch(Operation::Conv2dRow, Shape::Rows { row: 0, other: 0 }, Fault::Refused)
    }

    fn mismatch(&self, operation: Operation, shape: Shape, fault: Fault) -> Mismatch {
        Mismatch { kernels: self.kernels.name, operation, case: self.case, shape, fault }
    }
}
