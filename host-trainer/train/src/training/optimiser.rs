//! The optimiser of a run, whichever it is.

use tch::{TchError, Tensor};

use super::{Adam, sgd::Sgd};
use crate::model::Parameter;
use lcl_run::config::{OptimiserConfig, OptimiserName};

/// Updates parameters by their gradients.
#[derive(Debug)]
pub(super) enum Optimiser {
    Adam(Adam),
    Sgd(Sgd),
}

macro_rules! each {
    ($optimiser:expr, $kind:ident => $call:expr) => {
        match $optimiser {
            Optimiser::Adam($kind) => $call,
            Optimiser::Sgd($kind) => $call,
        }
    };
}

impl Optimiser {
    /// Creates the optimiser of `parameters`, before its first step.
    pub(super) fn new(
        parameters: Vec<Parameter>,
        config: OptimiserConfig,
    ) -> Result<Self, TchError> {
        Ok(match config.name {
            OptimiserName::Adam => Self::Adam(Adam::new(parameters, config)?),
            OptimiserName::Sgd => Self::Sgd(Sgd::new(parameters, config)?),
        })
    }

    /// Continues at `step` with the moments that were set.
    pub(super) fn resume_at(&mut self, step: u64) {
        each!(self, optimiser => optimiser.resume_at(step));
    }

    /// Sets the number of updates that a schedule ends with.
    pub(super) fn set_length(&mut self, updates: u64) {
        each!(self, optimiser => optimiser.set_length(updates));
    }

    /// Returns the length of the step that comes next.
    pub(super) fn learning_rate(&self) -> f64 {
        each!(self, optimiser => optimiser.learning_rate())
    }

    /// Returns the moments by name, shared with this.
    pub(super) fn named_moments(&self) -> Vec<(String, Tensor)> {
        each!(self, optimiser => optimiser.named_moments())
    }

    /// Forgets the gradients of all parameters.
    pub(super) fn zero_grad(&mut self) {
        each!(self, optimiser => optimiser.zero_grad());
    }

    /// Updates all parameters by their gradients; one without a gradient stays
    /// as it is.
    pub(super) fn step(&mut self) -> Result<(), TchError> {
        each!(self, optimiser => optimiser.step())
    }

    /// Returns the norm of the gradient of all parameters, as the last update had
    /// it.
    pub(super) fn gradient_norm(&self) -> Result<f64, TchError> {
        let mut squares = 0.0;
        for parameter in each!(self, optimiser => optimiser.parameters()) {
            let gradient = parameter.tensor.f_grad()?;
            if gradient.defined() {
                squares += gradient.f_norm()?.f_double_value(&[])?.powi(2);
            }
        }
        Ok(squares.sqrt())
    }
}
