//! Components of a biologically constrained V1 (\[BIO\]), and a retina, as
//! functions on tensors.
//!
//! Each is one file: equations, and a literal computation in its tests. Tensors
//! are NCHW; the precision is that of the input. [`apply`] runs one of them on
//! plain arrays; docs/components.md says what they are for.

pub mod apply;
mod centre_surround;
mod divisive_norm;
mod local;
mod magnification;
mod retina;
mod tuned_norm;

#[cfg(test)]
mod testing;

pub use centre_surround::{CentreSurround, SurroundForm};
pub use divisive_norm::DivisiveNorm;
pub use local::local;
pub use magnification::{LEAST_MAP, Magnification};
pub use retina::{RETINA_CHANNELS, Retina};
pub use tuned_norm::tuned_norm;
