//! How units are tuned to orientation, spatial frequency and size, from
//! drifting sine gratings, and how alike their properties are distributed to
//! those of neurons in macaque V1 (\[Marques\]).
//!
//! [`record`] shows the gratings to a model, [`tune`] measures what plain
//! arrays of responses say, [`Tuning::new`] compares.

mod drawings;
mod found;
mod frequency;
mod grating;
mod orientation;
mod record;
mod responses;
mod sets;
mod size;
mod spline;
mod unit;

pub use found::{PropertySummary, Summary, Tuning};
pub use frequency::{FrequencyPeak, frequency_peak};
pub use grating::{Grating, blank};
pub use orientation::{OrientationPeak, circular_variance, orientation_peak, orthogonal_ratio};
pub use record::{Recording, TuningError, UnitResponses, View, record};
pub use responses::{Component, Condition, Responses};
pub use sets::{GratingSet, GratingSets, Sizes, Viewing};
pub use size::{SizeTuning, size_tuning};
pub use spline::Spline;
pub use unit::{Exclusion, UnitTuning, orientation_curve, tune};

#[cfg(test)]
mod tests;
