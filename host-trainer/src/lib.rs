//! Trains the two-stage model of cortical areas V1 and V2, quantises it and
//! writes the blob that `lcl-infer` runs.
//!
//! libtorch is behind the feature `torch`, which is on by default. Only
//! [`model`], [`loss`] and [`training`] know it; everything else
//! deals in plain arrays. Without the feature the same functions are there and
//! return the error `WithoutTorch`.
//!
//! Keys in brackets, such as \[LCL\], are those of `docs/references.bib`.
//!
//! Where to start: [`config::Config`] for what a run does, [`training::train`]
//! for the loop, [`checkpoint::Checkpoint`] for the weights,
//! [`model::FloatNetwork`] for the features of images.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub use lcl_artefacts::{
    Printed, arrays, atomic_file, blob_file, checkpoint, compare, console, feature_file,
    feature_map, feature_model, frames, integer_features, onnx, printed, random, recogniser, saved,
    say, score_model, shell, shipped, sized_image, tell, tensor_file, watch,
};
pub use lcl_evaluate as evaluate;
pub use lcl_images as data;
pub use lcl_pages::show;
pub use lcl_population as population;
pub use lcl_quantise::{self as quantise, passes};
pub use lcl_run::{config, device, loader, report, run, views};
#[cfg(feature = "torch")]
pub use lcl_train::population as fitting;
#[cfg(feature = "torch")]
pub use lcl_train::{components, loss, model, training, workers};
