//! The part of c10d, `PyTorch`'s distributed engine, that the trainer needs, on
//! [`tch`] tensors: a [`Store`], a [`ProcessGroup`], sums and broadcasts over
//! its ranks, and two operations that gradients pass.
//!
//! c10d is in libtorch but not in tch; a shim in C++ stands between. Against a
//! libtorch without c10d everything builds, and [`Store::new`] says what is
//! missing.
//!
//! c10d has no authentication: whoever reaches the store's port takes part. It
//! belongs on a private network.

mod error;
#[cfg(has_c10d)]
mod ffi;
mod group;
mod store;

pub use error::Error;
pub use group::{Backend, GroupOptions, Normalised, ProcessGroup, Traffic, Work};
pub use store::{Store, StoreOptions};

/// Whether this build has c10d.
pub const AVAILABLE: bool = cfg!(has_c10d);
