//! Cameras of real boards, as far as they are the same on every chip.
//!
//! A board brings two pins, for [`TwoWire`], and a [`Port`]: a DMA that writes what the camera
//! sends into a ring of memory, and how far it has come. Everything else is
//! here: the [`Sensor`]s' registers, which bytes are a [`Window`]'s row, and
//! whether a [`Frame`] came whole. Nothing here knows a register of a
//! microcontroller. Start with [`Camera`].
//!
//! Keys in brackets, such as \[OV7670\], are those of `docs/references.bib`.
#![no_std]

mod bus;
mod camera;
mod error;
mod frame;
mod hm01b0;
mod ov7670;
mod pace;
mod quota;
mod test_picture;
mod two_wire;
mod window;

pub use bus::{Bus, Width};
pub use camera::{Camera, Frames, NoCamera, Port, Sensor};
pub use error::CameraError;
pub use frame::{Frame, Progress, Step, Take};
pub use hm01b0::Hm01b0;
pub use ov7670::Ov7670;
pub use pace::{Change, Pace};
pub use quota::Quota;
pub use test_picture::{Came, TEST_PICTURE_LEN, TestPicture};
pub use two_wire::{TwoWire, TwoWireError};
pub use window::Window;
