//! What can go wrong with tensors.

use tch::TchError;

/// The network cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// libtorch refused an operation, most often for want of memory.
    #[error("libtorch: {}", first_line(.0))]
    Torch(#[from] TchError),
    /// A GPU was asked for and there is none.
    #[error("{device} is not there: {reason}; use --device cpu")]
    NoGpu {
        /// The device asked for.
        device: String,
        /// Why not.
        reason: String,
    },
    /// Images of one batch differ in size.
    #[error("an image of {got:?} pixels is in a batch of {expected:?} pixels")]
    UnequalImages {
        /// Width and height of the first image.
        expected: (u32, u32),
        /// Width and height of another one.
        got: (u32, u32),
    },
    /// Images are too small to be reflected at the borders.
    #[error("an image of {side} pixels is too small; the least side is {least}")]
    ImageTooSmall {
        /// The shorter side.
        side: usize,
        /// The least that works.
        least: usize,
    },
    /// A checkpoint without projectors cannot be trained.
    #[error("the checkpoint has no projectors, which training needs; start a run of its own")]
    NoProjectors,
    /// A checkpoint without predictors cannot be trained with SimSiam.
    #[error("the checkpoint has no predictors, which SimSiam needs; start a run of its own")]
    NoPredictors,
}

/// libtorch adds a C++ back trace to its messages.
fn first_line(error: &TchError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
