//! What the trainer's crates hand to one another: checkpoints, blobs, tensors
//! and features, as files and as plain arrays, and what they say on the way.
//!
//! Nothing here knows libtorch, or how images are decoded.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod arrays;
pub mod atomic_file;
pub mod blob_file;
pub mod checkpoint;
pub mod compare;
pub mod console;
pub mod feature_file;
pub mod feature_map;
pub mod feature_model;
pub mod fields;
pub mod frames;
pub mod integer_features;
pub mod onnx;
pub mod printed;
pub mod random;
pub mod recogniser;
pub mod saved;
pub mod score_model;
pub mod shell;
pub mod shipped;
pub mod sized_image;
pub mod tensor_file;
pub mod watch;

pub use printed::{Printed, printed};
