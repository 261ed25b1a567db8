//! Integer inference of the LCL-V2 model of cortical areas V1 and V2.
//!
//! A quantised model, the *blob*, is opened with [`Blob::open`], which checks
//! it once. A [`Frontend`] then takes an image row by row, as a camera delivers
//! it, and hands out each row of V1 and V2 features, the [`FeatureRow`]s of its
//! taps, as soon as it is complete. All memory is one slice that the caller
//! owns; [`memory_len`] gives its length at compile time. The features are the
//! same bytes on every machine: the integer [`Contract`]s.
//!
//! # Example
//!
//! A camera of 96×96 pixels, whatever its format, and the strongest channel of
//! V2 in the middle of each image:
//!
//! ```no_run
//! use lcl_infer::{
//!     Blob, Error, Frontend, ImageSize, LCL_V2, PixelFormat, V2, memory_len, self_test,
//! };
//! # trait Camera { fn wait_row(&mut self) -> &[u8]; }
//! # fn show(_: Option<usize>) {}
//!
//! type Memory = [u8; memory_len(&LCL_V2, 96)];
//!
//! fn watch(model: &[u8], camera: &mut dyn Camera, memory: &mut Memory) -> Result<(), Error> {
//!     let blob = Blob::open(model)?;
//!     self_test(&blob, memory)?;
//!     let mut frontend = Frontend::new(&blob, ImageSize::square(96), memory)?
//!         .with_pixels(PixelFormat::Rgb565Be)?;
//!     loop {
//!         let mut strongest = None;
//!         for _ in 0..96 {
//!             frontend.push_row(camera.wait_row())?;
//!             while let Some(row) = frontend.next() {
//!                 if (row.tap, row.y) == (V2, 3) {
//!                     let pixel = row.pixels().nth(3).unwrap_or_default();
//!                     strongest = (0..pixel.len()).max_by_key(|&channel| pixel[channel]);
//!                 }
//!             }
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
//! frame buffer. Start with [`Frontend`]. What firmware needs stands here;
//! [`blob`] has what writers of blobs need, [`golden`], [`parameters`],
//! [`packing`], [`toom`], [`shape`], [`kernels`] and [`reference`](mod@reference) what
//! kernels, their tests and other engines do.
//!
//! Keys in brackets, such as \[LCL\], are those of `docs/references.bib`.
//!
//! # Features
//!
//! What a program opens is built in by default. Firmware leaves out what its blob does
//! not need, with `default-features = false`; bytes of flash are those of a program for
//! a Cortex-M4 beyond the 37,664 that LCL-V2 takes:
//!
//! | feature | layers | bytes of flash |
//! |---|---|---|
//! | `transforms` | convolutions of the layout `fast` | 18,296 |
//! | `components` | divisive normalisation, resampling, both retinas | 19,924 |
//! | `recognition` | dense layers, plain pools | 6,612 |
//! | `population` | readouts | 5,752 |
//!
//! [`Blob::open`] refuses a blob with a layer of a [`Part`] that is not built in, by the
//! names of both.
//!
//! - `defmt`: public types and errors implement `defmt::Format`.
//! - `float`: features as f32 and f16.
//! - `std`: kernels for the instruction sets of the machine at hand, asked for
//!   at run time, `AlignedBlob`, and front-ends that own a `Vec` or a `Box`.

#![no_std]
#![deny(missing_docs, unsafe_code)]
#![deny(clippy::float_arithmetic)]
#![allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "a geometry is handed over by reference, however few bytes it has"
)]

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

mod architecture;
mod arithmetic;
pub mod blob;
mod chain;
mod contract;
mod crc32;
mod error;
#[cfg(feature = "float")]
#[expect(clippy::float_arithmetic, reason = "the integer path never comes here")]
mod float;
mod frontend;
pub mod golden;
#[cfg(feature = "std")]
mod host;
mod include;
mod input;
pub mod kernels;
mod layers;
mod memory;
mod name;
mod novelty;
pub mod packing;
pub mod parameters;
pub mod parts;
mod pixels;
pub mod reference;
mod row;
pub mod shape;
pub mod toom;

pub use architecture::{
    Architecture, LCL_V2, LCL_V2_GRAY, Layer, MAX_LAYERS, fast_memory_len, memory_len,
};
pub use blob::{Blob, OpenError, blob_len};
pub use contract::Contract;
pub use error::Error;
#[cfg(feature = "float")]
pub use float::{dequantise, dequantise_f16, normalise};
pub use frontend::{Frontend, FrontendError, Refused, RowError, Step};
pub use golden::{SelfTestError, self_test, self_test_memory_len};
#[cfg(feature = "std")]
pub use host::AlignedBlob;
pub use input::InputFormat;
pub use kernels::Kernels;
pub use layers::{LayerKind, dense::sums};
pub use memory::{AlignedMemory, Memory};
pub use name::{Name, V1, V2};
pub use novelty::{
    CellGrid, Departure, NOVEL_CHANNELS, Novelty, WatchError, WatchSettings, Watcher,
    watcher_memory_len,
};
pub use parts::Part;
pub use pixels::{PixelFormat, luma};
pub use row::FeatureRow;
pub use shape::{ConvGeometry, ImageSize, PoolOrder};
