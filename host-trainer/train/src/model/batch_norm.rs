//! Batch normalisation with running statistics.

use c10d::{Normalised, ProcessGroup};
use tch::{Device, TchError, Tensor, no_grad};

use super::{
    array::{tensor, values},
    parameter::Parameter,
};
use crate::workers::{Ranks, failed};
use lcl_artefacts::checkpoint::BatchNormWeights;

/// Share of a batch's statistics in the new running statistics.
const MOMENTUM: f64 = 0.1;

/// Where the statistics of batch norm come from.
#[derive(Clone, Copy, Debug)]
pub enum Mode<'g> {
    /// From the batch, of which each rank has a part; the running statistics
    /// follow.
    Training(Ranks<'g>),
    /// From the running statistics.
    Evaluation,
}

impl<'g> Mode<'g> {
    /// Returns the ranks that the images are spread over.
    #[must_use]
    pub fn ranks(self) -> Ranks<'g> {
        match self {
            Self::Training(ranks) => ranks,
            Self::Evaluation => Ranks::ALONE,
        }
    }
}

/// `y = (x - mean) / √(variance + 1e-5) · weight + bias`, channel by channel.
#[derive(Debug)]
pub(super) struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
}

impl BatchNorm {
    pub(super) fn new(weights: &BatchNormWeights, device: Device) -> Result<Self, TchError> {
        let load = |array: &[f32]| tensor(array, &[array.len()], device);
        Ok(Self {
            weight: load(&weights.weight)?,
            bias: load(&weights.bias)?,
            running_mean: load(&weights.running_mean)?,
            running_var: load(&weights.running_var)?,
        })
    }

    /// `[N, C, …]` to the same shape.
    pub(super) fn forward(&self, x: &Tensor, mode: Mode<'_>) -> Result<Tensor, TchError> {
        if let Some(group) = mode.ranks().group() {
            return self.over_all_ranks(x, group);
        }
        x.f_batch_norm(
            Some(&self.weight),
            Some(&self.bias),
            Some(&self.running_mean),
            Some(&self.running_var),
            matches!(mode, Mode::Training(_)),
            MOMENTUM,
            BatchNormWeights::EPSILON,
            true,
        )
    }

    /// As libtorch's, with the statistics of all ranks.
    fn over_all_ranks(&self, x: &Tensor, group: &ProcessGroup) -> Result<Tensor, TchError> {
        let Normalised { y, mean, variance, count } = group
            .batch_norm(x, &self.weight, &self.bias, BatchNormWeights::EPSILON)
            .map_err(|error| failed(&error))?;
        let unbiased = variance.f_mul_scalar(count / (count - 1.0).max(1.0))?;
        let [mut running_mean, mut running_var] = self.statistics();
        no_grad(|| {
            let _ = running_mean.f_lerp_(&mean, MOMENTUM)?;
            let _ = running_var.f_lerp_(&unbiased, MOMENTUM)?;
            Ok(y)
        })
    }

    /// Returns the running statistics, shared with this.
    pub(super) fn statistics(&self) -> [Tensor; 2] {
        [self.running_mean.shallow_clone(), self.running_var.shallow_clone()]
    }

    pub(super) fn parameters(&self, prefix: &str) -> [Parameter; 2] {
        [
            Parameter::new(format!("{prefix}.weight"), &self.weight),
            Parameter::new(format!("{prefix}.bias"), &self.bias),
        ]
    }

    /// Copies the weights and statistics out.
    pub(super) fn weights(&self) -> Result<BatchNormWeights, TchError> {
        Ok(BatchNormWeights {
            weight: values(&self.weight)?,
            bias: values(&self.bias)?,
            running_mean: values(&self.running_mean)?,
            running_var: values(&self.running_var)?,
        })
    }
}
