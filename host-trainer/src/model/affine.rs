//! The weights of a convolution or a linear layer.

use tch::{Device, TchError, Tensor};

use super::{
    array::{tensor, values},
    parameter::Parameter,
};
use crate::checkpoint::AffineWeights;

/// Weight and bias on a device.
#[derive(Debug)]
pub(super) struct Affine {
    pub(super) weight: Tensor,
    pub(super) bias: Tensor,
}

impl Affine {
    /// Copies weights of `shape`, the output's channels first, to a device.
    pub(super) fn new(
        weights: &AffineWeights,
        shape: &[usize],
        device: Device,
    ) -> Result<Self, TchError> {
        Ok(Self {
            weight: tensor(&weights.weight, shape, device)?,
            bias: tensor(&weights.bias, &shape[..1], device)?,
        })
    }

    pub(super) fn parameters(&self, prefix: &str) -> [Parameter; 2] {
        [
            Parameter::new(format!("{prefix}.weight"), &self.weight),
            Parameter::new(format!("{prefix}.bias"), &self.bias),
        ]
    }

    /// Copies the weights out.
    pub(super) fn weights(&self) -> Result<AffineWeights, TchError> {
        Ok(AffineWeights { weight: values(&self.weight)?, bias: values(&self.bias)? })
    }
}
