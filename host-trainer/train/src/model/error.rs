//! What can go wrong with tensors.

use lcl_infer::Name;
use tch::TchError;

/// The network cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// libtorch refused an operation, most often for want of memory.
    #[error("libtorch: {}", first_line(.0))]
    Torch(#[from] TchError),
    /// The checkpoint has no weights for a layer.
    #[error("the checkpoint has no weights for layer {0}")]
    NoWeights(Name),
    /// There is no such layer in floats.
    #[error("layer {0} is of a kind that the float network does not know")]
    NoFloatLayer(Name),
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
    /// The model takes images of one size alone.
    #[error(
        "images of {}x{} pixels; this model takes {side}x{side} alone, as its components have one \
         size: use --size {side}",
        got.0, got.1
    )]
    OtherSize {
        /// The side that it takes.
        side: usize,
        /// Width and height of the images.
        got: (u32, u32),
    },
    /// Magnification finds no pixels for some rings.
    #[error(
        "magnification cannot stand on a map of {side}x{side}; expected an even side, 32 at least"
    )]
    MapTooSmall {
        /// The map's side.
        side: usize,
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
