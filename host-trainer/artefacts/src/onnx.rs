//! The float network of a checkpoint as ONNX, for other runtimes.
//!
//! The graph computes what `FloatNetwork` does with the running statistics:
//! bytes `[batch, height, width, 3]` in, a map `[batch, H, W, C]` for each tap
//! out, named as in the files of `lcl features`; batch and size are free. The
//! operators are those of opset 17 of the standard, <https://onnx.ai/onnx>, and
//! nothing else.

mod message;
mod network;

pub use network::{OnnxError, to_onnx};
