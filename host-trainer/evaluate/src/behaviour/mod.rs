//! Decisions of people and models on images out of distribution: accuracy,
//! consistency of their errors, shape bias (Geirhos et al. 2021,
//! \[Geirhos\]; \[LCL\] A.4), from tables of decisions.
//!
//! Start with [`Decisions::read`], then [`behaviour_of`]; [`agreement`] is the
//! statistic of two decision makers.

mod agreement;
mod answers;
mod conditions;
mod decisions;
mod error;
mod evaluation;
mod page;
mod result;
mod shape_bias;
mod table;
#[cfg(test)]
mod tests;

pub use agreement::{Agreement, agreement};
pub use decisions::{DataSet, Decisions, Trial, Trials};
pub use error::{BehaviourError, RowFault};
pub use evaluation::behaviour_of;
pub use result::{Behaviour, Consistency, DataSetScores, Scores, Unmatched};
pub use shape_bias::{ShapeBias, shape_bias};
