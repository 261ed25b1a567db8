//! What a training run leaves behind and tells about itself.
//!
//! Nothing here knows libtorch.

mod folder;
mod metrics;
mod progress;

pub use folder::{FolderError, RunFolder};
pub use metrics::{Losses, Metrics, MetricsError, MetricsLog};
pub use progress::{Progress, RunPlan, RunSummary, Start};
