//! What the fuzz targets do with their bytes, and the bytes that they start
//! from.
//!
//! A target panics where lcl-infer breaks a promise: after `Blob::open` no
//! bytes make any function panic, overflow or leave its memory, and all
//! kernels give the same bytes. Start with [`open`], [`stream`] and [`watch`].

mod aligned;
mod model;
mod opening;
mod streaming;
mod watching;

pub use opening::{open, opening_seed};
pub use streaming::{stream, streaming_seed};
pub use watching::{watch, watching_seed};
