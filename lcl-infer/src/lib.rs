//! Integer inference of the LCL-V2 model of cortical areas V1 and V2.
//!
//! A quantised model, the *blob*, is opened with [`Blob::open`], which checks
//! it once. A [`Frontend`] then takes an image row by row, as a camera delivers
//! it, and calls back with each row of V1 and V2 features. All memory is one
//! slice that the caller owns; [`memory_len`] gives its length at compile time.
//! The features are the same bytes on every machine: the integer contract
//! `lcl.u8.v1` in [`CONTRACT`].
//!
//! The crate never allocates, never panics once a blob is open, and keeps no
//! frame buffer. Start with [`Frontend`].
//!
//! Keys in brackets, such as \[LCL\], are those of `docs/references.bib`.
//!
//! # Features
//!
//! - `defmt`: public types and errors implement `defmt::Format`.
//! - `float`: features as f32 and f16.

#![no_std]
#![deny(missing_docs, unsafe_code)]
#![deny(clippy::float_arithmetic)]

#[cfg(test)]
extern crate std;

#[cfg(target_endian = "big")]
compile_error!(
    "lcl-infer reads a blob's little-endian tables in place: big-endian machines cannot run it"
);

mod arithmetic;
mod blob;
#[cfg(feature = "float")]
#[expect(clippy::float_arithmetic, reason = "the integer path never comes here")]
mod float;
mod frontend;
mod golden;
pub mod kernels;
mod memory;
mod parameters;
pub mod reference;
mod shape;
mod stage;

pub use arithmetic::{Channel, MAX_SHIFT, MIN_MULTIPLIER, MIN_SHIFT, Requant};
pub use blob::{
    ALIGNMENT, Blob, BlobSpec, EmitError, GOLDEN_MAX_SIDE, Golden, InputFormat, OpenError,
    StageSpec, blob_len,
};
#[cfg(feature = "float")]
pub use float::{dequantise, dequantise_f16, normalise};
pub use frontend::{
    Area, FeatureRow, Frontend, FrontendError, RowError, memory_len, memory_len_of,
};
pub use golden::{GoldenImage, SelfTestError, golden_crc32, self_test, self_test_memory_len};
pub use kernels::Kernels;
pub use parameters::{ChannelTable, Conv2d, Scales, StageParameters, accumulator_bound};
pub use shape::{
    ConvGeometry, ImageSize, LCL_V2, MAX_CHANNELS, MAX_IMAGE_SIDE, MAX_KERNEL, MAX_STRIDE,
    PoolOrder, StageGeometry, min_image_side, pooled_side, reflect,
};

/// Id of the integer contract that this crate keeps.
///
/// Every activation is an unsigned byte with real zero at 0. A convolution
/// sums `weight · value` in i32 from the bias on, with reflected coordinates;
/// [`Requant::requantise`] makes the sum a byte; a pool takes the maximum over
/// the bytes that exist and blurs with `(Σ tap · byte + 8) >> 4`, taps
/// `[1 2 1] ⊗ [1 2 1]`, zeros outside. Every kernel on every machine gives
/// these bytes.
pub const CONTRACT: &str = "lcl.u8.v1";
