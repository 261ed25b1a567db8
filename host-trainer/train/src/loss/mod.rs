//! The objectives that stages are trained with.
//!
//! Each takes the tensors of views A and B and returns a scalar; which of them
//! a run uses is [`Objective`]. Sums are taken in the precision of the tensors.

mod barlow_twins;
mod cross_entropy;
mod simclr;
mod simsiam;

#[cfg(test)]
mod literal;

pub use barlow_twins::{BarlowTwins, Parts};
pub use cross_entropy::{Recognised, cross_entropy};
pub use simclr::SimClr;
pub use simsiam::SimSiam;

use tch::{TchError, Tensor};

use lcl_run::config::{LossConfig, ObjectiveName};

/// Least norm of a vector that is divided by its norm, so that one that is
/// always 0 is similar to nothing instead of a division by 0.
const LEAST_NORM: f64 = 1e-12;

/// What a stage is trained to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Objective {
    /// Redundancy reduction.
    BarlowTwins(BarlowTwins),
    /// Contrast of images.
    SimClr(SimClr),
    /// Prediction of the other view.
    SimSiam(SimSiam),
}

impl Objective {
    /// Creates the objective that a configuration describes.
    #[must_use]
    pub fn new(config: LossConfig) -> Self {
        let LossConfig { objective, lambda, centre, temperature } = config;
        match objective {
            ObjectiveName::BarlowTwins => Self::BarlowTwins(BarlowTwins { lambda, centre }),
            ObjectiveName::Simclr => Self::SimClr(SimClr { temperature }),
            ObjectiveName::Simsiam => Self::SimSiam(SimSiam),
        }
    }
}

/// Divides each row of `[N, D]` by its norm.
fn unit_rows(z: &Tensor) -> Result<Tensor, TchError> {
    let squares = z.f_square()?.f_sum_dim_intlist(1_i64, true, z.kind())?;
    z.f_div(&squares.f_clamp_min(LEAST_NORM * LEAST_NORM)?.f_sqrt()?)
}
