//! Batch normalisation with running statistics.

use tch::{Device, TchError, Tensor};

use super::{array::tensor, parameter::Parameter};

/// Added to the variance.
const EPS: f64 = 1e-5;

/// Share of a batch's statistics in the new running statistics.
const MOMENTUM: f64 = 0.1;

/// Where the statistics of batch norm come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// From the batch; the running statistics follow.
    Training,
    /// From the running statistics.
    Evaluation,
}

/// `y = (x - mean) / √(variance + 1e-5) · weight + bias`, channel by channel.
#[derive(Debug)]
pub(super) struct BatchNorm {
    pub(super) weight: Tensor,
    pub(super) bias: Tensor,
    pub(super) running_mean: Tensor,
    pub(super) running_var: Tensor,
}

impl BatchNorm {
    /// Takes weight, bias, running mean and running variance.
    pub(super) fn new(arrays: [&[f32]; 4], device: Device) -> Result<Self, TchError> {
        let load = |array: &[f32]| tensor(array, &[array.len()], device);
        let [weight, bias, mean, variance] = arrays;
        Ok(Self {
            weight: load(weight)?,
            bias: load(bias)?,
            running_mean: load(mean)?,
            running_var: load(variance)?,
        })
    }

    /// `[N, C, …]` to the same shape.
    pub(super) fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        x.f_batch_norm(
            Some(&self.weight),
            Some(&self.bias),
            Some(&self.running_mean),
            Some(&self.running_var),
            mode == Mode::Training,
            MOMENTUM,
            EPS,
            true,
        )
    }

    pub(super) fn parameters(&self, prefix: &str) -> [Parameter; 2] {
        [
            Parameter::new(format!("{prefix}.weight"), &self.weight),
            Parameter::new(format!("{prefix}.bias"), &self.bias),
        ]
    }
}
