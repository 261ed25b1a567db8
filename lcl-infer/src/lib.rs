//! Integer inference of the LCL-V2 model of cortical areas V1 and V2.
//!
//! A quantised model, the *blob*, is opened with [`Blob::open`], which checks
//! it once. A [`Frontend`] then takes an image row by row, as a camera delivers
//! it, and calls back with each row of V1 and V2 features. All memory is one
//! slice that the caller owns; [`memory_len`] gives its length at compile time.
//! The features are the same bytes on every machine: the integer contract
//! `lcl.u8.v1` in [`CONTRACT`].
//!
//! # Example
//!
//! A camera of 96×96 pixels, whatever its format, and the strongest channel of
//! V2 in the middle of each image:
//!
//! ```no_run
//! use lcl_infer::{Area, Blob, Frontend, ImageSize, PixelFormat, memory_len, self_test};
//! # trait Camera { fn wait_row(&mut self) -> &[u8]; }
//! # fn show(_: Option<usize>) {}
//!
//! fn watch(model: &[u8], camera: &mut dyn Camera) -> Result<(), Box<dyn core::error::Error>> {
//!     let blob = Blob::open(model).map_err(|error| error.to_string())?;
//!     let mut memory = [0; memory_len(96)];
//!     self_test(&blob, &mut memory)?;
//!     let mut frontend = Frontend::new(&blob, ImageSize::square(96), &mut memory)?
//!         .with_pixels(PixelFormat::Rgb565Be)?;
//!     loop {
//!         let mut strongest = None;
//!         for _ in 0..96 {
//!             frontend.push_row(camera.wait_row(), |row| {
//!                 if (row.area, row.y) == (Area::V2, 3) {
//!                     let pixel = row.values.chunks_exact(192).nth(3).unwrap_or_default();
//!                     strongest = (0..pixel.len()).max_by_key(|&channel| pixel[channel]);
//!                 }
//!             })?;
//!         }
//!         frontend.finish()?;
//!         show(strongest);
//!     }
//! }
//! ```
//!
//! A [`Watcher`] takes the rows of V2 and speaks only where the scene departs
//! from what it was.
//!
//! [`include_blob!`] puts a blob into the program. The folder `examples` has
//! programs for a picture, a folder of pictures and a camera.
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
//! - `std`: kernels for the instruction sets of the machine at hand, asked for
//!   at run time.

#![no_std]
#![deny(missing_docs, unsafe_code)]
#![deny(clippy::float_arithmetic)]

#[cfg(any(test, feature = "std"))]
extern crate std;

#[cfg(target_endian = "big")]
compile_error!(
    "lcl-infer reads a blob's little-endian tables in place: big-endian machines cannot run it"
);

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod arithmetic;
mod blob;
#[cfg(feature = "float")]
#[expect(clippy::float_arithmetic, reason = "the integer path never comes here")]
mod float;
mod frontend;
mod golden;
mod include;
pub mod kernels;
mod memory;
mod novelty;
mod packing;
mod parameters;
mod pixels;
pub mod reference;
mod shape;
mod stage;

pub use arithmetic::{Channel, MAX_SHIFT, MIN_MULTIPLIER, MIN_SHIFT, Requant};
pub use blob::{
    ALIGNMENT, BLOB_VERSION, Blob, BlobSpec, EmitError, GOLDEN_MAX_SIDE, Golden, InputFormat,
    MAX_SCALE, MIN_SCALE, OpenError, StageSpec, blob_len,
};
#[cfg(feature = "float")]
pub use float::{dequantise, dequantise_f16, normalise};
pub use frontend::{
    Area, FeatureRow, Frontend, FrontendError, RowError, memory_len, memory_len_of,
};
pub use golden::{
    Difference, GoldenImage, SelfTestError, golden_crc32, self_test, self_test_memory_len,
    self_test_of,
};
pub use kernels::Kernels;
pub use novelty::{
    CellGrid, Departure, NOVEL_CHANNELS, Novelty, WatchError, WatchSettings, Watcher,
    watcher_memory_len,
};
pub use packing::{CHANNEL_GROUP, QUAD_LEN, TAP_BLOCK, TAP_QUAD, pack_weights};
pub use parameters::{
    CHANNEL_WORDS, ChannelTable, Conv2d, Scales, StageParameters, accumulator_bound,
};
pub use pixels::{PixelFormat, luma};
pub use shape::{
    ConvGeometry, ImageSize, LCL_V2, LCL_V2_GRAY, MAX_CHANNELS, MAX_IMAGE_SIDE, MAX_KERNEL,
    MAX_STRIDE, PoolOrder, StageGeometry, min_image_side, pooled_side, reflect,
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
