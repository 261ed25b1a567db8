//! What real boards share: images in and features out over a link to the host,
//! the log, the exit status and the cycle counter.
//!
//! A board states its clock and starts it in [`Machine::start`], and its camera
//! in [`Machine::camera`]; everything else is here. Start with [`Machine`]. The bytes
//! of the link are described in [`shared::Stream`].
#![no_std]

mod arch;
mod delay;
mod error;
mod machine;
mod ring;
mod stop;

pub use arch::*;
pub use delay::Delay;
pub use error::Error;
pub use machine::{Machine, Physical, run};
pub use ring::Ring;
pub use sensor::{Camera, CameraError, NoCamera};
