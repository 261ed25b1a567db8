//! Files of recorded responses, in two layouts.

mod error;
mod freeman_ziemba;
mod read;
mod window;

pub use error::LayoutError;
pub use read::{Layout, read_responses};
pub use window::{UnknownWindow, Window};
