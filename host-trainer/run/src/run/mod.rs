//! What a training run leaves behind and tells about itself.
//!
//! Nothing here knows libtorch.

mod events;
mod folder;
mod latest;
mod lock;
mod manifest;
mod metrics;
mod platform;
mod progress;
mod states;

pub use events::EventLog;
pub use folder::{FolderError, RunFolder};
pub use lock::{LockError, RunLock};
pub use manifest::{ImagesRecord, ManifestError, Resumption, RunManifest, Sitting};
pub use metrics::{Accuracy, Losses, Metrics, MetricsError, MetricsLog};
pub use platform::Platform;
pub use progress::{Progress, RunPlan, RunSummary, Start};
pub use states::{Checksums, States};
