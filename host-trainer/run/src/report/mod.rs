//! The report of a run, `report.html`: one page without outside references
//! and without scripts, for a screen of any width, light or dark, and paper.
//!
//! Everything comes in as plain arrays; nothing here knows libtorch. Where to
//! start: [`Report`] is what the page shows, `page.rs` how it is laid out.

mod contents;
mod correlation;
mod filters;
mod outcome;
mod page;
mod quantisation;
mod views;

pub use contents::{Report, RunState};
pub use correlation::CrossCorrelation;
pub use filters::Filters;
pub use outcome::{Orientedness, Outcome, Trend, name_of};
pub use quantisation::QuantisationError;
pub use views::SampleViews;

#[cfg(test)]
mod tests;
