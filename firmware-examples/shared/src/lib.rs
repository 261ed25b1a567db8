//! The example programs, written once for every board.
//!
//! A board implements [`Board`], [`Camera`] where it has one, and [`Meter`]
//! where it can count what a program costs; each program is a function generic over
//! them, and one file in `../programs`, a line of [`program!`], is its binary on every
//! board. Nothing here knows an instruction set,
//! a peripheral or an emulator. Start with [`features`].
#![no_std]

mod bench;
mod board;
mod camera;
mod energy;
mod failure;
mod features;
mod kernels;
mod link;
mod population;
mod program;
mod ratio;
mod self_test;
mod stream;
mod tally;
mod watch;

pub use bench::bench;
pub use board::{Arrival, Board, Camera, Loss, Meter};
pub use camera::camera;
pub use failure::Failure;
pub use features::features;
pub use kernels::kernels;
pub use link::{CameraRequest, Link, LinkError, Request, Stream, record_area, record_header};
pub use population::{population, population_memory_len};
pub use ratio::Ratio;
pub use self_test::self_test;
pub use watch::{watch, watch_memory_len};

/// Returns the bytes of memory for a front-end that runs LCL-V2 on images of
/// `width` pixels, in whichever layout.
#[must_use]
pub const fn memory_len(width: usize) -> usize {
    lcl_infer::fast_memory_len(&lcl_infer::LCL_V2, width, 1)
}

/// Bytes of one row of the widest image that any board takes.
pub const ROW_BYTES: usize = 3 * 256;

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It did what it is there for.
    Success,
    /// It logged what was wrong.
    Failure,
}

/// A program: it takes the board and memory for the front-end.
pub type Program<B> = fn(&mut B, &mut [u8]) -> Result<(), Failure<<B as Board>::Error>>;

/// Runs `program` on `board` with `memory` for the front-end, and logs an
/// error where it returns one.
pub fn run<B: Board>(board: &mut B, memory: &mut [u8], program: Program<B>) -> Status {
    match program(board, memory) {
        Ok(()) => Status::Success,
        Err(failure) => {
            defmt::error!("{}", failure);
            Status::Failure
        }
    }
}

#[doc(hidden)]
pub mod macro_support {
    pub use crate::memory_len;
    pub use static_cell::ConstStaticCell;
}
