//! Receptive fields of V1: Gabor fits to the filters, and their shapes against
//! those of macaque simple cells (\[Ringach\]; \[LCL\] section A.5).
//!
//! [`receptive_fields`] fits [`Filters`]; what it returns is the result.
//! [`Oriented::of`] is the short form for the report of a run.

mod filters;
mod fit;
mod found;
mod gabor;
mod oriented;
mod pictures;
mod rejection;

pub use filters::{Filter, Filters, FiltersError};
pub use fit::{Fit, fit_gabor, undetermined};
pub use found::{
    FieldComparison, FittedFilter, ReceptiveFields, Rejected, Rule, Summary, receptive_fields,
};
pub use gabor::Gabor;
pub use oriented::Oriented;
pub use rejection::Rejection;
