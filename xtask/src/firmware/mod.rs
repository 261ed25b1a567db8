//! Programs for boards: building them, placing the model, running them.

mod emulator;
mod model;
mod program;
mod usage;

pub use emulator::{Run, loader};
pub use model::{Layout, Model};
pub use program::{Program, target_dir};
pub use usage::Usage;
